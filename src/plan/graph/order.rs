//! The order that a graph gives to its steps, or the circle in it for which there is none. Knows no kind of object.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::Graph;
use crate::error::{Diagnostic, Result, codes};
use crate::model::{Action, Step};
use crate::plan::{Plan, nodes};

impl Graph {
    /// The steps in order: filled from the end with the last in the order of stage, kind and name that
    /// nothing left must follow. Run forwards the same rule goes wrong wherever an edge is missing.
    pub(in crate::plan) fn order(self) -> Result<Plan> {
        let count = self.nodes.len();
        let mut waiting = vec![0usize; count];
        let mut first = vec![Vec::new(); count];
        for (then, list) in self.before.iter().enumerate() {
            if self.folded[then].is_some() {
                continue;
            }
            for before in list {
                waiting[*before] += 1;
                first[then].push(*before);
            }
        }
        let key = |i: usize| {
            let node = &self.nodes[i];
            let step = &node.step;
            (
                nodes::stage(step),
                Reverse(!matches!(step.action, Action::Drop | Action::Release)),
                step.object.kind,
                &step.object,
                node.seq,
                i,
            )
        };
        let rank: Vec<usize> = {
            let mut list: Vec<usize> = (0..count).collect();
            list.sort_by(|a, b| key(*a).cmp(&key(*b)));
            let mut rank = vec![0; count];
            for (place, i) in list.into_iter().enumerate() {
                rank[i] = place;
            }
            rank
        };
        // Drops run the other way: what depends goes first, and so stands in the reverse order of kinds.
        let rank_of = |i: usize| {
            let drop = matches!(self.nodes[i].step.action, Action::Drop | Action::Release);
            (nodes::stage(&self.nodes[i].step), if drop { count - rank[i] } else { rank[i] }, i)
        };
        let mut heap: BinaryHeap<(u8, usize, usize)> =
            (0..count).filter(|i| waiting[*i] == 0 && self.folded[*i].is_none()).map(rank_of).collect();
        let mut order = Vec::with_capacity(count);
        while let Some((_, _, i)) = heap.pop() {
            order.push(i);
            for before in &first[i] {
                waiting[*before] -= 1;
                if waiting[*before] == 0 {
                    heap.push(rank_of(*before));
                }
            }
        }
        if order.len() < self.folded.iter().filter(|host| host.is_none()).count() {
            return Err(Diagnostic::new(codes::PLAN, self.cycle(&order))
                .help("these objects need each other in a circle: change one of them first, so that it does not")
                .into());
        }
        order.reverse();
        let mut place = vec![0; count];
        for (at, i) in order.iter().enumerate() {
            place[*i] = at;
        }
        let waits = order.iter().map(|i| first[*i].iter().map(|before| place[*before]).collect()).collect();
        let mut steps: Vec<Option<Step>> = self.nodes.into_iter().map(|node| Some(node.step)).collect();
        Ok(Plan { steps: order.into_iter().filter_map(|i| steps[i].take()).collect(), waits })
    }

    /// A cycle among the steps that could not be ordered, told for a report.
    fn cycle(&self, ordered: &[usize]) -> String {
        let done: BTreeSet<usize> = ordered.iter().copied().collect();
        let left = |i: &usize| self.folded[*i].is_none() && !done.contains(i);
        // Each step that is left precedes another one that is left; walk until one comes again.
        let mut after = vec![None; self.nodes.len()];
        for then in (0..self.nodes.len()).filter(left) {
            for first in self.before[then].iter().filter(|i| left(i)) {
                after[*first] = Some(then);
            }
        }
        let mut path: Vec<usize> = Vec::new();
        let mut here = (0..self.nodes.len()).find(|i| left(i) && after[*i].is_some());
        while let Some(i) = here {
            if let Some(start) = path.iter().position(|seen| *seen == i) {
                path.drain(..start);
                break;
            }
            path.push(i);
            here = after[i];
        }
        let names: Vec<String> = path
            .iter()
            .map(|i| format!("{:?} {}", self.nodes[*i].step.action, self.nodes[*i].step.object))
            .collect();
        format!("the steps cannot be ordered: {} -> and again", names.join(" -> "))
    }
}
