//! `ALTER TABLE … ALTER COLUMN`.

use crate::kinds::common::table_of;
use crate::model::sql::{Ident, Sql};
use crate::model::{LockMode, Object, Step};
use crate::sql;

/// `ALTER TABLE … ALTER COLUMN …`, followed by an action.
pub(super) fn alter_column_sql(column: &Object, only: bool, action: &Sql) -> Sql {
    let only = Sql::trusted(if only { "ONLY " } else { "" });
    sql!("ALTER TABLE {}{} ALTER COLUMN {}", only, column.id.qualified_relation(), Ident(column.id.name()))
        .then(action)
}

/// The step for an action that takes the strongest lock.
pub(super) fn alter_column(column: &Object, action: &Sql) -> Step {
    Step::alter(&column.id, alter_column_sql(column, false, action))
        .lock(LockMode::AccessExclusive, table_of(&column.id))
}
