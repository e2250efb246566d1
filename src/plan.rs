//! Turns the differences between two catalogs into steps in an order that the server accepts.

mod cascade;
mod change_set;
mod closure;
mod detach;
mod fold;
mod graph;
mod nodes;

use crate::diff;
use crate::error::Result;
use crate::model::{Catalog, Pair, Plan};

/// Plans the change from one catalog to another. The rollback is the plan of the swapped pair.
///
/// ```
/// use schemadiff::kinds::KindName;
/// use schemadiff::model::{Catalog, Object, ObjectId, Pair, PgVersion};
/// use schemadiff::plan::plan;
/// use schemadiff::script;
///
/// let shop = ObjectId::new(KindName::Schema, &["shop"]);
/// let objects = [(shop.clone(), Object::new(shop))].into_iter().collect();
/// let before = Catalog::new(PgVersion::V15, Default::default());
/// let after = Catalog::new(PgVersion::V15, objects);
///
/// let sides = Pair { before: &before, after: &after };
/// assert_eq!(script::declarations(&plan(sides)?), "CREATE SCHEMA shop;\n");
/// assert_eq!(script::declarations(&plan(sides.swapped())?), "DROP SCHEMA shop;\n");
/// # Ok::<(), schemadiff::Error>(())
/// ```
///
/// # Errors
/// Returns an error if an unrelated change would drop rows, or if the steps depend on each other in a cycle.
pub fn plan(sides: Pair<&Catalog>) -> Result<Plan> {
    let changes = diff::diff(sides);
    let set = closure::close(sides, &changes)?;
    let nodes = nodes::build(sides, &set);
    let graph = graph::Graph::new(sides, &set, nodes);
    fold::fold(graph).order()
}
