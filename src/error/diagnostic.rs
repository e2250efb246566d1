//! A diagnostic: one problem that the user can fix, with its code, its place and its remedy.

use std::ops::Range;
use std::sync::Arc;

use super::codes::Code;

/// A problem that the user can fix.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// What is wrong, naming the object.
    pub message: String,
    /// The place in one of the user's files.
    pub place: Option<Place>,
    /// The text shown under the place.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Creates a diagnostic without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, label: None, help: Vec::new() }
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets the text shown under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// A place in a file of the user.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The text of the file.
    pub text: Arc<str>,
    /// The byte range in the text.
    pub span: Range<usize>,
}

impl Place {
    /// Returns the line and the column, both counted from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.text.floor_char_boundary(self.span.start.min(self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}
