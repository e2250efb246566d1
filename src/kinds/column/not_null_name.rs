//! The NOT NULL constraint of a column as an object with a name (PostgreSQL 18).

use crate::model::kind::KindName;
use crate::model::{AttributeName, Object, ObjectId, PgVersion};

/// Returns the name of the column's NOT NULL constraint.
pub fn not_null_name(column: &Object) -> String {
    match column.text(AttributeName::NOT_NULL_NAME) {
        "" => format!("{}_{}_not_null", column.id.path()[1], column.id.name()),
        name => name.to_owned(),
    }
}

/// Returns the identity of the column's NOT NULL constraint among the constraints of the table, unless the column inherits
/// it.
pub fn not_null_constraint(column: &Object, version: PgVersion) -> Option<ObjectId> {
    let name = not_null_name(column);
    let is_local = column.flag(AttributeName::NOT_NULL)
        && !column.flag(AttributeName::NOT_NULL_INHERITED)
        && name.len() < 64;
    let path = [&*column.id.path()[0], &*column.id.path()[1], &*name];
    (version.since(18) && is_local).then(|| ObjectId::new(KindName::Check, &path))
}
