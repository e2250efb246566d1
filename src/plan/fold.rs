//! Folds steps into the statement that creates their object or its parent, unless that makes a cycle.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::graph::Graph;
use crate::kinds::KindName;
use crate::model::sql::Sql;
use crate::model::step::Clause;
use crate::model::{Action, Fold, ObjectId};

/// Folds all steps that can be part of another statement.
pub(super) fn fold(mut graph: Graph) -> Graph {
    let mut clauses = Clauses::default();
    let mut followers = graph.followers();
    // Siblings are folded together: a generated column may precede the column on which it depends.
    for ((_, create), mut group) in graph.foldable() {
        let host = graph.host(create);
        group.retain(|i| *i != host);
        while let Some(index) = group.iter().position(|i| !graph.can_fold(*i, host, &group)) {
            group.remove(index);
        }
        for i in group {
            match &graph.nodes[i].step.fold {
                Some(Fold { clause: Clause::Entry(_), .. }) => {
                    clauses.entries.entry(create).or_default().push(i);
                }
                Some(Fold { clause: Clause::Suffix(sql), .. }) => {
                    clauses.suffixes.entry(create).or_default().push(sql.clone());
                }
                None => {}
            }
            graph.fold_into(i, host, &mut followers);
        }
    }
    graph.write(&clauses);
    graph.remove_folded_edges();
    graph
}

/// The clauses that `CREATE` statements get from folded steps, by the position of the statement's step.
#[derive(Default)]
struct Clauses {
    /// The steps that become entries of the list in parentheses.
    entries: BTreeMap<usize, Vec<usize>>,
    /// The words after the definition.
    suffixes: BTreeMap<usize, Vec<Sql>>,
}

impl Graph {
    /// Returns for each step those that must follow it.
    fn followers(&self) -> Vec<Vec<usize>> {
        let mut followers = vec![Vec::new(); self.nodes.len()];
        for (then, list) in self.before.iter().enumerate() {
            for first in list {
                followers[*first].push(then);
            }
        }
        followers
    }

    /// Returns the steps that may be folded, by kind and the step that creates the object into which they fold. They are
    /// sorted by kind and position, which is the order of the entries.
    fn foldable(&self) -> IndexMap<(KindName, usize), Vec<usize>> {
        let mut creates: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        for (i, node) in self.nodes.iter().enumerate() {
            if node.step.action == Action::Create {
                creates.entry(&node.step.object).or_insert(i);
            }
        }
        let mut candidates: Vec<usize> =
            (0..self.nodes.len()).filter(|i| self.nodes[*i].step.fold.is_some()).collect();
        candidates.sort_by_key(|i| {
            let node = &self.nodes[*i];
            (node.step.object.kind, node.position, node.step.object.clone())
        });
        let mut groups: IndexMap<(KindName, usize), Vec<usize>> = IndexMap::new();
        for i in candidates {
            let step = &self.nodes[i].step;
            if let Some(create) = step.fold.as_ref().and_then(|fold| creates.get(&fold.into)) {
                groups.entry((step.object.kind, *create)).or_default().push(i);
            }
        }
        groups
    }

    /// Makes a step part of its host. What waited for the step waits for the host, and the host for what the step waited
    /// for.
    fn fold_into(&mut self, i: usize, host: usize, followers: &mut [Vec<usize>]) {
        self.folded[i] = Some(host);
        let needs: Vec<usize> = self.before[i].iter().copied().filter(|n| self.host(*n) != host).collect();
        for need in needs {
            followers[need].push(host);
            self.before[host].push(need);
        }
        for then in std::mem::take(&mut followers[i]) {
            if self.host(then) != host {
                self.before[then].push(host);
                followers[host].push(then);
            }
        }
    }

    /// Returns the step whose statement includes this one, or the step itself.
    fn host(&self, mut i: usize) -> usize {
        while let Some(host) = self.folded[i] {
            i = host;
        }
        i
    }

    /// Whether a step can be folded into the host without a cycle: nothing that must precede the step must follow the host or
    /// a step that is folded with it.
    fn can_fold(&self, i: usize, host: usize, group: &[usize]) -> bool {
        let is_inside = |n: usize| n == host || group.contains(&n);
        let mut visited = BTreeSet::new();
        let mut stack: Vec<usize> =
            self.before[i].iter().map(|n| self.host(*n)).filter(|n| !is_inside(*n)).collect();
        while let Some(current) = stack.pop() {
            if is_inside(current) {
                return false;
            }
            if visited.insert(current) {
                stack.extend(self.before[current].iter().map(|n| self.host(*n)));
            }
        }
        true
    }

    /// Adds the clauses to the statements.
    fn write(&mut self, clauses: &Clauses) {
        let suffix =
            |i: usize| clauses.suffixes.get(&i).map_or_else(Sql::default, |list| Sql::join(list, " "));
        let entry = |i: &usize| match &self.nodes[*i].step.fold {
            Some(Fold { clause: Clause::Entry(sql), .. }) => sql.clone().then(&suffix(*i)),
            _ => Sql::default(),
        };
        let entries: BTreeMap<usize, Vec<Sql>> =
            clauses.entries.iter().map(|(host, list)| (*host, list.iter().map(entry).collect())).collect();
        for (host, list) in entries {
            self.nodes[host].step.entries.get_or_insert_with(Vec::new).extend(list);
        }
        for (i, _) in clauses.suffixes.iter().filter(|(i, _)| self.folded[**i].is_none()) {
            let sql = self.nodes[*i].step.sql.clone().then(&suffix(*i));
            self.nodes[*i].step.sql = sql;
        }
    }

    /// Removes the edges of folded steps. Their hosts have them already.
    fn remove_folded_edges(&mut self) {
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
