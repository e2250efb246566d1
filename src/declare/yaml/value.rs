//! Values of attributes from nodes, by the attribute's type.

use std::ops::Range;

use super::names::NAME_BYTES;
use crate::kinds::ValueType;
use crate::kinds::common::normalize_privilege;
use crate::model::Value;
use crate::yaml::{self, Node, Style};

/// A node that does not fit.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Its bytes.
    pub(super) span: Range<usize>,
    /// What would fit.
    pub(super) wanted: String,
    /// What is there.
    pub(super) found: String,
}

/// `fit` or a misfit.
pub(super) type Fit<T> = Result<T, Misfit>;

/// The value that a node gives to an attribute of a type; none where it says nothing.
pub(super) fn value(ty: ValueType, node: &Node) -> Fit<Option<Value>> {
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
        // The server keeps settings in the order in which they were set, which says nothing.
        ValueType::Options => Value::Map(map(node, |item| Ok(Value::Text(text(item)?.to_owned())))?),
        ValueType::Grants => Value::Map(map(node, |item| {
            let mut privileges = list(item, |item| Ok(normalize_privilege(text(item)?)))?;
            privileges.sort();
            privileges.dedup();
            Ok(Value::List(privileges))
        })?),
    }))
}

/// A misfit of a whole node.
pub(super) fn misfit(node: &Node, wanted: impl Into<String>) -> Misfit {
    let found = match node.text() {
        Some(text) => {
            let line = text.lines().next().unwrap_or_default();
            let short: String = line.chars().take(40).collect();
            format!("`{short}{}`", if short.len() < text.len() { "…" } else { "" })
        }
        None => node.what().to_owned(),
    };
    Misfit { span: node.span.clone(), wanted: wanted.into(), found }
}

/// A text, of which `1.10` and `true` keep their letters.
pub(super) fn text(node: &Node) -> Fit<&str> {
    node.text().ok_or_else(|| misfit(node, "a text"))
}

/// True or false.
pub(super) fn flag(node: &Node) -> Fit<bool> {
    match &node.value {
        yaml::Value::Scalar(text, Style::Plain) => match &**text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(misfit(node, "`true` or `false`")),
        },
        yaml::Value::Scalar(..) | yaml::Value::List(_) | yaml::Value::Map(_) => {
            Err(misfit(node, "`true` or `false`"))
        }
    }
}

/// A whole number.
pub(super) fn number(node: &Node) -> Fit<i64> {
    let digits = match &node.value {
        yaml::Value::Scalar(text, Style::Plain) => text.parse().ok(),
        yaml::Value::Scalar(..) | yaml::Value::List(_) | yaml::Value::Map(_) => None,
    };
    digits.ok_or_else(|| misfit(node, "a whole number"))
}

/// One of these words, in letters of either case.
fn word(words: &'static [&'static str], node: &Node) -> Fit<String> {
    let said = node.text().map(str::to_lowercase);
    match words.iter().find(|word| !word.is_empty() && said.as_deref() == Some(word)) {
        Some(word) => Ok((*word).to_owned()),
        None => Err(misfit(node, one_of(words))),
    }
}

fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().filter(|w| !w.is_empty()).map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// SQL. The line end of a block is not part of it, unless a comment needs one.
fn expression(node: &Node) -> Fit<String> {
    let sql = text(node)?;
    let block = matches!(&node.value, yaml::Value::Scalar(_, Style::Block));
    Ok(if block && trims(sql) { sql.trim_end_matches('\n') } else { sql }.to_owned())
}

/// Whether SQL means the same without the newlines at its end.
pub(super) fn trims(sql: &str) -> bool {
    !sql.trim_end_matches('\n').rsplit('\n').next().is_some_and(|last| last.contains("--"))
}

/// An identifier as it is, without SQL's quotes.
pub(super) fn name(node: &Node) -> Fit<String> {
    let name = node.text().ok_or_else(|| misfit(node, "a name"))?;
    match unfit_name(name) {
        None => Ok(name.to_owned()),
        Some(why) => Err(misfit(node, why)),
    }
}

/// Why a text is no name of the server's.
pub(super) fn unfit_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name of at least one letter".into());
    }
    (name.len() > NAME_BYTES).then(|| {
        format!("a name of at most {NAME_BYTES} bytes, for PostgreSQL cuts the {} of this one", name.len())
    })
}

/// The items of a list; one alone needs no brackets.
pub(super) fn list<T>(node: &Node, item: impl Fn(&Node) -> Fit<T>) -> Fit<Vec<T>> {
    match &node.value {
        yaml::Value::List(items) => items.iter().map(item).collect(),
        yaml::Value::Scalar(..) => Ok(vec![item(node)?]),
        yaml::Value::Map(_) => Err(misfit(node, "a list")),
    }
}

fn map(node: &Node, item: impl Fn(&Node) -> Fit<Value>) -> Fit<Vec<(String, Value)>> {
    let yaml::Value::Map(entries) = &node.value else { return Err(misfit(node, "a map")) };
    let mut all = Vec::new();
    for (key, node) in entries.iter() {
        all.push((key.text.to_string(), item(node)?));
    }
    all.sort();
    Ok(all)
}
