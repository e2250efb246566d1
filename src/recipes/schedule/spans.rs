//! Spans of items that must run in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::items::Item;
use crate::kinds::Namespace;
use crate::model::catalog::Catalog;
use crate::model::object::{ObjectId, Pair};
use crate::model::step::{Action, Transaction};

/// The first and the last item of a span.
pub(super) type Span = (usize, usize);

/// Returns the spans that must run in one transaction, so that other sessions never miss an object that is dropped and
/// created again, or see a type that is partly changed.
pub(super) fn spans(items: &[Item], sides: Pair<&Catalog>) -> Vec<Span> {
    let mut dropped: BTreeMap<&ObjectId, usize> = BTreeMap::new();
    let mut types: BTreeMap<&ObjectId, Span> = BTreeMap::new();
    let mut spans = Vec::new();
    let is_kept = |id: &ObjectId| sides.before.contains(id) && sides.after.contains(id);
    for (i, item) in items.iter().enumerate() {
        for step in item.steps.iter().filter(|_| !item.alone) {
            let id = &step.object;
            if matches!(step.action, Action::Drop | Action::Release) {
                dropped.entry(id).or_insert(i);
            } else if is_kept(id) {
                // The drop of the object itself, or of a parent that it is created again with.
                let own = dropped.get(id).copied();
                let parent = || id.parents().filter_map(|parent| dropped.get(&parent).copied()).min();
                let creates = matches!(step.action, Action::Create | Action::Declare | Action::Attach);
                if let Some(start) = own.or_else(|| if creates { parent() } else { None }) {
                    spans.push((start, i));
                }
            }
            let namespaces = id.kind.get().namespaces;
            let is_type =
                namespaces.contains(&Namespace::Types) && !namespaces.contains(&Namespace::Relations);
            if is_type && is_kept(id) && step.transaction != Transaction::CommitAfter {
                types.entry(id).and_modify(|span| span.1 = i).or_insert((i, i));
            }
        }
    }
    spans.extend(types.into_values());
    spans.retain(|(start, end)| start < end);
    spans
}

/// How items that run alone and spans are kept apart.
pub(super) enum Resolution {
    /// By this order of the items.
    Order(Vec<usize>),
    /// Only by the direct steps for the piece of these items.
    Direct((usize, usize)),
}

/// Moves items that run alone out of the spans, together with the items that they need or that need them.
pub(super) fn move_out_of_spans(items: &[Item], spans: &[Span]) -> Resolution {
    let mut order = Vec::with_capacity(items.len());
    let mut next = 0;
    for group in overlapping_groups(spans) {
        order.extend(next..*group.start());
        next = group.end() + 1;
        match divide(items, spans, group.clone()) {
            Ok(Division { before, after }) => {
                order.extend(before.iter().copied());
                order.extend(group.filter(|i| !before.contains(i) && !after.contains(i)));
                order.extend(after);
            }
            Err(family) => return Resolution::Direct(family),
        }
    }
    order.extend(next..items.len());
    Resolution::Order(order)
}

/// Merges spans that overlap.
fn overlapping_groups(spans: &[Span]) -> Vec<RangeInclusive<usize>> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    let mut groups: Vec<Span> = Vec::new();
    for (start, end) in sorted {
        match groups.last_mut() {
            Some(group) if start <= group.1 => group.1 = group.1.max(end),
            _ => groups.push((start, end)),
        }
    }
    groups.into_iter().map(|(start, end)| start..=end).collect()
}

/// Items that leave a group of spans.
#[derive(Default)]
struct Division {
    before: BTreeSet<usize>,
    after: BTreeSet<usize>,
}

/// Decides for each item of a group that runs alone whether it moves before or after the group.
///
/// # Errors
/// Returns the family of an item that can do neither.
fn divide(items: &[Item], spans: &[Span], group: RangeInclusive<usize>) -> Result<Division, (usize, usize)> {
    let inside = spans.iter().filter(|span| group.contains(&span.0));
    let fixed: BTreeSet<usize> = inside.flat_map(|(start, end)| [*start, *end]).collect();
    let Division { mut before, mut after } = Division::default();
    for item in group.clone().filter(|i| items[*i].alone) {
        if before.contains(&item) || after.contains(&item) {
            continue;
        }
        // Preferences are given up if not all of them can be met.
        let place = [true, false].into_iter().find_map(|with_preferences| {
            let follows = |first: usize, then: usize| {
                items[then].requires.contains(&first)
                    || with_preferences && items[then].prefers.contains(&first)
            };
            let following = reachable(item, group.clone(), follows);
            let needed = reachable(item, group.clone(), |first, then| follows(then, first));
            let can_move_after = following.is_disjoint(&fixed) && following.is_disjoint(&before);
            let can_move_before = needed.is_disjoint(&fixed) && needed.is_disjoint(&after);
            if can_move_after && (items[item].late || !can_move_before) {
                Some((true, following))
            } else {
                can_move_before.then_some((false, needed))
            }
        });
        match place {
            Some((true, following)) => after.extend(following),
            Some((false, needed)) => before.extend(needed),
            None if items[item].direct.is_some() => return Err(items[item].family),
            None => {}
        }
    }
    Ok(Division { before, after })
}

/// Returns the items that an item leads to, directly or not, and the item itself.
fn reachable(
    from: usize,
    within: RangeInclusive<usize>,
    leads_to: impl Fn(usize, usize) -> bool,
) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([from]);
    let mut stack = vec![from];
    while let Some(here) = stack.pop() {
        for other in within.clone() {
            if leads_to(here, other) && found.insert(other) {
                stack.push(other);
            }
        }
    }
    found
}
