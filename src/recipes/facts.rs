//! Everything that recipes know beyond the two catalogs.

use std::collections::BTreeMap;

use super::policy::Policy;
use super::probes::ProbeResults;
use super::sizes::Sizes;
use crate::model::direction::Direction;
use crate::model::directives::Directives;
use crate::model::object::ObjectId;

/// For each object whose change was checked against the existing rows: the rows that violate it, or `None` if no row
/// does.
pub type DataViolations = BTreeMap<ObjectId, Option<String>>;

/// What servers and the target say about the changes of a plan.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The sizes of the tables.
    pub sizes: Sizes,
    /// What a scratch server does with types, defaults and partition bounds.
    pub probes: ProbeResults,
    /// Existing rows that violate the plan's changes. Objects that were not checked are missing.
    pub violations: DataViolations,
    /// The directives of the target. A rollback has none.
    pub directives: Directives,
}

/// Options for applying recipes to a plan.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecipeOptions {
    /// Which statements the plan may use.
    pub policy: Policy,
    /// The direction of the plan.
    pub direction: Direction,
    /// Whether all short statements run in one transaction, even if they lock several tables.
    pub single_transaction: bool,
}
