//! Steps that stay together, and the order among them.

use std::collections::BTreeSet;

use crate::kinds::{KindName, column};
use crate::model::catalog::Catalog;
use crate::model::object::Pair;
use crate::model::step::{Action, Step};
use crate::recipes::recipe::Placement;

/// A planned step with the steps that may replace it.
pub(in crate::recipes) struct Piece {
    /// The step as planned.
    pub(in crate::recipes) planned: Step,
    /// The step with the settings that it needs, for use without a recipe.
    pub(in crate::recipes) direct: Vec<Step>,
    /// The steps of the recipe that applies.
    pub(in crate::recipes) recipe: Option<RecipeSteps>,
    /// Whether other sessions may use the table.
    pub(in crate::recipes) in_use: bool,
}

/// The steps of a recipe.
pub(in crate::recipes) struct RecipeSteps {
    /// The steps, in order.
    pub(in crate::recipes) steps: Vec<Step>,
    /// Where other steps go, relative to them.
    pub(in crate::recipes) placement: Placement,
}

impl Piece {
    fn drops(&self) -> bool {
        matches!(self.planned.action, Action::Drop | Action::Release)
    }

    /// Whether the piece can only start after the pieces before it are complete. A primary key needs columns that are
    /// NOT NULL, and so does an identity.
    fn needs_complete(&self) -> bool {
        self.planned.object.kind == KindName::PrimaryKey || self.planned.belongs_to(&column::IDENTITY)
    }

    /// Whether the piece should start after the pieces before it are complete, because it may run for long.
    fn prefers_complete(&self) -> bool {
        self.recipe.is_some() || self.planned.object.kind == KindName::Partition
    }

    fn placement(&self) -> Placement {
        self.recipe.as_ref().map(|recipe| recipe.placement).unwrap_or_default()
    }

    /// Returns the steps as runs: consecutive steps inside a transaction, or one step outside of it. There is at least
    /// one run.
    fn runs(&self) -> Vec<Run> {
        let steps = self.recipe.as_ref().map_or(&self.direct, |recipe| &recipe.steps);
        let mut runs: Vec<Run> = Vec::new();
        for step in steps.iter().cloned() {
            let alone = step.transaction.runs_alone();
            match runs.last_mut() {
                Some(run) if !run.alone && !alone => run.steps.push(step),
                _ => runs.push(Run { alone, steps: vec![step] }),
            }
        }
        if runs.is_empty() {
            runs.push(Run { alone: false, steps: Vec::new() });
        }
        runs
    }
}

struct Run {
    alone: bool,
    steps: Vec<Step>,
}

/// Steps that stay together, inside or outside of a transaction.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) steps: Vec<Step>,
    /// The items that must come before it.
    pub(super) requires: BTreeSet<usize>,
    /// The items that should come before it, if possible.
    pub(super) prefers: BTreeSet<usize>,
    /// The direct steps of its piece, if the item comes from a recipe.
    pub(super) direct: Option<Vec<Step>>,
    /// Whether its step runs outside of transactions of several statements.
    pub(super) alone: bool,
    /// Whether it runs for long, or follows an item that does.
    pub(super) late: bool,
    /// Whether other sessions may use the table.
    pub(super) in_use: bool,
    /// The first and the last item of its piece.
    pub(super) family: (usize, usize),
}

/// The items after which a piece counts as done.
#[derive(Clone, Copy)]
struct Done {
    /// After this item, others can use the object.
    usable: usize,
    /// After this item, the change is complete.
    complete: usize,
}

/// Splits pieces into items.
pub(super) fn split(pieces: Vec<Piece>, waits: &[Vec<usize>], sides: Pair<&Catalog>) -> Vec<Item> {
    let drops: Vec<bool> = pieces.iter().map(Piece::drops).collect();
    let mut items: Vec<Item> = Vec::new();
    let mut done: Vec<Done> = Vec::new();
    for (i, piece) in pieces.into_iter().enumerate() {
        let runs = piece.runs();
        let (start, last) = (items.len(), items.len() + runs.len() - 1);
        let (prefers_complete, needs_complete) = (piece.prefers_complete(), piece.needs_complete());
        // An object is built before the old one of the same name is dropped. The new one depends on nothing that the
        // plan changes, and the old one is dropped at its planned place.
        let recreated = sides.after.contains(&piece.planned.object) && piece.planned.action == Action::Drop;
        let built_before_drop = piece.recipe.is_some() && recreated && runs.len() > 1;
        let has_swap = piece.placement() == Placement::AroundSwap;
        let swap = runs.iter().rposition(|run| !run.alone).filter(|_| has_swap);
        // Columns of a partition become NOT NULL with those of the partitioned table, to which no edge points.
        let mut late = needs_complete && piece.in_use && piece.planned.lock.is_some() && !drops[i];
        for (n, run) in runs.into_iter().enumerate() {
            late |= run.alone && piece.recipe.is_some() && !built_before_drop;
            let waits_here = |before: &&usize| match swap {
                // Drops go directly before the swap; the shadow object needs what is created.
                Some(swap) => n == if drops[**before] { swap } else { 0 },
                None => n == usize::from(built_before_drop),
            };
            let before = || waits[i].iter().filter(waits_here).map(|before| done[*before]);
            let prefers = before().filter(|_| prefers_complete).map(|done| done.complete).collect();
            let required = before().map(|done| if needs_complete { done.complete } else { done.usable });
            let requires = required.chain((n > 0).then(|| start + n - 1)).collect();
            let direct = piece.recipe.is_some().then(|| piece.direct.clone());
            let Run { alone, steps } = run;
            let family = (start, last);
            items.push(Item { steps, requires, prefers, direct, alone, late, in_use: piece.in_use, family });
        }
        done.push(match piece.placement() {
            Placement::AfterLast => Done { usable: last, complete: last },
            Placement::AfterFirst => Done { usable: start, complete: last },
            Placement::AroundSwap => {
                let swap = swap.map_or(last, |swap| start + swap);
                Done { usable: swap, complete: swap }
            }
        });
    }
    items
}

/// Keeps the order of the items, but moves late ones as far back as possible, so that short ones run together.
pub(super) fn postpone_late(items: Vec<Item>) -> Vec<Item> {
    let count = items.len();
    let mut missing = vec![0; count];
    let mut following = vec![Vec::new(); count];
    for (then, item) in items.iter().enumerate() {
        for first in item.requires.union(&item.prefers) {
            following[*first].push(then);
            missing[then] += 1;
        }
    }
    let mut ready: BTreeSet<(bool, usize)> =
        (0..count).filter(|i| missing[*i] == 0).map(|i| (items[i].late, i)).collect();
    let mut order = Vec::with_capacity(count);
    while let Some((_, i)) = ready.pop_first() {
        order.push(i);
        for then in &following[i] {
            missing[*then] -= 1;
            if missing[*then] == 0 {
                ready.insert((items[*then].late, *then));
            }
        }
    }
    reorder(items, &order)
}

/// Returns the items in another order, with the numbers of other items adjusted.
pub(super) fn reorder(items: Vec<Item>, order: &[usize]) -> Vec<Item> {
    let mut positions = vec![0; items.len()];
    for (position, i) in order.iter().enumerate() {
        positions[*i] = position;
    }
    let mut slots: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    let ordered = order.iter().filter_map(|i| slots[*i].take());
    let adjusted = |numbers: &BTreeSet<usize>| numbers.iter().map(|i| positions[*i]).collect();
    ordered
        .map(|item| Item { requires: adjusted(&item.requires), prefers: adjusted(&item.prefers), ..item })
        .collect()
}

/// Replaces the items of a recipe by the direct steps of its piece.
pub(super) fn use_direct_steps(items: &mut [Item], family: (usize, usize)) {
    let mut first = true;
    for item in items.iter_mut().filter(|item| item.family == family) {
        let direct = item.direct.take().filter(|_| std::mem::take(&mut first)).unwrap_or_default();
        item.alone = direct.iter().any(|step| step.transaction.runs_alone());
        item.late = false;
        item.steps = direct;
    }
}
