//! Adds the dependents of changed objects that the server requires to be dropped, replaced or altered, too.

use std::collections::BTreeSet;

use super::change_set::ChangeSet;
use super::detach::is_detached;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::{ChangeMethod, Context, KindName, TypeChange};
use crate::model::{AttributeName, Catalog, Change, DependencyKind, ObjectId, Pair, Transaction};

/// Returns the changes with all that follow from them.
///
/// # Errors
/// Returns an error if an object with rows would have to be replaced.
pub(super) fn close(sides: Pair<&Catalog>, changes: &[Change]) -> Result<ChangeSet> {
    let set = ChangeSet::of(changes);
    let queue: Vec<ObjectId> = set.dropped.iter().cloned().collect();
    let mut closure = Closure { sides, set, queue };
    for (id, names) in closure.set.altered.clone() {
        if must_replace(&id, &names, &closure.set.context(sides)) {
            closure.replace(&replaced_object(&id, sides.before));
        }
    }
    // A replaced object may change how another is altered, and so which dependents that one needs to rebuild.
    loop {
        while let Some(id) = closure.queue.pop() {
            closure.add_dependents(&id)?;
        }
        for (id, names) in closure.set.altered.clone() {
            closure.rebuild_dependents(&id, &names);
        }
        if closure.queue.is_empty() {
            return Ok(closure.set);
        }
    }
}

/// A change set that grows.
struct Closure<'a> {
    sides: Pair<&'a Catalog>,
    set: ChangeSet,
    /// Dropped objects whose dependents are not added yet.
    queue: Vec<ObjectId>,
}

impl Closure<'_> {
    /// Replaces an object: drops it, and creates it again.
    fn replace(&mut self, id: &ObjectId) {
        self.set.altered.remove(id);
        self.set.created.insert(id.clone());
        if self.set.dropped.insert(id.clone()) {
            self.queue.push(id.clone());
        }
    }

    /// Adds the dependents of a dropped object.
    fn add_dependents(&mut self, id: &ObjectId) -> Result<()> {
        let before = self.sides.before;
        let parts = before.children(id).map(|child| (child.id.clone(), DependencyKind::Auto));
        let dependents = before.dependents_of(id).map(|(user, kind)| (user.clone(), kind));
        for (user, kind) in parts.chain(dependents).collect::<Vec<_>>() {
            self.add_dependent(&user, kind, id)?;
        }
        // An index of a partition cannot be dropped without that of the partitioned table, nor can a column of a
        // partition key be dropped without the table.
        let is_inseparable =
            |kind: DependencyKind| matches!(kind, DependencyKind::Part | DependencyKind::Internal);
        let owners = before.dependencies_of(id).filter(|(_, kind)| is_inseparable(*kind));
        for owner in owners.map(|(owner, _)| owner.clone()).collect::<Vec<_>>() {
            let parent_is_dropped = id.parents().any(|parent| self.set.dropped.contains(&parent));
            if !self.set.dropped.contains(&owner) && self.sides.after.contains(&owner) && !parent_is_dropped {
                self.replace(&owner);
            }
        }
        Ok(())
    }

    /// Adds one dependent of a dropped object: it is altered if it can give up the dependency, or else replaced.
    fn add_dependent(&mut self, user: &ObjectId, kind: DependencyKind, dropped: &ObjectId) -> Result<()> {
        let sides = self.sides;
        if self.set.dropped.contains(user) {
            return Ok(());
        }
        // The index of a partition is dropped with that of the partitioned table, unless the partition is detached first.
        let bound = ObjectId::new(KindName::Partition, &user.path()[..user.path().len().min(2)]);
        let is_attached_index = kind == DependencyKind::Part && !self.set.dropped.contains(&bound);
        if !is_attached_index && is_detached(user, dropped, sides) {
            return Ok(());
        }
        if !sides.after.contains(user) {
            return Err(Error::Internal(format!("{user} is neither dropped nor in the target")));
        }
        // A sequence survives its column if it gets another owner, or none, before.
        if let (DependencyKind::Auto, Some(attribute)) = (kind, user.kind.get().owned_by_attribute) {
            self.set.alter(user, attribute);
            return Ok(());
        }
        let gives_up_dependency = kind == DependencyKind::Normal
            && self.set.altered.contains_key(user)
            && !sides.after.dependencies_of(user).any(|(other, _)| other == dropped)
            && !waits_for_name(user, dropped, sides);
        if gives_up_dependency {
            return Ok(());
        }
        if can_convert_to_text(user, dropped, sides) {
            self.set.alter(user, AttributeName::TYPE);
            self.replace_dependents(user, TypeChange::ColumnToText);
            return Ok(());
        }
        refuse_loss(user, dropped, sides)?;
        let is_part = user.parents().any(|parent| parent == *dropped);
        let replaced = if is_part { user.clone() } else { replaced_object(user, sides.before) };
        self.replace(&replaced);
        Ok(())
    }

    /// Replaces the dependents that an alteration of their object does not allow.
    fn rebuild_dependents(&mut self, id: &ObjectId, names: &[AttributeName]) {
        for attribute in names.iter().filter_map(|name| id.kind.get().attribute(*name)) {
            let Some(change) = attribute.type_change else { continue };
            let context = self.set.context(self.sides);
            let object = self.sides.before.get(id).zip(self.sides.after.get(id));
            let only_adds = object.is_some_and(|(before, after)| match attribute.change_method {
                ChangeMethod::Alter(alteration) => {
                    let steps = (alteration.steps)(Pair { before, after }, &context).unwrap_or_default();
                    steps.iter().all(|step| step.transaction == Transaction::CommitAfter)
                }
                ChangeMethod::Replace | ChangeMethod::Attach(_) | ChangeMethod::ReadOnly => false,
            });
            if !only_adds {
                self.replace_dependents(id, change);
            }
        }
    }

    /// Replaces the direct and indirect dependents that do not allow the change.
    fn replace_dependents(&mut self, id: &ObjectId, change: TypeChange) {
        let Pair { before, after } = self.sides;
        let is_rebuilt = |id: &ObjectId| id.kind.get().rebuilt_by.contains(&change);
        let mut stack = vec![id.clone()];
        let mut visited = BTreeSet::new();
        while let Some(current) = stack.pop() {
            if !visited.insert(current.clone()) {
                continue;
            }
            for (user, _) in before.dependents_of(&current) {
                // A generated column of the same table must be replaced, too. That of a child inherits the change.
                let is_generated = user.kind == KindName::Column
                    && !has_rows(user, before)
                    && before.parent(user) == before.parent(&current);
                if !is_rebuilt(user) && !is_generated {
                    stack.push(user.clone());
                } else if after.contains(user) && !self.set.dropped.contains(user) {
                    self.replace(user);
                }
            }
            // The server does not record that a default depends on its column.
            for child in before.children(&current).filter(|child| is_rebuilt(&child.id)) {
                if after.contains(&child.id) && !self.set.dropped.contains(&child.id) {
                    self.replace(&child.id);
                }
            }
        }
    }
}

/// Whether one of the attributes can only change by replacing the object.
fn must_replace(id: &ObjectId, names: &[AttributeName], context: &Context) -> bool {
    let (Some(before), Some(after)) = (context.sides.before.get(id), context.sides.after.get(id)) else {
        return false;
    };
    names.iter().filter_map(|name| id.kind.get().attribute(*name)).any(|attribute| {
        match attribute.change_method {
            ChangeMethod::Replace => true,
            ChangeMethod::Alter(alteration) | ChangeMethod::Attach(alteration) => {
                (alteration.steps)(Pair { before, after }, context).is_none()
            }
            ChangeMethod::ReadOnly => false,
        }
    })
}

/// Returns the object that is replaced instead of this one: the composite type of an attribute, because values in
/// columns always have all attributes.
fn replaced_object(id: &ObjectId, catalog: &Catalog) -> ObjectId {
    let ty = catalog.parent(id).filter(|_| id.kind == KindName::Attribute);
    ty.unwrap_or_else(|| id.clone())
}

/// Whether a new dependency of the user takes a name that the dropped object occupies, such as that of the sequence of an
/// identity column. The user can then not be altered before the object is dropped.
fn waits_for_name(user: &ObjectId, dropped: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let reserved = |side: &Catalog, id: &ObjectId| -> BTreeSet<ObjectId> {
        let table = if id.kind == KindName::Table { Some(id.clone()) } else { side.parent(id) };
        let parts = table.iter().flat_map(|table| side.children(table));
        parts.filter_map(|part| (part.id.kind.get().reserves)(part)).collect()
    };
    let freed = reserved(sides.before, dropped);
    let mut new_dependencies =
        sides.after.dependencies_of(user).map(|(id, _)| id).filter(|id| !sides.before.contains(id));
    !freed.is_empty() && new_dependencies.any(|needed| !reserved(sides.after, needed).is_disjoint(&freed))
}

/// Whether the values of a column can be converted to text while its type is replaced. The columns of partition keys
/// cannot be altered.
fn can_convert_to_text(column: &ObjectId, ty: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let is_partition_key =
        || sides.before.dependencies_of(column).any(|(_, kind)| kind == DependencyKind::Internal);
    ty.kind.get().is_type()
        && column.kind == KindName::Column
        && has_rows(column, sides.before)
        && !is_partition_key()
}

/// Whether dropping an object loses data: a table, or a column that is not generated.
fn has_rows(id: &ObjectId, catalog: &Catalog) -> bool {
    catalog.get(id).is_some_and(|object| (id.kind.get().holds_data)(object))
}

/// Returns an error if an unchanged object with rows would be replaced only because of another object.
fn refuse_loss(user: &ObjectId, replaced: &ObjectId, sides: Pair<&Catalog>) -> Result<()> {
    // The parts of a replaced table are lost with it, which is a hazard of its own.
    if !has_rows(user, sides.before) || user.parents().any(|parent| parent == *replaced) {
        return Ok(());
    }
    Err(Diagnostic::new(
        codes::PLAN,
        format!("{user} would have to be dropped because {replaced} is replaced"),
    )
    .help(format!(
        "first change {user} in a migration of its own so that it does not use {replaced}, then change it back"
    ))
    .into())
}
