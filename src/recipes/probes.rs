//! What a scratch server does with the changes of a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{changes_type, checks_on, is_null_only};
use crate::kinds::KindName;
use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId, Pair};
use crate::model::step::{Action, Hazard, Step};

/// What a scratch server does with the changes of a plan. A change that could not be tried is missing; recipes then
/// assume the worse outcome.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProbeResults {
    /// Columns whose addition or change of type does not rewrite the table.
    pub no_rewrite: BTreeSet<ObjectId>,
    /// Columns whose change of type rebuilds an index, although it does not rewrite the table.
    pub index_rebuild: BTreeSet<ObjectId>,
    /// Columns from whose old type there is no cast to the new one.
    pub no_cast: BTreeSet<ObjectId>,
    /// Columns whose new value depends on settings of the session, such as its time zone.
    pub volatile_cast: BTreeSet<ObjectId>,
    /// For each new partition that is an existing table: its bound as a condition on the rows.
    pub bound_conditions: BTreeMap<ObjectId, String>,
    /// For each column that may get a shadow column, and each index on it: the index on the shadow column.
    pub shadow_indexes: BTreeMap<(ObjectId, ObjectId), Object>,
}

impl ProbeResults {
    /// Whether the addition of a column, or its change of type, rewrites the table.
    pub fn rewrites(&self, column: &ObjectId) -> bool {
        !self.no_rewrite.contains(column)
    }

    /// Whether a change of a column's type rewrites the table or rebuilds an index.
    pub fn rewrites_or_reindexes(&self, column: &ObjectId) -> bool {
        self.rewrites(column) || self.index_rebuild.contains(column)
    }

    /// Returns an index on a column as the server describes it on the shadow column.
    pub fn shadow_index(&self, column: &ObjectId, index: &ObjectId) -> Option<&Object> {
        self.shadow_indexes.get(&(column.clone(), index.clone()))
    }

    /// Removes hazards of a step that the server disproved, and adds those that only the server could tell.
    pub(super) fn adjust_hazards(&self, step: &mut Step, sides: Pair<&Catalog>) {
        let column = &step.object;
        if needs_rewrite_probe(step, sides) && !self.rewrites(column) {
            step.hazards.retain(|hazard| !matches!(hazard, Hazard::Rewrite(_)));
        }
        if !changes_type(step) || self.rewrites(column) {
            return;
        }
        let mut scans = Vec::new();
        if self.index_rebuild.contains(column) {
            scans.push(format!("rebuilds indexes on {column} while reads and writes wait"));
        }
        if checks_on(column, sides).next().is_some() {
            scans.push(format!(
                "checks the constraints on {column} for every row while reads and writes wait"
            ));
        }
        step.hazards.extend(scans.into_iter().map(Hazard::Scan));
    }
}

/// Whether only the server can tell if a step rewrites the table.
pub(crate) fn needs_rewrite_probe(step: &Step, sides: Pair<&Catalog>) -> bool {
    if step.object.kind != KindName::Column || step.lock.is_none() {
        return false;
    }
    match step.action {
        Action::Create => !is_null_only(&step.object, sides.after),
        Action::Alter => changes_type(step),
        _ => false,
    }
}
