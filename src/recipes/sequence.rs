//! Puts the steps of recipes where they can stand: what must not be in a transaction goes round what must be in one.

use std::collections::{BTreeMap, BTreeSet};

use super::Placement;
use crate::kinds::{KindName, Namespace};
use crate::model::{Action, Catalog, LockMode, ObjectId, Pair, Step, Transaction};

/// A step as it was planned, with the steps that a recipe has for it.
pub(super) struct Piece {
    planned: Step,
    /// What is done where no recipe is: the step, with what it needs around it.
    direct: Vec<Step>,
    safe: Option<Vec<Step>>,
    turn: Placement,
    /// Whether somebody may be using the table.
    busy: bool,
}

impl Piece {
    pub(super) fn new(
        planned: Step,
        direct: Vec<Step>,
        safe: Option<(Vec<Step>, Placement)>,
        busy: bool,
    ) -> Self {
        let (safe, turn) = safe.map_or((None, Placement::Whole), |(steps, turn)| (Some(steps), turn));
        Self { planned, direct, safe, turn, busy }
    }
}

/// Steps that stay together, in or out of a transaction.
#[derive(Debug)]
struct Item {
    steps: Vec<Step>,
    /// The items before it, by number.
    waits: BTreeSet<usize>,
    /// Those that are better before it, and need not be.
    prefers: BTreeSet<usize>,
    /// The steps without the recipe, where all items of one could be those instead.
    direct: Option<Vec<Step>>,
    outside: bool,
    /// Whether it is long work, or comes after it.
    late: bool,
    /// Whether somebody may be using the table.
    busy: bool,
    /// The recipe's items: the first and the last.
    family: (usize, usize),
}

/// The steps in order.
pub(super) fn arrange(
    pieces: Vec<Piece>,
    waits: &[Vec<usize>],
    sides: Pair<&Catalog>,
    at_once: bool,
) -> Vec<Step> {
    let mut items = postpone(cut(pieces, waits, sides));
    loop {
        let spans = spans(&items, sides);
        match settle(&items, &spans) {
            Settled::Whole(order) => {
                let items = rearrange(items, &order);
                return if at_once {
                    items.into_iter().flat_map(|item| item.steps).collect()
                } else {
                    part(items, sides)
                };
            }
            Settled::Plainly(family) => {
                fall_back(&mut items, family);
                items = postpone(items);
            }
        }
    }
}

/// Each recipe as items: runs of steps inside and outside of transactions, one after the other.
fn cut(pieces: Vec<Piece>, waits: &[Vec<usize>], sides: Pair<&Catalog>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    // Of each piece the items after which what needs its object can come: at the soonest, and when all is done.
    let mut ready: Vec<(usize, usize)> = Vec::new();
    let goes: Vec<bool> =
        pieces.iter().map(|piece| matches!(piece.planned.action, Action::Drop | Action::Release)).collect();
    for (i, piece) in pieces.into_iter().enumerate() {
        // Long work is better done when all else is; what only names an object needs no more than its beginning.
        let long = piece.safe.is_some() || piece.planned.object.kind == KindName::Partition;
        // A primary key takes no column that is not quite NOT NULL yet, nor is one an identity.
        let whole =
            piece.planned.object.kind == KindName::PrimaryKey || piece.planned.alteration == Some("identity");
        let item = |first: &usize| if whole { ready[*first].1 } else { ready[*first].0 };
        let start = items.len();
        let mut runs: Vec<(bool, Vec<Step>)> = Vec::new();
        let recipe = piece.safe.is_some();
        for step in piece.safe.unwrap_or_else(|| piece.direct.clone()) {
            let outside = step.transaction.is_alone();
            match runs.last_mut() {
                Some((same, run)) if *same == outside && !outside => run.push(step),
                _ => runs.push((outside, vec![step])),
            }
        }
        if runs.is_empty() {
            runs.push((false, Vec::new()));
        }
        // What is built beside the old one rests on nothing that the plan touches, and the old one goes when it is
        // planned to.
        let comes_back = sides.after.contains(&piece.planned.object);
        let exchange = recipe && comes_back && piece.planned.action == Action::Drop && runs.len() > 1;
        let swap = runs.iter().rposition(|(outside, _)| !outside).filter(|_| piece.turn == Placement::AtSwap);
        let last = runs.len() - 1;
        let family = (start, start + last);
        // A partition's columns become NOT NULL by a step of the whole's, which it does not know to wait for.
        let mut late = whole && piece.busy && piece.planned.lock.is_some() && !goes[i];
        for (n, (outside, steps)) in runs.into_iter().enumerate() {
            late |= outside && recipe && !exchange;
            let waits_here = |first: &usize| match swap {
                // What stands in the way goes right before it; what is built beside needs what comes.
                Some(swap) => n == if goes[*first] { swap } else { 0 },
                None => n == usize::from(exchange),
            };
            let firsts = || waits[i].iter().filter(|first| waits_here(first));
            let prefers = firsts().filter(|_| long).map(|first| ready[*first].1).collect();
            let mut waits: BTreeSet<usize> = firsts().map(item).collect();
            waits.extend((n > 0).then(|| start + n - 1));
            let direct = recipe.then(|| piece.direct.clone());
            items.push(Item { steps, waits, prefers, direct, outside, late, busy: piece.busy, family });
        }
        ready.push(match piece.turn {
            Placement::Whole => (family.1, family.1),
            Placement::ReadyAtFirst => family,
            Placement::AtSwap => (start + swap.unwrap_or(last), start + swap.unwrap_or(last)),
        });
    }
    items
}

/// The items in their order, but for long work, which comes as late as it can: what is quick is done at once.
fn postpone(items: Vec<Item>) -> Vec<Item> {
    let count = items.len();
    let mut waiting = vec![0; count];
    let mut following = vec![Vec::new(); count];
    for (then, item) in items.iter().enumerate() {
        for first in item.waits.union(&item.prefers) {
            following[*first].push(then);
            waiting[then] += 1;
        }
    }
    let mut ready: BTreeSet<(bool, usize)> =
        (0..count).filter(|i| waiting[*i] == 0).map(|i| (items[i].late, i)).collect();
    let mut order = Vec::with_capacity(count);
    while let Some((_, i)) = ready.pop_first() {
        order.push(i);
        for then in &following[i] {
            waiting[*then] -= 1;
            if waiting[*then] == 0 {
                ready.insert((items[*then].late, *then));
            }
        }
    }
    rearrange(items, &order)
}

/// The items in another order, with their numbers put right.
fn rearrange(items: Vec<Item>, order: &[usize]) -> Vec<Item> {
    let mut place = vec![0; items.len()];
    for (at, i) in order.iter().enumerate() {
        place[*i] = at;
    }
    let mut slots: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    let ordered = order.iter().filter_map(|i| slots[*i].take());
    let now = |numbers: &BTreeSet<usize>| numbers.iter().map(|first| place[*first]).collect();
    ordered.map(|item| Item { waits: now(&item.waits), prefers: now(&item.prefers), ..item }).collect()
}

/// From where to where items must be in one transaction: an object that goes and comes back is not missed by
/// anybody, and a type that is exchanged is one at every moment.
fn spans(items: &[Item], sides: Pair<&Catalog>) -> Vec<(usize, usize)> {
    let mut gone: BTreeMap<&ObjectId, usize> = BTreeMap::new();
    let mut touched: BTreeMap<&ObjectId, (usize, usize)> = BTreeMap::new();
    let mut spans = Vec::new();
    let lies = |id: &ObjectId| sides.before.contains(id) && sides.after.contains(id);
    for (i, item) in items.iter().enumerate() {
        for step in item.steps.iter().filter(|_| !item.outside) {
            let id = &step.object;
            if matches!(step.action, Action::Drop | Action::Release) {
                gone.entry(id).or_insert(i);
            } else if lies(id) {
                // Its own going, or that of what it is part of.
                let own = gone.get(id).copied();
                let whole = || id.parents().filter_map(|parent| gone.get(&parent).copied()).min();
                let brought = matches!(step.action, Action::Create | Action::Declare | Action::Attach);
                if let Some(start) = own.or_else(|| if brought { whole() } else { None }) {
                    spans.push((start, i));
                }
            }
            let is_type = id.kind.get().namespaces.contains(&Namespace::Types)
                && !id.kind.get().namespaces.contains(&Namespace::Relations);
            if is_type && lies(id) && step.transaction != Transaction::CommitAfter {
                touched.entry(id).and_modify(|span| span.1 = i).or_insert((i, i));
            }
        }
    }
    spans.extend(touched.into_values());
    spans.retain(|(start, end)| start < end);
    spans
}

enum Settled {
    /// In this order.
    Whole(Vec<usize>),
    /// The recipe of these items does not go here: the step as it was planned.
    Plainly((usize, usize)),
}

/// Moves what is outside of transactions out of the spans, with what it needs or what needs it.
fn settle(items: &[Item], spans: &[(usize, usize)]) -> Settled {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    for (start, end) in sorted {
        match groups.last_mut() {
            Some(group) if start <= group.1 => group.1 = group.1.max(end),
            _ => groups.push((start, end)),
        }
    }
    let mut order = Vec::with_capacity(items.len());
    let mut next = 0;
    for (start, end) in groups {
        order.extend(next..start);
        let fixed: BTreeSet<usize> =
            spans.iter().filter(|span| (start..=end).contains(&span.0)).flat_map(|(a, b)| [*a, *b]).collect();
        let (mut early, mut late) = (BTreeSet::new(), BTreeSet::new());
        for here in (start..=end).filter(|i| items[*i].outside) {
            if early.contains(&here) || late.contains(&here) {
                continue;
            }
            // What is only better before is given up where all cannot be had.
            let place = [true, false].into_iter().find_map(|all| {
                let after =
                    |a: usize, b: usize| items[b].waits.contains(&a) || all && items[b].prefers.contains(&a);
                let following = reach(here, start..=end, after);
                let needed = reach(here, start..=end, |a, b| after(b, a));
                let can_wait = following.is_disjoint(&fixed) && following.is_disjoint(&early);
                let can_lead = needed.is_disjoint(&fixed) && needed.is_disjoint(&late);
                if can_wait && (items[here].late || !can_lead) {
                    Some((true, following))
                } else {
                    can_lead.then_some((false, needed))
                }
            });
            match place {
                Some((true, following)) => late.extend(following),
                Some((false, needed)) => early.extend(needed),
                None if items[here].direct.is_some() => return Settled::Plainly(items[here].family),
                None => {}
            }
        }
        order.extend(early.iter().copied());
        order.extend((start..=end).filter(|i| !early.contains(i) && !late.contains(i)));
        order.extend(late.iter().copied());
        next = end + 1;
    }
    order.extend(next..items.len());
    Settled::Whole(order)
}

/// What is linked with an item, near and far, itself included.
fn reach(
    from: usize,
    within: std::ops::RangeInclusive<usize>,
    linked: impl Fn(usize, usize) -> bool,
) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([from]);
    let mut stack = vec![from];
    while let Some(here) = stack.pop() {
        for other in within.clone() {
            if linked(here, other) && found.insert(other) {
                stack.push(other);
            }
        }
    }
    found
}

/// Puts the step as it was planned in the place of its recipe's items, which are known by their family.
fn fall_back(items: &mut [Item], family: (usize, usize)) {
    let mut first = true;
    for item in items.iter_mut().filter(|item| item.family == family) {
        let direct = item.direct.take().filter(|_| std::mem::take(&mut first)).unwrap_or_default();
        item.outside = direct.iter().any(|step| step.transaction.is_alone());
        item.late = false;
        item.steps = direct;
    }
}

/// Ends a transaction where the next step would wait for another table that is in use: whoever waits holds nothing
/// that others need meanwhile.
fn part(items: Vec<Item>, sides: Pair<&Catalog>) -> Vec<Step> {
    let spans = spans(&items, sides);
    let mut steps: Vec<Step> = Vec::new();
    let mut held: BTreeSet<String> = BTreeSet::new();
    for (i, item) in items.into_iter().enumerate() {
        let apart = !spans.iter().any(|(start, end)| *start < i && i <= *end);
        for (n, step) in item.steps.into_iter().enumerate() {
            if step.transaction.is_alone() {
                held.clear();
            }
            if let Some((mode, table)) = step.lock.as_ref().filter(|_| item.busy)
                && *mode >= LockMode::Share
                && !held.contains(table)
            {
                if let Some(last) = steps.last_mut().filter(|_| apart && n == 0 && !held.is_empty()) {
                    last.transaction = Transaction::CommitAfter;
                    held.clear();
                }
                held.insert(table.clone());
            }
            steps.push(step);
        }
    }
    steps
}
