//! What a recipe is, and what it sees of a plan.

use std::collections::BTreeSet;

use super::facts::{Facts, RecipeOptions};
use super::names::temporary_name;
use crate::error::Result;
use crate::kinds::{KindName, Namespace, column};
use crate::model::catalog::Catalog;
use crate::model::object::{Object, ObjectId, Pair};
use crate::model::sql::Sql;
use crate::model::step::{Action, LockMode, Step, Transaction};
use crate::model::version::PgVersion;
use crate::sql;

/// A safe way to make one change.
pub struct Recipe {
    /// Its name.
    pub name: &'static str,
    /// What the statement that it replaces would do. Its first step says so in the migration.
    pub risk: &'static str,
    /// The policies under which it applies.
    pub policies: Policies,
    /// Where other steps go that depend on the changed object, or that the change depends on.
    pub placement: Placement,
    /// Returns the steps, or `None` if the recipe does not apply. An empty list means that the steps for another object
    /// make this change, too.
    pub steps: fn(&RecipeContext) -> Result<Option<Vec<Step>>>,
}

/// The policies under which a recipe applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// All policies but `direct`.
    Safe,
    /// All policies. Under `direct`, the recipe applies only to changes that have a directive.
    All,
}

/// Where other steps go, relative to those of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Steps that need the object follow the last step.
    #[default]
    AfterLast,
    /// Steps that need the object may follow the first step.
    AfterFirst,
    /// The last steps inside a transaction make the change. Steps that must precede the change go directly before them,
    /// and steps that need the object directly after them.
    AroundSwap,
}

/// The objects that a plan changes.
pub struct AffectedObjects {
    /// Objects that are dropped, created or altered. Changes of owner, privileges or comment do not count.
    pub changed: BTreeSet<ObjectId>,
    /// Objects that are dropped, also if they are created again.
    pub dropped: BTreeSet<ObjectId>,
    /// Objects with new values or a new definition. An index that depends on one of them cannot be built before the
    /// change.
    pub redefined: BTreeSet<ObjectId>,
}

impl AffectedObjects {
    /// Returns the objects that these steps change.
    pub fn of(steps: &[Step]) -> Self {
        let objects = |wanted: fn(&Step) -> bool| {
            steps.iter().filter(|step| wanted(step)).map(|step| step.object.clone()).collect()
        };
        Self {
            changed: objects(|step| step.action != Action::Attach),
            dropped: objects(|step| step.action == Action::Drop),
            redefined: objects(|step| step.action != Action::Attach && !keeps_values(step)),
        }
    }
}

/// Whether a step alters a table or a column without changing its values.
fn keeps_values(step: &Step) -> bool {
    let table_or_column = matches!(step.object.kind, KindName::Table | KindName::Column);
    table_or_column && step.action == Action::Alter && !step.belongs_to(&column::TYPE)
}

/// A step of a plan, with everything that a recipe may know about it.
#[derive(Clone, Copy)]
pub struct RecipeContext<'a> {
    /// The step.
    pub step: &'a Step,
    /// The states before and after the plan.
    pub sides: Pair<&'a Catalog>,
    /// The objects that the plan changes.
    pub affected: &'a AffectedObjects,
    /// What servers and the target say about the changes.
    pub facts: &'a Facts,
    /// How recipes are applied.
    pub options: RecipeOptions,
}

impl<'a> RecipeContext<'a> {
    /// The object in the state before the plan.
    pub(super) fn before(&self) -> Option<&'a Object> {
        self.sides.before.get(&self.step.object)
    }

    /// The object in the state after the plan.
    pub(super) fn after(&self) -> Option<&'a Object> {
        self.sides.after.get(&self.step.object)
    }

    /// The relation that the object belongs to, or the object itself.
    pub(super) fn table(&self) -> ObjectId {
        let id = &self.step.object;
        let parent = || self.sides.after.parent(id).or_else(|| self.sides.before.parent(id));
        id.relation().and_then(|_| parent()).unwrap_or_else(|| id.clone())
    }

    pub(super) fn is_partitioned(&self) -> bool {
        let Pair { before, after } = self.sides;
        let table = self.table();
        if after.contains(&table) { after.is_partitioned(&table) } else { before.is_partitioned(&table) }
    }

    /// Whether the table and its partitions are known to have no row. For a type, whether this holds for all tables that
    /// use it.
    pub(super) fn is_on_empty_table(&self) -> bool {
        let table = self.table();
        let has_no_rows = |table: &ObjectId| self.facts.sizes.has_no_rows(table, self.sides.before);
        if table.relation().is_some() || table.kind.get().namespaces.contains(&Namespace::Relations) {
            return has_no_rows(&table);
        }
        self.sides.before.relations_using(&table).iter().all(has_no_rows)
    }

    /// Whether the object is dropped and created again.
    pub(super) fn is_recreated(&self) -> bool {
        self.before().is_some() && self.after().is_some()
    }

    /// Whether the object is dropped and created again, and everything that it depends on stays. Then the new one can be
    /// built before the old one is dropped.
    pub(super) fn can_be_built_before_drop(&self) -> bool {
        let Pair { before, after } = self.sides;
        self.is_recreated()
            && self.has_stable_dependencies(before, after)
            && self.has_stable_dependencies(after, before)
    }

    /// Whether everything that the object depends on in one state is unchanged in the other.
    fn has_stable_dependencies(&self, side: &Catalog, other: &Catalog) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![&self.step.object];
        while let Some(id) = stack.pop() {
            for (needed, _) in side.dependencies_of(id) {
                if self.affected.redefined.contains(needed) || !other.contains(needed) {
                    return false;
                }
                if seen.insert(needed) {
                    stack.push(needed);
                }
            }
        }
        true
    }

    /// The version of the server.
    pub(super) fn version(&self) -> PgVersion {
        self.sides.after.version
    }

    /// Returns a name for a temporary object.
    pub(super) fn temporary_name(&self, purpose: &str) -> String {
        temporary_name(self.sides, purpose)
    }

    /// Returns a step that alters the table of a column or constraint under an ACCESS EXCLUSIVE lock.
    pub(super) fn alter_table(&self, part: &ObjectId, what: &Sql) -> Step {
        let sql = sql!("ALTER TABLE {} {}", part.qualified_relation(), what);
        Step::alter(part, sql).lock(LockMode::AccessExclusive, self.table())
    }
}

/// Returns a step that scans a table without blocking reads or writes.
pub(super) fn scan(object: &ObjectId, sql: Sql, table: &ObjectId) -> Step {
    let step = Step::alter(object, sql).lock(LockMode::ShareUpdateExclusive, table);
    step.transaction(Transaction::Own)
}
