//! Says steps inside the statement that creates their object, where that makes no cycle.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::graph::Graph;
use crate::kinds::KindName;
use crate::model::sql::Sql;
use crate::model::step::Clause;
use crate::model::{Action, Fold, ObjectId, Step};

/// Folds what can be folded.
pub(super) fn fold(mut graph: Graph) -> Graph {
    let mut creates: BTreeMap<ObjectId, usize> = BTreeMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        if node.step.action == Action::Create && !creates.contains_key(&node.step.object) {
            creates.insert(node.step.object.clone(), i);
        }
    }
    // By kind, and by place among siblings: an entry of a list stands where it is folded.
    let mut candidates: Vec<usize> =
        (0..graph.nodes.len()).filter(|i| graph.nodes[*i].step.fold.is_some()).collect();
    candidates.sort_by_key(|i| {
        let node = &graph.nodes[*i];
        (node.step.object.kind, node.position, node.step.object.clone())
    });
    let mut suffixes: BTreeMap<usize, Vec<Sql>> = BTreeMap::new();
    let mut entries: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut following: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (then, list) in graph.before.iter().enumerate() {
        for first in list {
            following[*first].push(then);
        }
    }
    // Siblings are folded together: a generated column may stand before the one of which it is made.
    let mut groups: IndexMap<(KindName, usize), Vec<usize>> = IndexMap::new();
    for i in candidates {
        let step = &graph.nodes[i].step;
        if let Some(direct) = step.fold.as_ref().and_then(|fold| creates.get(&fold.into)) {
            groups.entry((step.object.kind, *direct)).or_default().push(i);
        }
    }
    for ((_, direct), mut group) in groups {
        let host = graph.host(direct);
        group.retain(|i| *i != host);
        while let Some(place) = group.iter().position(|i| !graph.can_fold(*i, host, &group)) {
            group.remove(place);
        }
        for i in group {
            match &graph.nodes[i].step.fold {
                Some(Fold { clause: Clause::Entry(_), .. }) => entries.entry(direct).or_default().push(i),
                Some(Fold { clause: Clause::Suffix(sql), .. }) => {
                    suffixes.entry(direct).or_default().push(sql.clone());
                }
                None => {}
            }
            graph.hand_over(i, host, &mut following);
        }
    }
    graph.write(&entries, &suffixes);
    graph.settle();
    graph
}

impl Graph {
    /// Has a step said by another: what waited for it waits for its host now, and the host for what it
    /// waited for.
    fn hand_over(&mut self, i: usize, host: usize, following: &mut [Vec<usize>]) {
        self.folded[i] = Some(host);
        let needs: Vec<usize> = self.before[i].iter().copied().filter(|n| self.host(*n) != host).collect();
        for need in needs {
            following[need].push(host);
            self.before[host].push(need);
        }
        for then in std::mem::take(&mut following[i]) {
            if self.host(then) != host {
                self.before[then].push(host);
                following[host].push(then);
            }
        }
    }

    /// The step that says this one.
    fn host(&self, mut i: usize) -> usize {
        while let Some(host) = self.folded[i] {
            i = host;
        }
        i
    }

    /// Whether nothing that the step waits for waits for the host, beside those that are folded with it.
    fn can_fold(&self, i: usize, host: usize, with: &[usize]) -> bool {
        let inside = |n: usize| n == host || with.contains(&n);
        let mut seen = BTreeSet::new();
        let mut stack: Vec<usize> =
            self.before[i].iter().map(|n| self.host(*n)).filter(|n| !inside(*n)).collect();
        while let Some(here) = stack.pop() {
            if inside(here) {
                return false;
            }
            if seen.insert(here) {
                stack.extend(self.before[here].iter().map(|n| self.host(*n)));
            }
        }
        true
    }

    /// Writes what was folded into the statements that say it.
    fn write(&mut self, entries: &BTreeMap<usize, Vec<usize>>, suffixes: &BTreeMap<usize, Vec<Sql>>) {
        let suffix = |i: usize| suffixes.get(&i).map_or_else(Sql::default, |list| Sql::join(list, " "));
        let clauses: BTreeMap<usize, Vec<Sql>> = entries
            .iter()
            .map(|(host, list)| {
                let clause = |i: &usize| match &self.nodes[*i].step.fold {
                    Some(Fold { clause: Clause::Entry(sql), .. }) => sql.clone().then(&suffix(*i)),
                    _ => Sql::default(),
                };
                (*host, list.iter().map(clause).collect())
            })
            .collect();
        for (host, list) in clauses {
            let step: &mut Step = &mut self.nodes[host].step;
            step.entries.get_or_insert_with(Vec::new).extend(list);
        }
        for (i, _) in suffixes.iter().filter(|(i, _)| self.folded[**i].is_none()) {
            let sql = self.nodes[*i].step.sql.clone().then(&suffix(*i));
            self.nodes[*i].step.sql = sql;
        }
    }

    /// Leaves only edges between steps that are said by themselves.
    fn settle(&mut self) {
        for then in 0..self.nodes.len() {
            if self.folded[then].is_some() {
                self.before[then].clear();
                continue;
            }
            let mut list: Vec<usize> =
                self.before[then].iter().map(|n| self.host(*n)).filter(|n| *n != then).collect();
            list.sort_unstable();
            list.dedup();
            self.before[then] = list;
        }
    }
}
