//! Marks on a column: how its values are stored and looked at. None changes what they are.

use super::statement::alter_column_sql;
use crate::model::kind::Alteration;
use crate::kinds::common::{option_steps, table_of};
use crate::model::sql::Sql;
use crate::model::{Action, LockMode, Object, Pair, Step};
use crate::sql;

/// How values are stored.
pub(super) static STORAGE: Alteration = Alteration {
    name: "storage",
    steps: |column, context| {
        // `SET STORAGE DEFAULT` is of 16.
        if column.after.text("storage").is_empty() && !context.version().since(16) {
            let own = type_storage(column);
            let set = sql!("SET STORAGE {}", Sql::trusted(own));
            return Some(vec![mark(column.after, &set, LockMode::AccessExclusive)]);
        }
        Some(vec![storage(column.after, "storage", "STORAGE")])
    },
};

/// How long values are compressed.
pub(super) static COMPRESSION: Alteration = Alteration {
    name: "compression",
    steps: |column, _| Some(vec![storage(column.after, "compression", "COMPRESSION")]),
};

/// The statistics target.
pub(super) static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |column, _| {
        let target = column.after.int("statistics").unwrap_or(-1);
        let set = sql!("SET STATISTICS {}", target);
        Some(vec![mark(column.after, &set, LockMode::ShareUpdateExclusive)])
    },
};

/// `n_distinct` and the like.
pub(super) static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |column, _| {
        let only = alter_column_sql(column.after, true, &Sql::default());
        let steps = option_steps(column, "options", &only);
        Some(steps.into_iter().map(|step| Step { action: Action::Attach, ..step }).collect())
    },
};

/// `SET STORAGE` and `SET COMPRESSION`.
pub(super) fn storage(column: &Object, attribute: &str, word: &str) -> Step {
    let value = column.text(attribute);
    let value = if value.is_empty() { "DEFAULT".to_owned() } else { value.to_owned() };
    mark(column, &sql!("SET {} {}", Sql::trusted(word), Sql::trusted(value)), LockMode::AccessExclusive)
}

/// How a type that can be stored in several ways is stored when nobody says: all but `numeric` and the
/// network types are `extended`.
fn type_storage(column: Pair<&Object>) -> &'static str {
    let ty = column.after.text("type");
    let main = ["numeric", "inet", "cidr"].iter().any(|name| {
        ty.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('(') && !rest.ends_with(']'))
    });
    if main { "main" } else { "extended" }
}

/// A change of how the column is held or looked at, under the lock that it takes (manual, `ALTER TABLE`).
fn mark(column: &Object, what: &Sql, lock: LockMode) -> Step {
    // Without ONLY the mark would reach the children, whose own state is compared apart.
    Step::attach(&column.id, alter_column_sql(column, true, what)).lock(lock, table_of(&column.id))
}
