//! What a file says about the way to an object, which no state can say.

use super::tree::{Node, Value};
use super::value::{self, Fit, Misfit, misfit};
pub use crate::declare::sql::DirectiveKind;
use crate::error::Place;
use crate::model::ObjectId;

/// A wish of the user's about how a change is made.
#[derive(Clone, Debug)]
pub struct Directive {
    /// The object beside which it is written.
    pub object: ObjectId,
    /// What is wished.
    pub kind: DirectiveKind,
    /// The key and where it stands.
    pub place: Place,
}

/// Reads the wish under a key of [`super::shape::directives`].
pub(super) fn read(key: &str, node: &Node) -> Fit<DirectiveKind> {
    match key {
        "renamed_from" => Ok(DirectiveKind::RenamedFrom(value::list(node, value::name)?)),
        "renamed_values" => {
            let Value::Map(entries) = &node.value else {
                return Err(misfit(node, "a map of new values to old ones"));
            };
            let pair = |(key, node): &(super::tree::Key, Node)| {
                Ok((key.text.to_string(), value::text(node)?.to_owned()))
            };
            Ok(DirectiveKind::RenamedValues(entries.iter().map(pair).collect::<Fit<_>>()?))
        }
        "backfill" => backfill(node),
        "using" => Ok(DirectiveKind::Using(value::text(node)?.to_owned())),
        _ if node.text() == Some("confirmed") => Ok(DirectiveKind::DropConfirmed),
        _ => Err(misfit(node, "`confirmed`")),
    }
}

fn backfill(node: &Node) -> Fit<DirectiveKind> {
    let (mut expression, mut condition, mut batch) = (None, None, None);
    match &node.value {
        Value::Scalar(..) => expression = Some(value::text(node)?.to_owned()),
        Value::List(_) => return Err(misfit(node, "an expression or a map")),
        Value::Map(entries) => {
            for (key, node) in entries.iter() {
                match &*key.text {
                    "expression" => expression = Some(value::text(node)?.to_owned()),
                    "where" => condition = Some(value::text(node)?.to_owned()),
                    "batch" => {
                        let rows = u32::try_from(value::number(node)?).ok().filter(|rows| *rows > 0);
                        batch = Some(rows.ok_or_else(|| misfit(node, "a number of rows"))?);
                    }
                    _ => {
                        let wanted = "the keys `expression`, `where` and `batch`".to_owned();
                        let found = format!("`{}`", key.text);
                        return Err(Misfit { span: key.span.clone(), wanted, found });
                    }
                }
            }
        }
    }
    let expression = expression.ok_or_else(|| misfit(node, "an `expression`"))?;
    Ok(DirectiveKind::Backfill { expression, condition, batch })
}
