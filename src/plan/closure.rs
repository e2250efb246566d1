//! What must go and come back beside what changed: dependents that PostgreSQL would not let stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Diagnostic, Result, codes};
use crate::kinds::{ChangeMethod, Context, KindName, Rebuilds, replace_in_place};
use crate::model::{Catalog, DependencyKind, ObjectId, Pair};
use crate::model::{Change, Difference};

/// What is to be done with each object.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Objects that go, those built anew among them.
    pub(super) dropped: BTreeSet<ObjectId>,
    /// Objects that come, those built anew among them.
    pub(super) created: BTreeSet<ObjectId>,
    /// Objects that change in place, with the attributes that differ.
    pub(super) altered: BTreeMap<ObjectId, Vec<&'static str>>,
}

impl Work {
    pub(super) fn context<'a>(&'a self, sides: Pair<&'a Catalog>) -> Context<'a> {
        Context { sides, created: &self.created, dropped: &self.dropped }
    }
}

/// Widens the changes to all that they touch.
pub(super) fn close(sides: Pair<&Catalog>, changes: &[Change]) -> Result<Work> {
    let mut work = Work::default();
    for change in changes {
        match &change.what {
            Difference::Missing => drop(work.dropped.insert(change.id.clone())),
            Difference::Added => drop(work.created.insert(change.id.clone())),
            Difference::Altered(names) => drop(work.altered.insert(change.id.clone(), names.clone())),
        }
    }
    let mut queue: Vec<ObjectId> = work.dropped.iter().cloned().collect();
    for (id, names) in work.altered.clone() {
        if must_replace(&id, &names, &work.context(sides)) {
            replace(&whole(&id, sides.before), &mut work, &mut queue);
        }
    }
    // What is built anew may change how something else is altered, and so what that builds anew.
    loop {
        while let Some(id) = queue.pop() {
            spread(&id, sides, &mut work, &mut queue)?;
        }
        for (id, names) in work.altered.clone() {
            rebuild_dependents(&id, &names, sides, &mut work, &mut queue);
        }
        if queue.is_empty() {
            return Ok(work);
        }
    }
}

/// Whether one of the differing attributes changes only by a new object.
fn must_replace(id: &ObjectId, names: &[&str], context: &Context) -> bool {
    let (Some(before), Some(after)) = (context.sides.before.get(id), context.sides.after.get(id)) else {
        return false;
    };
    names.iter().filter_map(|name| id.kind.get().attribute(name)).any(|attribute| {
        match attribute.change_method {
            ChangeMethod::Replace => true,
            ChangeMethod::Alter(by) | ChangeMethod::Attach(by) => {
                (by.steps)(Pair { before, after }, context).is_none()
            }
            ChangeMethod::ReadOnly => false,
        }
    })
}

/// What is replaced in place of an object: a composite type's attribute comes with the type, for what is in columns
/// has no other.
fn whole(id: &ObjectId, catalog: &Catalog) -> ObjectId {
    let ty = catalog.parent(id).filter(|_| id.kind == KindName::Attribute);
    ty.unwrap_or_else(|| id.clone())
}

fn replace(id: &ObjectId, work: &mut Work, queue: &mut Vec<ObjectId>) {
    work.altered.remove(id);
    work.created.insert(id.clone());
    if work.dropped.insert(id.clone()) {
        queue.push(id.clone());
    }
}

/// What goes with an object, or stands in the way of its going, is built anew where it is to stay.
fn spread(id: &ObjectId, sides: Pair<&Catalog>, work: &mut Work, queue: &mut Vec<ObjectId>) -> Result<()> {
    let parts = sides.before.children(id).map(|child| (child.id.clone(), DependencyKind::Auto));
    let dependents = sides.before.dependents_of(id).map(|(user, kind)| (user.clone(), kind));
    for (user, kind) in parts.chain(dependents).collect::<Vec<_>>() {
        let stays = sides.after.contains(&user);
        // A share of an index goes with that, unless its partition is detached before.
        let place = ObjectId::new(KindName::Partition, &user.path()[..user.path().len().min(2)]);
        let share = kind == DependencyKind::Part && !work.dropped.contains(&place);
        if work.dropped.contains(&user) || !share && is_detached(&user, id, sides) {
            continue;
        }
        if !stays {
            return Err(crate::Error::Internal(format!("{user} is neither dropped nor there in the end")));
        }
        let lets_go = kind == DependencyKind::Normal
            && work.altered.contains_key(&user)
            && !sides.after.dependencies_of(&user).any(|(other, _)| other == id)
            && !waits_for_a_name(&user, id, sides);
        // A sequence survives its column when it is given to nobody, or to another, before.
        if let (DependencyKind::Auto, Some(attribute)) = (kind, user.kind.get().owned_by_attribute) {
            let names = work.altered.entry(user.clone()).or_default();
            if !names.contains(&attribute) {
                names.push(attribute);
            }
            continue;
        }
        if lets_go {
            continue;
        }
        if detours(&user, id, sides) {
            let names = work.altered.entry(user.clone()).or_default();
            if !names.contains(&"type") {
                names.push("type");
            }
            clear_the_way(&user, replace_in_place::REBUILT_WITH_COLUMN, sides, work, queue);
            continue;
        }
        refuse_loss(&user, id, sides)?;
        let part_stays = user.parents().any(|parent| parent == *id);
        replace(&if part_stays { user } else { whole(&user, sides.before) }, work, queue);
    }
    // A share of an index cannot be dropped alone, nor a column of a partition key.
    let together = |kind: &DependencyKind| matches!(kind, DependencyKind::Part | DependencyKind::Internal);
    let parent_keys = sides.before.dependencies_of(id).filter(|(_, kind)| together(kind));
    for whole in parent_keys.map(|(whole, _)| whole.clone()).collect::<Vec<_>>() {
        let parent_goes = id.parents().any(|parent| work.dropped.contains(&parent));
        if !work.dropped.contains(&whole) && sides.after.contains(&whole) && !parent_goes {
            replace(&whole, work, queue);
        }
    }
    Ok(())
}

/// Whether what the user is to rest on takes the name of what the other has: an identity's sequence, say. It cannot be
/// there before the other goes, nor can the user then let go of the other before.
fn waits_for_a_name(user: &ObjectId, other: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let hidden = |side: &Catalog, id: &ObjectId| -> BTreeSet<ObjectId> {
        let table = if id.kind == KindName::Table { Some(id.clone()) } else { side.parent(id) };
        let parts = table.iter().flat_map(|table| side.children(table));
        parts.filter_map(|part| (part.id.kind.get().reserves)(part)).collect()
    };
    let freed = hidden(sides.before, other);
    let needed =
        || sides.after.dependencies_of(user).map(|(id, _)| id).filter(|id| !sides.before.contains(id));
    !freed.is_empty() && needed().any(|needed| !hidden(sides.after, needed).is_disjoint(&freed))
}

/// Whether the user, a table or a part of one, hangs off the object only as its partition: that is detached,
/// which is another object's going. So does a part of a table that inherits from the other no longer.
pub(super) fn is_detached(user: &ObjectId, from: &ObjectId, sides: Pair<&Catalog>) -> bool {
    if user.kind == KindName::Partition {
        return false;
    }
    let before = sides.before;
    let table = |id: &ObjectId| if id.kind == KindName::Table { Some(id.clone()) } else { before.parent(id) };
    let whole = table(user).filter(|whole| whole != user);
    let (Some(user), Some(from)) = (table(user), table(from)) else { return false };
    let inherits = |side: &Catalog| {
        let heir = side.get(&user).is_some_and(|table| !table.list("inherits").is_empty());
        heir && side.dependencies_of(&user).any(|(parent, _)| *parent == from)
    };
    if whole.is_some() && inherits(before) && sides.after.contains(&user) && !inherits(sides.after) {
        return true;
    }
    let place = before.partition_bound(&user);
    place.is_some_and(|place| before.dependencies_of(&place.id).any(|(parent, _)| *parent == from))
}

/// Whether values of a type that is replaced can wait as text: in a column that stays and is no table's partition key.
fn detours(user: &ObjectId, ty: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let is_key =
        |catalog: &Catalog| catalog.dependencies_of(user).any(|(_, kind)| kind == DependencyKind::Internal);
    ty.kind.get().is_type()
        && user.kind == KindName::Column
        && holds_rows(user, sides.before)
        && !is_key(sides.before)
}

/// Whether an object holds what cannot be computed again.
fn holds_rows(id: &ObjectId, catalog: &Catalog) -> bool {
    match id.kind {
        KindName::Table => true,
        KindName::Column => catalog.get(id).is_some_and(|column| column.text("generated").is_empty()),
        _ => false,
    }
}

/// Rows are never lost because something else changed.
fn refuse_loss(user: &ObjectId, because: &ObjectId, sides: Pair<&Catalog>) -> Result<()> {
    // A table that is itself replaced says so with its own hazard.
    if !holds_rows(user, sides.before) || user.parents().any(|parent| parent == *because) {
        return Ok(());
    }
    Err(Diagnostic::new(
        codes::PLAN,
        format!("{user} would have to be dropped because {because} is replaced"),
    )
    .help(format!("change {user} to something that does not need {because} first, then change it back"))
    .into())
}

/// Dependents that a change in place does not bear.
fn rebuild_dependents(
    id: &ObjectId,
    names: &[&str],
    sides: Pair<&Catalog>,
    work: &mut Work,
    queue: &mut Vec<ObjectId>,
) {
    for attribute in names.iter().filter_map(|name| id.kind.get().attribute(name)) {
        let Rebuilds::Dependents(kinds) = attribute.rebuilds else { continue };
        let context = work.context(sides);
        let pair = sides.before.get(id).zip(sides.after.get(id));
        let grows = pair.is_some_and(|(before, after)| match attribute.change_method {
            ChangeMethod::Alter(by) => {
                let steps = (by.steps)(Pair { before, after }, &context).unwrap_or_default();
                steps.iter().all(|step| step.transaction == crate::model::Transaction::CommitAfter)
            }
            ChangeMethod::Replace | ChangeMethod::Attach(_) | ChangeMethod::ReadOnly => false,
        });
        if !grows {
            clear_the_way(id, kinds, sides, work, queue);
        }
    }
}

/// Has dependents of these kinds built anew, near and far.
fn clear_the_way(
    id: &ObjectId,
    kinds: &[KindName],
    sides: Pair<&Catalog>,
    work: &mut Work,
    queue: &mut Vec<ObjectId>,
) {
    let mut through = vec![id.clone()];
    let mut seen = BTreeSet::new();
    while let Some(here) = through.pop() {
        if !seen.insert(here.clone()) {
            continue;
        }
        for (user, _) in sides.before.dependents_of(&here) {
            // A generated column is in the way like an index; that of a child is not.
            let generated = user.kind == KindName::Column && !holds_rows(user, sides.before);
            let generated = generated && sides.before.parent(user) == sides.before.parent(&here);
            if kinds.contains(&user.kind) || generated {
                if sides.after.contains(user) && !work.dropped.contains(user) {
                    replace(user, work, queue);
                }
            } else {
                through.push(user.clone());
            }
        }
        // A default is part of its column, not a dependent that the server records.
        for child in sides.before.children(&here) {
            if kinds.contains(&child.id.kind)
                && sides.after.contains(&child.id)
                && !work.dropped.contains(&child.id)
            {
                replace(&child.id, work, queue);
            }
        }
    }
}
