//! Whether triggers and rules fire, depending on `session_replication_role`.

use crate::model::AttributeName;
use crate::model::Object;
use crate::model::kind::ValueType;
use crate::model::sql::Sql;

/// The values of the `enabled` attribute.
pub const ENABLED: ValueType = ValueType::Word(&["origin", "disabled", "replica", "always"]);

/// The `ENABLE` or `DISABLE` action for the object's `enabled` attribute.
pub fn enable(object: &Object) -> Sql {
    Sql::trusted(match object.text(AttributeName::ENABLED) {
        "disabled" => "DISABLE",
        "replica" => "ENABLE REPLICA",
        "always" => "ENABLE ALWAYS",
        _ => "ENABLE",
    })
}
