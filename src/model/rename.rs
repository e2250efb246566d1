//! Objects that get another name and stay what they are.

use super::object::{ObjectId, Pair};
use crate::error::Place;

/// An object, or a value of an enum, with its two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The object before, in what holds it then, and after, in what holds it in the end. Of a value the enum.
    pub object: Pair<ObjectId>,
    /// The value's two names, where it is one that is renamed.
    pub value: Option<Pair<String>>,
}

impl Rename {
    /// An object's.
    pub fn of(before: ObjectId, after: ObjectId) -> Self {
        Self { object: Pair { before, after }, value: None }
    }
}

/// A name that the target says something had.
#[derive(Clone, Debug)]
pub struct RequestedRename {
    /// The object that has the new name, or the enum that has the value.
    pub object: ObjectId,
    /// The value with the new name.
    pub value: Option<String>,
    /// The name that it had, with the schema where that is said.
    pub from: Vec<String>,
    /// Where it is written.
    pub place: Place,
}

/// How a target is written, and so how a wish is written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML.
    Yaml,
    /// SQL.
    Sql,
}

/// What becomes of something that goes while something alike comes, where nobody said whether they are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmbiguousRenames {
    /// An error.
    Error,
    /// They are two: one is dropped, the other created.
    Drop,
    /// They are one where each is alike to no other; else an error.
    Detect,
}

impl AmbiguousRenames {
    /// The words for it.
    pub const NAMES: [&str; 3] = ["error", "drop", "detect"];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Error, Self::Drop, Self::Detect][place])
    }
}

/// A column that stands beside another one under its coming name, and is kept equal by a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowColumn {
    /// The second column.
    pub column: ObjectId,
    /// The first one, which takes the name in the end.
    pub of: ObjectId,
    /// What keeps them equal.
    pub trigger: ObjectId,
    /// The function of the trigger.
    pub function: ObjectId,
}

impl ShadowColumn {
    /// Whether an object is there for the twin alone.
    pub fn owns(&self, id: &ObjectId) -> bool {
        [&self.column, &self.trigger, &self.function].contains(&id)
            || id.parents().any(|parent| parent == self.column)
    }
}

/// What a state says about renames.
#[derive(Clone, Debug, Default)]
pub struct Renames {
    /// Names that things had.
    pub asked: Vec<RequestedRename>,
    /// New things that are no old ones under another name.
    pub confirmed: Vec<ObjectId>,
    /// How the state is written, where somebody wrote it.
    pub form: Option<Form>,
    /// Where things are declared, as far as that is known.
    pub places: Vec<(ObjectId, Place)>,
    /// What was renamed on the way to this state, by each migration; nothing where that is not recorded.
    pub done: Option<Vec<Vec<Rename>>>,
    /// Columns that stand in the state under both their names, and have only the new one in what follows.
    pub shadow_columns: Vec<ShadowColumn>,
    /// What becomes of what nobody said, where that was chosen.
    pub unanswered: Option<AmbiguousRenames>,
}

/// What an object is called whose holder was renamed, its own name aside.
pub fn held(id: &ObjectId, renames: &[Rename]) -> ObjectId {
    let pairs: Vec<Pair<ObjectId>> = renames
        .iter()
        .filter(|rename| rename.value.is_none() && rename.object.before != *id)
        .map(|rename| rename.object.clone())
        .collect();
    moved(id, &pairs, |rename| (&rename.before, &rename.after))
}

/// The names of things before and after renames, of what holds them too.
#[derive(Clone, Debug, Default)]
pub struct Names {
    rounds: Vec<Vec<Pair<ObjectId>>>,
}

impl Names {
    /// Adds renames that were made together, each told in the names from before them and from after them.
    pub fn add(&mut self, renames: Vec<Pair<ObjectId>>) {
        if !renames.is_empty() {
            self.rounds.push(renames);
        }
    }

    /// Whether nothing has another name.
    pub fn is_empty(&self) -> bool {
        self.rounds.is_empty()
    }

    /// All of them, in order.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair<ObjectId>> {
        self.rounds.iter().flatten()
    }

    /// What an object is called after all of them.
    pub fn now(&self, id: &ObjectId) -> ObjectId {
        let there = |id: ObjectId, round: &Vec<Pair<ObjectId>>| {
            moved(&id, round, |rename| (&rename.before, &rename.after))
        };
        self.rounds.iter().fold(id.clone(), there)
    }

    /// What an object was called before all of them.
    pub fn was(&self, id: &ObjectId) -> ObjectId {
        let back = |id: ObjectId, round: &Vec<Pair<ObjectId>>| {
            moved(&id, round, |rename| (&rename.after, &rename.before))
        };
        self.rounds.iter().rev().fold(id.clone(), back)
    }
}

/// The object under the other names: its own, or that of the nearest thing that holds it.
fn moved(
    id: &ObjectId,
    round: &[Pair<ObjectId>],
    ends: impl Fn(&Pair<ObjectId>) -> (&ObjectId, &ObjectId),
) -> ObjectId {
    let mut best: Option<(&ObjectId, &ObjectId)> = None;
    for (from, to) in round.iter().map(ends) {
        if (from == id || holds(from, id))
            && best.is_none_or(|(best, _)| best.path().len() < from.path().len())
        {
            best = Some((from, to));
        }
    }
    match best {
        Some((from, to)) if from == id => to.clone(),
        Some((from, to)) => {
            let mut path: Vec<&str> = to.path().iter().map(|part| &**part).collect();
            path.extend(id.path()[from.path().len()..].iter().map(|part| &**part));
            ObjectId::new(id.kind, &path)
        }
        None => id.clone(),
    }
}

/// Whether the one is what the other is part of, or holds that.
pub fn holds(outer: &ObjectId, inner: &ObjectId) -> bool {
    inner.parents().any(|parent| parent == *outer || holds(outer, &parent))
}
