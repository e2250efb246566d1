//! Reads the value of an attribute from a node, by the type of the attribute.

use std::ops::Range;

use super::names::NAME_BYTES;
use crate::kinds::ValueType;
use crate::kinds::common::normalize_privilege;
use crate::model::Value;
use crate::yaml::{self, Node, Style};

/// A node of the wrong type.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// The range of the node in the file.
    pub(super) span: Range<usize>,
    /// A description of the expected value.
    pub(super) expected: String,
    /// A description of the node.
    pub(super) found: String,
}

/// A value, or why the node cannot be read as one.
pub(super) type ValueResult<T> = Result<T, Mismatch>;

/// Reads the value of an attribute of a type. Returns `None` if the node is null.
pub(super) fn value(ty: ValueType, node: &Node) -> ValueResult<Option<Value>> {
    if node.is_null() {
        return Ok(None);
    }
    Ok(Some(match ty {
        ValueType::Flag => Value::Bool(flag(node)?),
        ValueType::Number => Value::Int(number(node)?),
        ValueType::Word(words) => Value::Text(word(words, node)?),
        ValueType::Text | ValueType::Qualified | ValueType::DataType => Value::Text(text(node)?.to_owned()),
        ValueType::Expression => Value::Text(expression(node)?),
        ValueType::Name | ValueType::Role => Value::Text(name(node)?),
        ValueType::Texts | ValueType::QualifiedNames => {
            Value::List(list(node, |item| Ok(text(item)?.to_owned()))?)
        }
        ValueType::Expressions => Value::List(list(node, expression)?),
        ValueType::Names | ValueType::Columns => Value::List(list(node, name)?),
        ValueType::Roles => {
            let mut roles = list(node, name)?;
            roles.sort();
            roles.dedup();
            Value::List(roles)
        }
        // The order of options is not significant.
        ValueType::Options => Value::Map(map(node, |item| Ok(Value::Text(text(item)?.to_owned())))?),
        ValueType::Grants => Value::Map(map(node, |item| {
            let mut privileges = list(item, |item| Ok(normalize_privilege(text(item)?)))?;
            privileges.sort();
            privileges.dedup();
            Ok(Value::List(privileges))
        })?),
    }))
}

/// Describes a node that is not what is expected.
pub(super) fn mismatch(node: &Node, expected: impl Into<String>) -> Mismatch {
    let found = match node.text() {
        Some(text) => {
            let line = text.lines().next().unwrap_or_default();
            let short: String = line.chars().take(40).collect();
            format!("`{short}{}`", if short.len() < text.len() { "…" } else { "" })
        }
        None => node.type_name().to_owned(),
    };
    Mismatch { span: node.span.clone(), expected: expected.into(), found }
}

/// Reads a string. Scalars such as `1.10` and `true` keep their spelling.
pub(super) fn text(node: &Node) -> ValueResult<&str> {
    node.text().ok_or_else(|| mismatch(node, "a string"))
}

/// Reads `true` or `false`.
pub(super) fn flag(node: &Node) -> ValueResult<bool> {
    match &node.value {
        yaml::Value::Scalar(text, Style::Plain) => match &**text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(mismatch(node, "`true` or `false`")),
        },
        yaml::Value::Scalar(..) | yaml::Value::List(_) | yaml::Value::Map(_) => {
            Err(mismatch(node, "`true` or `false`"))
        }
    }
}

/// Reads an integer.
pub(super) fn number(node: &Node) -> ValueResult<i64> {
    let digits = match &node.value {
        yaml::Value::Scalar(text, Style::Plain) => text.parse().ok(),
        yaml::Value::Scalar(..) | yaml::Value::List(_) | yaml::Value::Map(_) => None,
    };
    digits.ok_or_else(|| mismatch(node, "an integer"))
}

/// Reads one of the given words, ignoring case.
fn word(words: &'static [&'static str], node: &Node) -> ValueResult<String> {
    let given = node.text().map(str::to_lowercase);
    match words.iter().find(|word| !word.is_empty() && given.as_deref() == Some(word)) {
        Some(word) => Ok((*word).to_owned()),
        None => Err(mismatch(node, one_of(words))),
    }
}

fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().filter(|w| !w.is_empty()).map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Reads SQL. The newline at the end of a block is dropped, unless it ends a comment.
fn expression(node: &Node) -> ValueResult<String> {
    let sql = text(node)?;
    let block = matches!(&node.value, yaml::Value::Scalar(_, Style::Block));
    Ok(if block && can_trim_newlines(sql) { sql.trim_end_matches('\n') } else { sql }.to_owned())
}

/// Whether SQL has the same meaning without the newlines at its end.
pub(super) fn can_trim_newlines(sql: &str) -> bool {
    !sql.trim_end_matches('\n').rsplit('\n').next().is_some_and(|last| last.contains("--"))
}

/// Reads an identifier, without SQL quoting.
pub(super) fn name(node: &Node) -> ValueResult<String> {
    let name = node.text().ok_or_else(|| mismatch(node, "a name"))?;
    match invalid_name(name) {
        None => Ok(name.to_owned()),
        Some(why) => Err(mismatch(node, why)),
    }
}

/// If a text is not a valid identifier, returns a description of what is expected.
pub(super) fn invalid_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name that is not empty".into());
    }
    (name.len() > NAME_BYTES).then(|| {
        format!(
            "a name of at most {NAME_BYTES} bytes (PostgreSQL would truncate the {} of this one)",
            name.len()
        )
    })
}

/// Reads a list. A scalar is a list of one item.
pub(super) fn list<T>(node: &Node, item: impl Fn(&Node) -> ValueResult<T>) -> ValueResult<Vec<T>> {
    match &node.value {
        yaml::Value::List(items) => items.iter().map(item).collect(),
        yaml::Value::Scalar(..) => Ok(vec![item(node)?]),
        yaml::Value::Map(_) => Err(mismatch(node, "a list")),
    }
}

fn map(node: &Node, item: impl Fn(&Node) -> ValueResult<Value>) -> ValueResult<Vec<(String, Value)>> {
    let yaml::Value::Map(entries) = &node.value else { return Err(mismatch(node, "a map")) };
    let mut all = Vec::new();
    for (key, node) in entries.iter() {
        all.push((key.text.to_string(), item(node)?));
    }
    all.sort();
    Ok(all)
}
