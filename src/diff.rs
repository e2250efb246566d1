//! Compares two catalogs. Knows no kind of object: the tables of attributes say what counts.

use crate::kinds::{ChangeMethod, ValueType};
use crate::model::{Catalog, Change, Difference, Object, Pair, Value};

/// All differences, sorted by kind and name.
pub fn diff(sides: Pair<&Catalog>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, before) in &sides.before.objects {
        match sides.after.get(id) {
            None => changes.push(Change { id: id.clone(), what: Difference::Missing }),
            Some(after) => {
                let names = differing(Pair { before, after });
                if !names.is_empty() {
                    changes.push(Change { id: id.clone(), what: Difference::Altered(names) });
                }
            }
        }
    }
    for id in sides.after.objects.keys().filter(|id| !sides.before.contains(id)) {
        changes.push(Change { id: id.clone(), what: Difference::Added });
    }
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}

/// The attributes in which two states of an object differ. Their places among siblings never count: a
/// column's cannot be changed.
pub fn differing(object: Pair<&Object>) -> Vec<&'static str> {
    if object.before.attributes().eq(object.after.attributes()) {
        return Vec::new();
    }
    let attributes = object.after.id.kind.get().attributes.iter();
    attributes
        .filter(|attribute| !matches!(attribute.change_method, ChangeMethod::ReadOnly))
        .filter(|attribute| {
            let (before, after) = (object.before.get(attribute.name), object.after.get(attribute.name));
            !same(attribute.value_type, before, after)
                && !(attribute.unmanaged_if_unset && (before.is_none() || after.is_none()))
        })
        .map(|attribute| attribute.name)
        .collect()
}

/// Whether two values mean the same. The order in which options were set does not count.
fn same(ty: ValueType, before: Option<&Value>, after: Option<&Value>) -> bool {
    match (ty, before, after) {
        (ValueType::Options, Some(Value::Map(before)), Some(Value::Map(after))) => {
            before.len() == after.len() && before.iter().all(|pair| after.contains(pair))
        }
        _ => before == after,
    }
}

/// Whether the change goes with that of its parent: the columns of a table that is new are no news.
pub fn is_part_of_another(change: &Change, changes: &[Change]) -> bool {
    let whole = |other: &Change| !matches!(other.what, Difference::Altered(_));
    change.id.parents().any(|parent| {
        // Everything is in a schema, and that one is new tells nothing of what is in it.
        parent.kind.get().identity != crate::kinds::Identity::Global
            && changes.iter().any(|other| other.id == parent && whole(other))
    })
}

/// Gives a target what it leaves to the database that it is for: owners, where it names none.
pub fn adopt(target: &mut Catalog, start: &Catalog) {
    // Whoever runs the plan is the one who read the start, and nobody in a state that was only declared.
    let named_for = |object: &Object| object.id.kind.get().identity_for_owner;
    target.rename(|object| {
        let anonymous = named_for(object)?(object, "");
        let runner = if object.text("owner").is_empty() { start.user.as_str() } else { "" };
        let id = named_for(object)?(object, runner);
        let known = start.contains(&object.id) || runner.is_empty() && !start.contains(&anonymous);
        (!known && id != object.id).then_some(id)
    });
    for object in target.objects.values_mut() {
        if let Some(named_for) = named_for(object) {
            let owner = if named_for(object, "") == object.id {
                ""
            } else if object.text("owner").is_empty() {
                &start.user
            } else {
                continue;
            };
            object.set("owner", Value::Text(owner.to_owned()));
        }
    }
    for (id, object) in &mut target.objects {
        if let Some(other) = start.get(id) {
            inherit(object, other);
        }
    }
}

/// Gives an object what it leaves to another state of it.
pub fn inherit(object: &mut Object, other: &Object) {
    for attribute in object.id.kind.get().attributes.iter().filter(|attribute| attribute.unmanaged_if_unset) {
        if let (None, Some(value)) = (object.get(attribute.name), other.get(attribute.name)) {
            object.set(attribute.name, value.clone());
        }
    }
}
