//! Comma-separated lists.

use crate::model::sql::{Expression, Ident, Sql};
use crate::sql;

/// Identifiers, separated by commas.
pub fn idents(names: &[String]) -> Sql {
    let list: Vec<Sql> = names.iter().map(|name| sql!("{}", Ident(name))).collect();
    Sql::join(&list, ", ")
}

/// Expressions, separated by commas.
pub fn expressions(texts: &[String]) -> Sql {
    let list: Vec<Sql> = texts.iter().map(|text| sql!("{}", Expression(text))).collect();
    Sql::join(&list, ", ")
}
