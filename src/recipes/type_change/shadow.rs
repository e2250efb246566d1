//! The shadow column and the names of the temporary objects around it.

use std::collections::BTreeSet;

use super::eligible::{column_is_eligible, table_is_eligible};
use super::parts::{Part, parts};
use crate::kinds::KindName;
use crate::model::AttributeName;
use crate::model::object::Object;
use crate::model::sql::{QualifiedName, Sql};
use crate::model::value::Value;
use crate::model::version::PgVersion;
use crate::recipes::columns::{changes_type, shadow_column_name};
use crate::recipes::conversion::{converted_value, using_expression};
use crate::recipes::names::column_word;
use crate::recipes::recipe::RecipeContext;
use crate::recipes::sizes::Size;
use crate::sql;

/// A shadow column, with everything that moves to it.
pub(super) struct Shadow<'a> {
    pub(super) context: &'a RecipeContext<'a>,
    /// The column before the change.
    pub(super) before: &'a Object,
    /// The column after the change.
    pub(super) after: &'a Object,
    /// The shadow column, under its name before the swap.
    pub(super) column: Object,
    /// The objects that depend on the column.
    pub(super) parts: Vec<Part<'a>>,
    /// Other tables that the swap locks.
    pub(super) other_tables: BTreeSet<String>,
    /// The name of the trigger that keeps the shadow column up to date.
    pub(super) trigger: String,
    /// The new value, as an expression over the columns of the row.
    pub(super) value: Sql,
    function: String,
}

impl<'a> Shadow<'a> {
    /// Returns the shadow column, if the step changes a column's type and everything that depends on the column can move.
    pub(super) fn of(context: &'a RecipeContext<'a>) -> Option<Self> {
        let id = &context.step.object;
        let probes = &context.facts.probes;
        if !changes_type(context.step) || !probes.rewrites_or_reindexes(id) {
            return None;
        }
        // Other sessions would compute other values than the backfill does.
        if probes.volatile_cast.contains(id) && using_expression(context).is_none() {
            return None;
        }
        // A small table is rewritten in place, and the column keeps its position.
        let size = context.facts.sizes.total(&context.table(), context.sides.before);
        if size.is_some_and(Size::is_small) {
            return None;
        }
        let (before, after) = (context.before()?, context.after()?);
        if !table_is_eligible(context) || !column_is_eligible(before, after, context) {
            return None;
        }
        let parts = parts(context)?;
        let own_table = sql!("{}", id.qualified_relation()).to_string();
        let other_tables = parts.iter().filter_map(other_table).filter(|name| *name != own_table).collect();
        Some(Self {
            context,
            before,
            after,
            column: shadow_column(context, before, after)?,
            parts,
            other_tables,
            trigger: format!("zz_schemadiff_type_{}", before.position),
            value: converted_value(context)?,
            function: context.temporary_name(&format!("type_{}", column_word(id, before.position))),
        })
    }

    /// The name of the trigger's function.
    pub(super) fn function(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.context.step.object.path()[0], name: &self.function }
    }

    /// Returns the name of an index until the swap.
    pub(super) fn index_name(&self, index: &Object) -> String {
        let position = self.parts.iter().position(|part| match part {
            Part::Index(object) | Part::Key(object, _) => object.id == index.id,
            Part::Constraint(_) | Part::Reference(_) | Part::Sequence(_) => false,
        });
        let word = column_word(&self.context.step.object, self.before.position);
        self.context.temporary_name(&format!("type_{word}_{}", position.unwrap_or_default() + 1))
    }
}

/// Returns the shadow column with its type, and nothing that other objects depend on.
fn shadow_column(context: &RecipeContext, before: &Object, after: &Object) -> Option<Object> {
    let id = &context.step.object;
    let mut column = Object::new(id.renamed(&shadow_column_name(id, context.sides)?));
    column.position = before.position;
    for name in [AttributeName::TYPE, AttributeName::COLLATION] {
        if let Some(value) = after.get(name) {
            column.set(name, value.clone());
        }
    }
    if context.version() >= PgVersion::V18 {
        let name = format!("schemadiff_not_null_{}", before.position);
        column.set(AttributeName::NOT_NULL_NAME, Value::Text(name));
    }
    Some(column)
}

/// Returns the other table of a foreign key on the column.
fn other_table(part: &Part) -> Option<String> {
    match part {
        Part::Constraint(key) if key.id.kind == KindName::ForeignKey => {
            Some(key.text(AttributeName::REFERENCES).to_owned())
        }
        Part::Reference(key) => Some(sql!("{}", key.id.qualified_relation()).to_string()),
        Part::Constraint(_) | Part::Index(_) | Part::Key(..) | Part::Sequence(_) => None,
    }
}
