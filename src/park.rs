//! Parks dropped tables, so that the rollback is instant and loses nothing.
//!
//! A parked table moves to a schema that no catalog includes, with all its parts. Objects outside it that depend on it
//! (views, foreign keys) are dropped before, and created again after the rollback. So there are two states between the
//! start and the target: the start without these objects, and that state without the tables. The change between each two
//! states is planned like any other.

mod schemas;
mod set;

use jiff::civil::DateTime;

use self::set::ParkedSet;
use crate::kinds::KindName;
use crate::model::{Catalog, ObjectId, Pair, Step, Ways};

/// What happens to tables that are not in the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drops {
    /// They are dropped.
    #[default]
    Delete,
    /// They are parked.
    Park,
}

impl Drops {
    /// The words of the command line and the configuration.
    pub const NAMES: [&str; 2] = ["delete", "park"];

    /// Returns the value with this name.
    pub fn named(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Delete, Self::Park][index])
    }
}

/// The states and statements by which tables are parked.
#[derive(Clone, Debug)]
pub struct Parking {
    /// The start without the objects that depend on the parked tables.
    pub detached: Catalog,
    /// The same without the parked tables.
    pub remaining: Catalog,
    /// The statements that park the tables, and those that bring them back.
    pub steps: Ways<Vec<Step>>,
    /// The parked tables and sequences: their names, and their names while they are parked.
    pub places: Vec<Pair<ObjectId>>,
}

/// Parks the tables that are not in the target. Also returns a message for each table that cannot be parked.
pub fn parking(sides: Pair<&Catalog>, at: Option<DateTime>) -> (Option<Parking>, Vec<String>) {
    let start = sides.before;
    let (set, notes) = parkable(sides);
    let Some(set) = set else { return (None, notes) };
    let dependents = set.detached_objects(start);
    let detached = start.filtered(|id| !dependents.contains(id));
    let remaining = detached.filtered(|id| !set.members.contains(id));
    let schemas = schemas::names(&set, at);
    let parked = |id: &ObjectId| {
        let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        path[0] = &schemas[path[0]];
        ObjectId::new(id.kind, &path)
    };
    let with_rows = set.members.iter().filter(|id| matches!(id.kind, KindName::Table | KindName::Sequence));
    let places = with_rows.map(|id| Pair { before: (*id).clone(), after: parked(id) }).collect();
    let steps = schemas::steps(&set, &schemas, start, at);
    (Some(Parking { detached, remaining, steps, places }), notes)
}

/// Returns the tables that can be parked together, and a message for each that cannot.
fn parkable(sides: Pair<&Catalog>) -> (Option<ParkedSet<'_>>, Vec<String>) {
    let ids = sides.before.sorted().into_iter().map(|object| &object.id);
    let mut tables: Vec<&ObjectId> =
        ids.filter(|id| id.kind == KindName::Table && !sides.after.contains(id)).collect();
    let mut notes = Vec::new();
    // Without one table, another may not be parkable either.
    loop {
        let set = ParkedSet::of(&tables, sides);
        let count = tables.len();
        tables.retain(|table| match ParkedSet::of(&[*table], sides).obstacle(&set, sides) {
            Some(obstacle) => {
                notes.push(format!("{table} is dropped, not parked: {obstacle}"));
                false
            }
            None => true,
        });
        if tables.len() == count {
            return ((!tables.is_empty()).then_some(set), notes);
        }
    }
}
