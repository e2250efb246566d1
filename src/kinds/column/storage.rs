//! Storage, compression, statistics target and options of a column.

use super::statement::alter_column_sql;
use crate::kinds::common::{option_steps, table_of};
use crate::model::kind::Alteration;
use crate::model::sql::Sql;
use crate::model::{Action, AttributeName, LockMode, Object, Pair, Step};
use crate::sql;

/// The storage of the values.
pub(super) static STORAGE: Alteration = Alteration {
    name: "storage",
    steps: |column, context| {
        // `SET STORAGE DEFAULT` exists since PostgreSQL 16.
        if column.after.text(AttributeName::STORAGE).is_empty() && !context.version().since(16) {
            let set = sql!("SET STORAGE {}", Sql::trusted(type_storage(column)));
            return Some(vec![attach(column.after, &set, LockMode::AccessExclusive)]);
        }
        Some(vec![set_storage(column.after, AttributeName::STORAGE, "STORAGE")])
    },
};

/// The compression method.
pub(super) static COMPRESSION: Alteration = Alteration {
    name: "compression",
    steps: |column, _| Some(vec![set_storage(column.after, AttributeName::COMPRESSION, "COMPRESSION")]),
};

/// The statistics target.
pub(super) static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |column, _| {
        let target = column.after.int(AttributeName::STATISTICS).unwrap_or(-1);
        let set = sql!("SET STATISTICS {}", target);
        Some(vec![attach(column.after, &set, LockMode::ShareUpdateExclusive)])
    },
};

/// Attribute options: `n_distinct`, `n_distinct_inherited`.
pub(super) static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |column, _| {
        let only = alter_column_sql(column.after, true, &Sql::default());
        let steps = option_steps(column, AttributeName::OPTIONS, &only);
        Some(steps.into_iter().map(|step| Step { action: Action::Attach, ..step }).collect())
    },
};

/// `SET STORAGE` and `SET COMPRESSION`.
pub(super) fn set_storage(column: &Object, attribute: AttributeName, word: &str) -> Step {
    let value = column.text(attribute);
    let value = if value.is_empty() { "DEFAULT".to_owned() } else { value.to_owned() };
    attach(column, &sql!("SET {} {}", Sql::trusted(word), Sql::trusted(value)), LockMode::AccessExclusive)
}

/// The default storage of a variable-length type: `main` for `numeric` and network types, otherwise `extended`.
fn type_storage(column: Pair<&Object>) -> &'static str {
    let ty = column.after.text(AttributeName::TYPE);
    let main = ["numeric", "inet", "cidr"].iter().any(|name| {
        ty.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('(') && !rest.ends_with(']'))
    });
    if main { "main" } else { "extended" }
}

/// The `ALTER COLUMN` step with its lock (manual, `ALTER TABLE`).
fn attach(column: &Object, action: &Sql, lock: LockMode) -> Step {
    // ONLY, because child tables are compared separately.
    Step::attach(&column.id, alter_column_sql(column, true, action)).lock(lock, table_of(&column.id))
}
