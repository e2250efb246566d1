//! Tables that go are put aside, so that taking the migration back is instant and loses nothing.
//!
//! A table that is parked is moved to a schema that no catalog shows, and what is part of it goes along. What hangs on it
//! from outside (views, foreign keys) is dropped before, and made again after the way back. So there are three states
//! on the way: the start, the start without what hangs on the parked tables, and that without these; each way between
//! two of them is planned like any other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha256};

use crate::kinds::{KindName, Namespace, common};
use crate::model::reserved::GRAVEYARD;
use crate::model::sql::{Ident, Literal};
use crate::model::{Catalog, DependencyKind, Hazard, ObjectId, Pair, Step, Ways};
use crate::sql;

/// How long parked tables should be kept.
const DAYS: i64 = 30;

/// What becomes of tables that the target has no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drops {
    /// They are dropped.
    #[default]
    Delete,
    /// They are put aside.
    Park,
}

impl Drops {
    /// The words for it.
    pub const NAMES: [&str; 2] = ["delete", "park"];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Delete, Self::Park][place])
    }
}

/// What is parked, and how.
#[derive(Clone, Debug)]
pub struct Parking {
    /// The start without what hangs on the parked tables.
    pub detached: Catalog,
    /// That without the tables.
    pub remaining: Catalog,
    /// The statements that park them, and those that bring them back.
    pub steps: Ways<Vec<Step>>,
    /// The tables and their sequences with where they are meanwhile.
    pub places: Vec<Pair<ObjectId>>,
}

/// Parks the tables that are not in the target, where that can be; and tells where it cannot.
pub fn parking(sides: Pair<&Catalog>, at: Option<DateTime>) -> (Option<Parking>, Vec<String>) {
    let start = sides.before;
    let goes = start.sorted().into_iter().map(|object| &object.id);
    let mut tables: Vec<&ObjectId> =
        goes.filter(|id| id.kind == KindName::Table && !sides.after.contains(id)).collect();
    let mut notes = Vec::new();
    let set = loop {
        let set = Set::of(&tables, sides);
        let all = tables.len();
        tables.retain(|table| match Set::of(&[*table], sides).hindrance(&set, sides) {
            Some(why) => {
                notes.push(format!("{table} is dropped and not parked: {why}"));
                false
            }
            None => true,
        });
        if tables.len() == all {
            break set;
        }
    };
    if tables.is_empty() {
        return (None, notes);
    }
    let hangs = set.hangs(start);
    let detached = start.filtered(|id| !hangs.contains(id));
    let remaining = detached.filtered(|id| !set.members.contains(id));
    let (steps, homes) = steps(&set, start, at);
    let there = |id: &ObjectId| {
        let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        path[0] = &homes[path[0]];
        ObjectId::new(id.kind, &path)
    };
    let moved = set.members.iter().filter(|id| matches!(id.kind, KindName::Table | KindName::Sequence));
    let places = moved.map(|id| Pair { before: (*id).clone(), after: there(id) }).collect();
    (Some(Parking { detached, remaining, steps, places }), notes)
}

/// What goes along with tables.
struct Set<'a> {
    /// What is moved by a statement of its own.
    moved: BTreeSet<&'a ObjectId>,
    /// All of it, with parts.
    members: BTreeSet<&'a ObjectId>,
}

impl<'a> Set<'a> {
    /// The tables, their parts, the sequences that their columns own, and the types, routines and sequences that they
    /// need and the target has no more.
    fn of(tables: &[&'a ObjectId], sides: Pair<&'a Catalog>) -> Self {
        let Pair { before: start, after: target } = sides;
        let mut set = Self { moved: tables.iter().copied().collect(), members: BTreeSet::new() };
        let mut stack = tables.to_vec();
        while let Some(id) = stack.pop() {
            if !set.members.insert(id) {
                continue;
            }
            stack.extend(start.children(id).map(|part| &part.id));
            let owned = start.dependents_of(id).filter(|(user, kind)| is_owned(user, *kind));
            stack.extend(owned.map(|(user, _)| user));
            if id.kind == KindName::ForeignKey {
                continue;
            }
            let needs = start
                .dependencies_of(id)
                .filter(|(needed, _)| !target.contains(needed) && is_movable(needed));
            for (needed, _) in needs.filter(|(needed, _)| !is_owned_by_any(needed, start)) {
                set.moved.insert(needed);
                stack.push(needed);
            }
        }
        set
    }

    /// Why these cannot be parked, even if all of the others are.
    fn hindrance(&self, all: &Set, sides: Pair<&Catalog>) -> Option<String> {
        let Pair { before: start, after: target } = sides;
        for id in &self.members {
            if id.kind == KindName::Sequence && target.contains(id) {
                return Some(format!("its {id} stays"));
            }
            let is_whole = matches!(id.kind, KindName::Table | KindName::Partition);
            for (needed, _) in start.dependencies_of(id).filter(|(needed, _)| !all.members.contains(needed)) {
                let stays = target.contains(needed) || needed.kind == KindName::Schema;
                let is_parent = is_whole && needed.kind == KindName::Table;
                if is_parent || !stays && id.kind != KindName::ForeignKey {
                    return Some(if is_parent {
                        format!("its rows are those of {needed} too")
                    } else {
                        format!("it needs {needed}, which goes")
                    });
                }
            }
        }
        let holds = |id: &&ObjectId| {
            matches!(
                id.kind,
                KindName::Table
                    | KindName::Column
                    | KindName::Sequence
                    | KindName::Partition
                    | KindName::ForeignTable
            )
        };
        let held = self.around(start, all).into_iter().find(holds)?;
        Some(format!("{held} rests on it"))
    }

    /// What hangs on these from outside of all of them, with parts.
    fn around(&self, start: &'a Catalog, all: &Set) -> BTreeSet<&'a ObjectId> {
        let mut found = BTreeSet::new();
        let outside = |id: &ObjectId| !all.members.contains(id);
        let users = |id: &ObjectId| start.dependents_of(id).map(|(user, _)| user);
        let mut stack: Vec<&ObjectId> =
            self.members.iter().flat_map(|id| users(id)).filter(|id| outside(id)).collect();
        while let Some(id) = stack.pop() {
            if found.insert(id) {
                stack.extend(
                    users(id).chain(start.children(id).map(|part| &part.id)).filter(|id| outside(id)),
                );
            }
        }
        found
    }

    /// What is dropped before they are moved: what hangs on them, and what would tie them to what stays.
    fn hangs(&self, start: &'a Catalog) -> BTreeSet<ObjectId> {
        let mut hangs: BTreeSet<ObjectId> = self.around(start, self).into_iter().cloned().collect();
        let outside =
            |id: &ObjectId| start.dependencies_of(id).any(|(needed, _)| !self.members.contains(needed));
        let ties = self.members.iter().filter(|id| id.kind == KindName::ForeignKey && outside(id));
        hangs.extend(ties.map(|id| (*id).clone()));
        hangs
    }
}

fn is_owned(user: &ObjectId, kind: DependencyKind) -> bool {
    user.kind == KindName::Sequence && kind == DependencyKind::Auto
}

fn is_owned_by_any(sequence: &ObjectId, catalog: &Catalog) -> bool {
    catalog.dependencies_of(sequence).any(|(_, kind)| is_owned(sequence, kind))
}

/// Whether it can go along by itself: a type, a routine, a sequence.
fn is_movable(id: &ObjectId) -> bool {
    let spaces = id.kind.get().namespaces;
    let is_type = spaces.contains(&Namespace::Types) && !spaces.contains(&Namespace::Relations);
    is_type || id.kind == KindName::Sequence || is_routine(id)
}

fn is_routine(id: &ObjectId) -> bool {
    id.kind.get().namespaces.contains(&Namespace::Routines)
}

/// The statements, and the schemas by those from which things come.
fn steps(set: &Set, start: &Catalog, at: Option<DateTime>) -> (Ways<Vec<Step>>, BTreeMap<String, String>) {
    let homes = homes(set, at);
    let schema = |name: &str| ObjectId::new(KindName::Schema, &[name]);
    let mut steps = Ways { up: Vec::new(), rollback: Vec::new() };
    for (from, home) in &homes {
        steps.up.push(Step::create(&schema(home), sql!("CREATE SCHEMA {}", Ident(home))));
        let until = at.and_then(|at| at.checked_add(DAYS.days()).ok());
        let words = match (at, until) {
            (Some(at), Some(until)) => {
                format!("parked from {from} by schemadiff on {}; purge after {}", at.date(), until.date())
            }
            _ => format!("parked from {from} by schemadiff"),
        };
        let told = sql!("COMMENT ON SCHEMA {} IS {}", Ident(home), Literal(&words));
        steps.up.push(Step::attach(&schema(home), told));
    }
    // A routine is named with its types, which must be where they were.
    let (routines, others): (Vec<&ObjectId>, Vec<&ObjectId>) =
        set.moved.iter().partition(|id| is_routine(id));
    let mut back = Vec::new();
    for id in routines.into_iter().chain(others) {
        let Some(object) = start.get(id) else { continue };
        let home = &homes[&*id.path()[0]];
        let mut there = common::move_to(object, home);
        for hazard in &mut there.hazards {
            *hazard = Hazard::BreaksClients(format!("{id} is parked in schema {}", sql!("{}", Ident(home))));
        }
        steps.up.push(there);
        let mut moved = object.clone();
        let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        path[0] = home;
        moved.id = ObjectId::new(id.kind, &path);
        let mut step = common::move_to(&moved, &id.path()[0]);
        step.hazards.clear();
        back.push(step);
    }
    steps.rollback.extend(back.into_iter().rev());
    let emptied = homes.values().map(|home| Step::drop(&schema(home), sql!("DROP SCHEMA {}", Ident(home))));
    steps.rollback.extend(emptied);
    (steps, homes)
}

/// A schema of its own for each from which something is parked, so that no name is taken twice: told by the time, else
/// by what is parked.
fn homes(set: &Set, at: Option<DateTime>) -> BTreeMap<String, String> {
    let mark = at.map_or_else(|| digest(set), |at| at.strftime("%Y%m%d_%H%M%S").to_string());
    let mut homes: BTreeMap<String, String> = BTreeMap::new();
    for id in &set.moved {
        let from = id.path()[0].to_string();
        if homes.contains_key(&from) {
            continue;
        }
        let head = format!("{GRAVEYARD}_{mark}_");
        let mut home = format!("{head}{}", &from[..from.floor_char_boundary(63 - head.len())]);
        let mut n = 1;
        while homes.values().any(|other| *other == home) {
            n += 1;
            let tail = format!("_{n}");
            home = format!("{head}{}{tail}", &from[..from.floor_char_boundary(63 - head.len() - tail.len())]);
        }
        homes.insert(from, home);
    }
    homes
}

fn digest(set: &Set) -> String {
    let mut hash = Sha256::new();
    for id in &set.moved {
        hash.update(format!("{id}\n"));
    }
    hex::encode(&hash.finalize()[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_have_names_of_their_own_that_fit() {
        let long = "ä".repeat(31);
        let tables = [long.clone(), format!("{}b", "ä".repeat(30)), "s".into()]
            .map(|schema| ObjectId::new(KindName::Table, &[&schema, "t"]));
        let set = Set { moved: tables.iter().collect(), members: BTreeSet::new() };
        let homes = homes(&set, Some(jiff::civil::date(2026, 3, 1).at(10, 15, 0, 0)));
        assert_eq!(homes["s"], "schemadiff_graveyard_20260301_101500_s");
        let names: BTreeSet<&String> = homes.values().collect();
        assert!(names.len() == 3 && names.iter().all(|name| name.len() <= 63), "{names:?}");
        assert!(homes[&long].starts_with("schemadiff_graveyard_20260301_101500_ä"));
    }
}
