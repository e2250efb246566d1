//! Turns the differences between two catalogs into steps in an order that the server accepts.

mod closure;
mod fold;
mod graph;
mod nodes;

use crate::diff;
use crate::error::Result;
use crate::model::{Catalog, Pair, Plan};

/// Plans the way from one catalog to another. The rollback is the plan of the swapped pair.
///
/// # Errors
/// Returns an error if an unrelated change would drop rows, or if the steps depend on each other in a cycle.
pub fn plan(sides: Pair<&Catalog>) -> Result<Plan> {
    let changes = diff::diff(sides);
    let work = closure::close(sides, &changes)?;
    let nodes = nodes::build(sides, &work);
    let graph = graph::Graph::new(sides, &work, nodes);
    fold::fold(graph).order()
}
