//! The order of the steps of a graph, or the cycle that prevents one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::Graph;
use crate::error::{Diagnostic, Result, codes};
use crate::model::{Action, Plan, Step, Transaction};

impl Graph {
    /// Returns the steps in order. The order is filled from its end: among the steps that no remaining step must follow, the
    /// last by stage, kind and name is taken. This keeps a step that few others need near them.
    ///
    /// # Errors
    /// Returns an error if the steps depend on each other in a cycle.
    pub(in crate::plan) fn order(self) -> Result<Plan> {
        let count = self.nodes.len();
        // The number of steps that must follow each step, and the steps that must precede it.
        let mut followers = vec![0usize; count];
        let mut predecessors = vec![Vec::new(); count];
        for (then, list) in self.before.iter().enumerate().filter(|(then, _)| self.folded[*then].is_none()) {
            for first in list {
                followers[*first] += 1;
                predecessors[then].push(*first);
            }
        }
        let priority = self.priorities();
        let entry = |i: usize| (priority[i], i);
        let mut heap: BinaryHeap<((u8, usize), usize)> =
            (0..count).filter(|i| followers[*i] == 0 && self.folded[*i].is_none()).map(entry).collect();
        let mut order = Vec::with_capacity(count);
        while let Some((_, i)) = heap.pop() {
            order.push(i);
            for first in &predecessors[i] {
                followers[*first] -= 1;
                if followers[*first] == 0 {
                    heap.push(entry(*first));
                }
            }
        }
        if order.len() < self.folded.iter().filter(|host| host.is_none()).count() {
            let message = format!("the steps depend on each other in a cycle: {}", self.cycle(&order));
            return Err(Diagnostic::new(codes::PLAN, message)
                .help("remove one of these dependencies in a migration of its own, and add it again in the next")
                .into());
        }
        order.reverse();
        let mut position = vec![0; count];
        for (at, i) in order.iter().enumerate() {
            position[*i] = at;
        }
        let waits =
            order.iter().map(|i| predecessors[*i].iter().map(|first| position[*first]).collect()).collect();
        let mut steps: Vec<Option<Step>> = self.nodes.into_iter().map(|node| Some(node.step)).collect();
        Ok(Plan { steps: order.into_iter().filter_map(|i| steps[i].take()).collect(), waits })
    }

    /// Returns the stage and the rank of each step. Drops have the reverse order of kinds, because dependents are dropped
    /// first.
    fn priorities(&self) -> Vec<(u8, usize)> {
        let count = self.nodes.len();
        let key = |i: usize| {
            let node = &self.nodes[i];
            let step = &node.step;
            (stage(step), Reverse(!is_drop(step)), step.object.kind, &step.object, node.seq, i)
        };
        let mut sorted: Vec<usize> = (0..count).collect();
        sorted.sort_by(|a, b| key(*a).cmp(&key(*b)));
        let mut priorities = vec![(0, 0); count];
        for (rank, i) in sorted.into_iter().enumerate() {
            let step = &self.nodes[i].step;
            priorities[i] = (stage(step), if is_drop(step) { count - rank } else { rank });
        }
        priorities
    }

    /// Returns the steps of a cycle among those that could not be ordered.
    fn cycle(&self, ordered: &[usize]) -> String {
        let ordered: BTreeSet<usize> = ordered.iter().copied().collect();
        let is_left = |i: &usize| self.folded[*i].is_none() && !ordered.contains(i);
        // Each remaining step precedes another one. Follow them until one is repeated.
        let mut next = vec![None; self.nodes.len()];
        for then in (0..self.nodes.len()).filter(is_left) {
            for first in self.before[then].iter().filter(|i| is_left(i)) {
                next[*first] = Some(then);
            }
        }
        let mut path: Vec<usize> = Vec::new();
        let mut current = (0..self.nodes.len()).find(|i| is_left(i) && next[*i].is_some());
        while let Some(i) = current {
            if let Some(start) = path.iter().position(|earlier| *earlier == i) {
                path.drain(..start);
                break;
            }
            path.push(i);
            current = next[i];
        }
        let first = path.first().copied();
        let names = path.into_iter().chain(first).map(|i| {
            let step = &self.nodes[i].step;
            format!("{} {}", verb(step.action), step.object)
        });
        names.collect::<Vec<_>>().join(" -> ")
    }
}

/// Returns the stage of a step, which decides the order of steps that do not depend on each other: steps with a commit of
/// their own, drops, changes, data.
fn stage(step: &Step) -> u8 {
    match step.action {
        _ if step.transaction == Transaction::CommitAfter => 0,
        Action::Drop | Action::Release => 1,
        Action::Declare | Action::Create | Action::Alter | Action::Attach => 2,
        Action::Populate => 3,
    }
}

fn is_drop(step: &Step) -> bool {
    matches!(step.action, Action::Drop | Action::Release)
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Drop => "drop",
        Action::Release => "remove the dependencies of",
        Action::Declare => "declare",
        Action::Create => "create",
        Action::Alter | Action::Attach => "alter",
        Action::Populate => "fill",
    }
}
