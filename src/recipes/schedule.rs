//! Orders the steps of recipes, and puts them into transactions.
//!
//! Some steps cannot run inside a transaction block, and some must run inside the same one. Where the two overlap, the
//! former move before or after the latter, or the direct statement replaces them.

mod items;
mod spans;
mod transactions;

use crate::model::catalog::Catalog;
use crate::model::object::Pair;
use crate::model::step::Step;

pub(super) use items::{Piece, RecipeSteps};
use items::{postpone_late, reorder, split, use_direct_steps};
use spans::{Resolution, move_out_of_spans, spans};

/// Returns the steps of the pieces in order. `waits` are, for each piece, the pieces that must come before it.
pub(super) fn arrange(
    pieces: Vec<Piece>,
    waits: &[Vec<usize>],
    sides: Pair<&Catalog>,
    single_transaction: bool,
) -> Vec<Step> {
    let mut items = postpone_late(split(pieces, waits, sides));
    loop {
        match move_out_of_spans(&items, &spans(&items, sides)) {
            Resolution::Order(order) => {
                let items = reorder(items, &order);
                return if single_transaction {
                    items.into_iter().flat_map(|item| item.steps).collect()
                } else {
                    transactions::end_early(items, sides)
                };
            }
            Resolution::Direct(family) => {
                use_direct_steps(&mut items, family);
                items = postpone_late(items);
            }
        }
    }
}
