//! Renames in a header: `column shop.customer.mail -> shop.customer.email`.
//!
//! A part of a name that is not a plain word is written as a JSON string, so that it cannot contain a line break. A
//! value of an enum follows the name of its type.

use std::fmt::Write as _;

use crate::kinds::KindName;
use crate::model::{ObjectId, Pair, Rename};

const ARROW: &str = " -> ";
const VALUE: &str = "value";

/// Prints a rename.
pub(super) fn print(rename: &Rename) -> String {
    let Pair { before, after } = &rename.object;
    let end = |id: &ObjectId, value: Option<&String>| {
        let parts = id.path().iter().map(|part| &**part).chain(value.map(String::as_str));
        parts.map(part).collect::<Vec<_>>().join(".")
    };
    let (kind, value) = match &rename.value {
        Some(value) => (VALUE, Some(value)),
        None => (before.kind.get().name, None),
    };
    let old = end(before, value.map(|value| &value.before));
    format!("{kind} {old}{ARROW}{}", end(after, value.map(|value| &value.after)))
}

/// Reads a rename. Returns None if the line is not one.
pub(super) fn read(line: &str) -> Option<Rename> {
    let value = line.strip_prefix(VALUE).and_then(|rest| rest.strip_prefix(' '));
    let (kind, rest) = match value {
        Some(rest) => (KindName::Enum, rest),
        None => {
            let is_prefix = |kind: &KindName| {
                line.strip_prefix(kind.get().name).is_some_and(|rest| rest.starts_with(' '))
            };
            let kind =
                KindName::ALL.iter().copied().filter(is_prefix).max_by_key(|kind| kind.get().name.len())?;
            (kind, &line[kind.get().name.len() + 1..])
        }
    };
    let (mut before, rest) = parts(rest)?;
    let (mut after, rest) = parts(rest.strip_prefix(ARROW)?)?;
    let labels =
        if value.is_some() { Some(Pair { before: before.pop()?, after: after.pop()? }) } else { None };
    let depth = kind.get().identity.depth();
    let valid = rest.is_empty() && before.len() == depth && after.len() == depth;
    valid.then(|| Rename {
        object: Pair { before: ObjectId::new(kind, &before), after: ObjectId::new(kind, &after) },
        value: labels,
    })
}

/// A part of a name, quoted if necessary.
fn part(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        return name.to_owned();
    }
    let mut text = String::from("\"");
    let mut last = ' ';
    for c in name.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            // Repeated spaces and line breaks are escaped, because the header is split into words when it is printed.
            ' ' if last != ' ' => text.push(c),
            c if c.is_whitespace() || c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
            c => text.push(c),
        }
        last = c;
    }
    text.push('"');
    text
}

/// Reads the parts of a name and returns them with the rest of the text.
fn parts(mut text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = Vec::new();
    loop {
        let end = if text.starts_with('"') {
            let mut escaped = false;
            let close = text.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                closes
            })?;
            close.0 + 1
        } else {
            text.find(['.', ' ']).unwrap_or(text.len())
        };
        let (part, rest) = text.split_at(end);
        parts.push(if part.starts_with('"') { serde_json::from_str(part).ok()? } else { part.to_owned() });
        match rest.strip_prefix('.') {
            Some(more) => text = more,
            None => return Some((parts, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_read_back() {
        for hostile in ["a", "A b", "a  b\n\"c\" -> \\", "ä.\u{a0}", "", "a -> b.c", " a ", "\u{85}\u{2003}x"]
        {
            let id = |kind, name: &str| ObjectId::new(kind, &["s", name, "x"]);
            let rename = Rename::of(id(KindName::Column, hostile), id(KindName::Column, "b"));
            let line = print(&rename);
            assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), line);
            assert_eq!(read(&line), Some(rename), "{line}");
        }
        let ty = ObjectId::new(KindName::Enum, &["s", "mood"]);
        let value = Some(Pair { before: "so so".into(), after: "fine".into() });
        let rename = Rename { object: Pair { before: ty.clone(), after: ty }, value };
        assert_eq!(print(&rename), "value s.mood.\"so so\" -> s.mood.fine");
        assert_eq!(read(&print(&rename)), Some(rename));
        assert_eq!(read("table a.b -> c"), None);
    }
}
