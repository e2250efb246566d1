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

/// Plans the way from one catalog to another. The rollback is the plan of the swapped pair.
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
