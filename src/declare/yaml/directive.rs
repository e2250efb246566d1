//! Reads directives from a target file.

use super::value::{self, Mismatch, ValueResult, mismatch};
use crate::model::DirectiveKind;
use crate::yaml::{Key, Node, Value};

/// Reads the value of a key of [`super::shape::directives`].
pub(super) fn read(key: &str, node: &Node) -> ValueResult<DirectiveKind> {
    match key {
        "renamed_from" => Ok(DirectiveKind::RenamedFrom(value::list(node, value::name)?)),
        "renamed_values" => {
            let Value::Map(entries) = &node.value else {
                return Err(mismatch(node, "a map of new values to former values"));
            };
            let pair = |(key, node): &(Key, Node)| Ok((key.text.to_string(), value::text(node)?.to_owned()));
            Ok(DirectiveKind::RenamedValues(entries.iter().map(pair).collect::<ValueResult<_>>()?))
        }
        "backfill" => backfill(node),
        "using" => Ok(DirectiveKind::Using(value::text(node)?.to_owned())),
        _ if node.text() == Some("confirmed") => Ok(DirectiveKind::DropConfirmed),
        _ => Err(mismatch(node, "`confirmed`")),
    }
}

/// Reads an expression, or a map with `expression`, `where` and `batch`.
fn backfill(node: &Node) -> ValueResult<DirectiveKind> {
    let (mut expression, mut condition, mut batch) = (None, None, None);
    match &node.value {
        Value::Scalar(..) => expression = Some(value::text(node)?.to_owned()),
        Value::List(_) => return Err(mismatch(node, "an expression or a map")),
        Value::Map(entries) => {
            for (key, node) in entries.iter() {
                match &*key.text {
                    "expression" => expression = Some(value::text(node)?.to_owned()),
                    "where" => condition = Some(value::text(node)?.to_owned()),
                    "batch" => {
                        let rows = u32::try_from(value::number(node)?).ok().filter(|rows| *rows > 0);
                        batch = Some(rows.ok_or_else(|| mismatch(node, "a positive number of rows"))?);
                    }
                    _ => {
                        let expected = "the keys `expression`, `where` and `batch`".to_owned();
                        let found = format!("`{}`", key.text);
                        return Err(Mismatch { span: key.span.clone(), expected, found });
                    }
                }
            }
        }
    }
    let expression = expression.ok_or_else(|| mismatch(node, "an `expression`"))?;
    Ok(DirectiveKind::Backfill { expression, condition, batch })
}
