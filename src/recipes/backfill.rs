//! Backfills: existing rows get a value in batches, each committed on its own, in a block that `psql` runs.
//!
//! A batch locks its rows in the order of the primary key and skips rows that other sessions have locked, so that it
//! neither waits nor deadlocks. The block goes over the table until no row needs a value. A run that is killed loses at
//! most its last batch, and the next run continues with the rows that are left.

mod batches;

use super::recipe::RecipeContext;
use crate::kinds::{KindName, common};
use crate::model::AttributeName;
use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId};
use crate::model::rename::ShadowColumn;
use crate::model::sql::{DollarQuoted, Ident};
use crate::model::step::{LockMode, Step, Transaction};
use crate::sql;

pub(super) use batches::Backfill;

impl Backfill<'_> {
    /// Returns a step for each table that stores rows of the context's table: itself, its children or its partitions.
    pub(super) fn steps(&self, context: &RecipeContext) -> Vec<Step> {
        self.steps_for(&context.table(), context.sides.before)
    }

    fn steps_for(&self, table: &ObjectId, catalog: &Catalog) -> Vec<Step> {
        let tables = catalog.tables_with_rows(table);
        tables.iter().map(|table| self.step(table, &primary_key(table, catalog))).collect()
    }

    fn step(&self, table: &ObjectId, key: &[String]) -> Step {
        let block = self.block(table, key);
        Step::populate(&self.column.id, sql!("DO {}", DollarQuoted(&block)))
            .lock(LockMode::RowExclusive, table)
            .transaction(Transaction::Outside)
            .reason(format!(
                "fills {} in existing rows, in batches, each committed on its own",
                self.shown_as
            ))
    }
}

/// Returns the steps of the directive `backfill` of a column, if there is one.
pub(super) fn directive_backfill(context: &RecipeContext, column: &Object) -> Vec<Step> {
    let Some(directive) = context.facts.directives.backfills.get(&column.id) else { return Vec::new() };
    let backfill = Backfill {
        column,
        shown_as: &column.id,
        value: directive.expression.clone(),
        condition: null_rows(column, directive.condition.as_deref()),
        batch: directive.batch,
    };
    backfill.steps(context)
}

/// Returns the condition of the rows that are NULL in a column and meet a further condition.
pub(super) fn null_rows(column: &Object, further: Option<&str>) -> String {
    let name = sql!("{}", Ident(column.id.name()));
    match further {
        Some(further) => format!("{name} IS NULL AND ({further})"),
        None => format!("{name} IS NULL"),
    }
}

/// Returns the steps that copy the values of a column to its shadow column.
pub(crate) fn shadow_backfill(shadow: &ShadowColumn, catalog: &Catalog) -> Vec<Step> {
    let Some(column) = catalog.get(&shadow.column) else { return Vec::new() };
    let (old, new) = (sql!("{}", Ident(shadow.original.name())), sql!("{}", Ident(shadow.column.name())));
    let backfill = Backfill {
        column,
        shown_as: &shadow.column,
        value: old.to_string(),
        // Values of types without an equality operator can only be compared as images.
        condition: format!("ROW({new})::record OPERATOR(pg_catalog.*<>) ROW({old})::record"),
        batch: None,
    };
    backfill.steps_for(&common::table_of(&shadow.column), catalog)
}

/// Returns the columns of the primary key of a table.
fn primary_key(table: &ObjectId, catalog: &Catalog) -> Vec<String> {
    let key = catalog.children(table).find(|part| part.id.kind == KindName::PrimaryKey);
    key.filter(|key| !key.flag(AttributeName::WITHOUT_OVERLAPS))
        .map(|key| key.list(AttributeName::COLUMNS).to_vec())
        .unwrap_or_default()
}
