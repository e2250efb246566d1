//! Reads values of the configuration, and collects errors with their places.

use std::ops::Range;
use std::sync::Arc;

use super::variables::Variables;
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, codes};
use crate::yaml::{Key, Node, Value};

/// Reads values and collects errors.
pub(super) struct Reader<'a> {
    pub(super) file: String,
    /// The text of the file, without passwords.
    pub(super) text: Arc<str>,
    pub(super) variables: &'a Variables,
    pub(super) errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The place of a range of the file.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.clone(), text: Arc::clone(&self.text), span }
    }

    /// Adds an error at a range of the file.
    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let diagnostic = Diagnostic::new(codes::VALUE, message).at(self.place(span.clone()));
        self.errors.push(diagnostic);
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }

    /// Adds an error for a value of the wrong type.
    pub(super) fn expected(&mut self, node: &Node, expected: &str) {
        self.error(&node.span, format!("expected {expected}, found {}", node.type_name()));
    }

    /// Adds an error for a key that does not exist. `parent` names the map.
    pub(super) fn unknown_key(&mut self, key: &Key, known: &[&str], parent: &str) {
        let diagnostic = Diagnostic::new(codes::KEY, format!("unknown key `{}` in {parent}", key.text))
            .at(self.place(key.span.clone()));
        self.errors.push(match suggest(&key.text, known.iter().copied()) {
            Some(similar) => diagnostic.help(format!("did you mean `{similar}`?")),
            None => diagnostic.help(format!("its keys are {}", known.join(", "))),
        });
    }

    /// The entries of a map; null is an empty map.
    pub(super) fn map<'n>(&mut self, node: &'n Node, expected: &str) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Map(map) => map,
            Value::Scalar(..) if node.is_null() => &[],
            Value::Scalar(..) | Value::List(_) => {
                self.expected(node, expected);
                &[]
            }
        }
    }

    /// The strings of a list, or a single string.
    pub(super) fn texts(&mut self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::List(list) => list.iter().filter_map(|item| self.text(item)).collect(),
            Value::Scalar(..) | Value::Map(_) => self.text(node).into_iter().collect(),
        }
    }

    /// A string, with its variables expanded.
    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        let Some(text) = node.text() else {
            self.expected(node, "a string");
            return None;
        };
        match self.variables.expand(text) {
            Ok(text) => Some(text),
            Err(reason) => {
                let help = "set it, write it into `.env`, or give a default: ${NAME:-value}";
                self.error(&node.span, reason).help.push(help.to_owned());
                None
            }
        }
    }

    /// A value with a fixed set of names. `what` names it in messages.
    pub(super) fn one_of<T>(
        &mut self,
        node: &Node,
        what: &str,
        names: &[&str],
        named: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node)?;
        let value = named(&text);
        if value.is_none() {
            let mut list = names.join(", ");
            if let Some(comma) = list.rfind(", ") {
                list.replace_range(comma..=comma, " or");
            }
            self.error(&node.span, format!("unknown {what} `{text}`: expected {list}"));
        }
        value
    }
}
