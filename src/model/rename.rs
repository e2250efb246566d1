//! Renames: objects that have another name in the target and keep their contents.

use super::object::{ObjectId, Pair};
use crate::error::Place;

/// The rename of an object, or of a value of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The object before and after; for a value, its enum. Each name is that of the state it belongs to, with parents
    /// that may be renamed, too.
    pub object: Pair<ObjectId>,
    /// The names of the value, if a value is renamed.
    pub value: Option<Pair<String>>,
}

impl Rename {
    /// Returns the rename of an object.
    pub fn of(before: ObjectId, after: ObjectId) -> Self {
        Self { object: Pair { before, after }, value: None }
    }
}

/// A rename that the target declares with `renamed_from`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestedRename {
    /// The object under its new name; for a value, its enum.
    pub object: ObjectId,
    /// The new name of the value, if a value is renamed.
    pub value: Option<String>,
    /// The old name, with its schema if the declaration has one.
    pub from: Vec<String>,
    /// Where the rename is declared.
    pub place: Place,
}

/// The format of a target, which is also that of its annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclarationFormat {
    /// YAML.
    Yaml,
    /// SQL.
    Sql,
}

/// How a drop and an add of similar objects are treated if no annotation says whether they are a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmbiguousRenames {
    /// As an error.
    Error,
    /// As a drop and an add.
    Drop,
    /// As a rename if each is similar to no other object, else as an error.
    Detect,
}

impl AmbiguousRenames {
    /// The names in the configuration and on the command line.
    pub const NAMES: [&str; 3] = ["error", "drop", "detect"];

    /// Returns the policy with this name.
    pub fn named(name: &str) -> Option<Self> {
        let position = Self::NAMES.iter().position(|known| *known == name)?;
        Some([Self::Error, Self::Drop, Self::Detect][position])
    }
}

/// A column under the new name of another column, to which a trigger keeps it equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowColumn {
    /// The shadow column.
    pub column: ObjectId,
    /// The other column, which gets the new name in the last phase.
    pub original: ObjectId,
    /// The trigger that keeps them equal.
    pub trigger: ObjectId,
    /// The function of the trigger.
    pub function: ObjectId,
}

impl ShadowColumn {
    /// Whether an object exists only for the shadow column.
    pub fn owns(&self, id: &ObjectId) -> bool {
        [&self.column, &self.trigger, &self.function].contains(&id)
            || id.parents().any(|parent| parent == self.column)
    }
}

/// What a state says about renames.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Renames {
    /// The renames that the state declares.
    pub requested: Vec<RequestedRename>,
    /// New objects that are not renamed old ones (`drop: confirmed`).
    pub confirmed_new: Vec<ObjectId>,
    /// The format of the state, if it is declared.
    pub format: Option<DeclarationFormat>,
    /// Where objects are declared, if known.
    pub places: Vec<(ObjectId, Place)>,
    /// The renames of each migration that led to this state, if they are recorded.
    pub recorded: Option<Vec<Vec<Rename>>>,
    /// The shadow columns in this state. Later states have only the new names.
    pub shadow_columns: Vec<ShadowColumn>,
    /// How ambiguous renames are treated, if the user chose.
    pub ambiguous: Option<AmbiguousRenames>,
}

/// Returns an object with its parents renamed, but not itself.
pub fn with_renamed_parents(id: &ObjectId, renames: &[Rename]) -> ObjectId {
    let of_parents: Vec<Pair<ObjectId>> = renames
        .iter()
        .filter(|rename| rename.value.is_none() && rename.object.before != *id)
        .map(|rename| rename.object.clone())
        .collect();
    translate(id, &of_parents, |rename| (&rename.before, &rename.after))
}

/// The identities of objects before and after renames, including those that change with their parents.
#[derive(Clone, Debug, Default)]
pub struct RenameMap {
    rounds: Vec<Vec<Pair<ObjectId>>>,
}

impl RenameMap {
    /// Adds renames that are made together, after those that were added before.
    pub fn add(&mut self, renames: Vec<Pair<ObjectId>>) {
        if !renames.is_empty() {
            self.rounds.push(renames);
        }
    }

    /// Whether there are no renames.
    pub fn is_empty(&self) -> bool {
        self.rounds.is_empty()
    }

    /// Returns the renames in order.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair<ObjectId>> {
        self.rounds.iter().flatten()
    }

    /// Returns the identity after the renames of an object from before them.
    pub fn new_id(&self, id: &ObjectId) -> ObjectId {
        let apply = |id: ObjectId, round: &Vec<Pair<ObjectId>>| {
            translate(&id, round, |rename| (&rename.before, &rename.after))
        };
        self.rounds.iter().fold(id.clone(), apply)
    }

    /// Returns the identity before the renames of an object from after them.
    pub fn old_id(&self, id: &ObjectId) -> ObjectId {
        let revert = |id: ObjectId, round: &Vec<Pair<ObjectId>>| {
            translate(&id, round, |rename| (&rename.after, &rename.before))
        };
        self.rounds.iter().rev().fold(id.clone(), revert)
    }
}

/// Returns an object under its other name, or else under that of its nearest renamed ancestor.
fn translate(
    id: &ObjectId,
    renames: &[Pair<ObjectId>],
    ends: impl Fn(&Pair<ObjectId>) -> (&ObjectId, &ObjectId),
) -> ObjectId {
    let mut nearest: Option<(&ObjectId, &ObjectId)> = None;
    for (from, to) in renames.iter().map(ends) {
        if (from == id || is_ancestor(from, id))
            && nearest.is_none_or(|(nearest, _)| nearest.path().len() < from.path().len())
        {
            nearest = Some((from, to));
        }
    }
    match nearest {
        Some((from, to)) if from == id => to.clone(),
        Some((from, to)) => {
            let mut path: Vec<&str> = to.path().iter().map(|part| &**part).collect();
            path.extend(id.path()[from.path().len()..].iter().map(|part| &**part));
            ObjectId::new(id.kind, &path)
        }
        None => id.clone(),
    }
}

/// Whether an object is part of another, directly or not.
pub fn is_ancestor(ancestor: &ObjectId, id: &ObjectId) -> bool {
    id.parents().any(|parent| parent == *ancestor || is_ancestor(ancestor, &parent))
}
