//! Compares two catalogs. All that varies by kind is in the tables of attributes.

use crate::kinds::{ChangeMethod, Identity, ValueType};
use crate::model::{AttributeName, Catalog, Change, Difference, Object, Pair, Value};

/// Returns the differences between two catalogs, sorted by kind and name.
///
/// ```
/// use schemadiff::diff::diff;
/// use schemadiff::kinds::KindName;
/// use schemadiff::model::{Catalog, Difference, Object, ObjectId, Pair, PgVersion};
///
/// let shop = ObjectId::new(KindName::Schema, &["shop"]);
/// let objects = [(shop.clone(), Object::new(shop))].into_iter().collect();
/// let before = Catalog::new(PgVersion::V15, Default::default());
/// let after = Catalog::new(PgVersion::V15, objects);
///
/// let changes = diff(Pair { before: &before, after: &after });
/// assert_eq!(changes[0].id.to_string(), "schema shop");
/// assert_eq!(changes[0].what, Difference::Added);
/// ```
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

/// Returns the names of the attributes in which two states of an object differ. The position among siblings is not
/// compared, because the position of a column cannot be changed.
pub fn differing(object: Pair<&Object>) -> Vec<AttributeName> {
    if object.before.attributes().eq(object.after.attributes()) {
        return Vec::new();
    }
    let attributes = object.after.id.kind.get().attributes.iter();
    attributes
        .filter(|attribute| !matches!(attribute.change_method, ChangeMethod::ReadOnly))
        .filter(|attribute| {
            let (before, after) = (object.before.get(attribute.name), object.after.get(attribute.name));
            !are_equal(attribute.value_type, before, after)
                && !(attribute.unmanaged_if_unset && (before.is_none() || after.is_none()))
        })
        .map(|attribute| attribute.name)
        .collect()
}

/// Whether two values are equal. The order of options does not matter.
fn are_equal(value_type: ValueType, before: Option<&Value>, after: Option<&Value>) -> bool {
    match (value_type, before, after) {
        (ValueType::Options, Some(Value::Map(before)), Some(Value::Map(after))) => {
            before.len() == after.len() && before.iter().all(|pair| after.contains(pair))
        }
        _ => before == after,
    }
}

/// Whether a change follows from that of its parent: the columns of a new table are new, too.
pub fn follows_from_parent(change: &Change, changes: &[Change]) -> bool {
    let is_added_or_dropped = |other: &Change| !matches!(other.what, Difference::Altered(_));
    change.id.parents().any(|parent| {
        // The objects of a new schema are changes of their own.
        parent.kind.get().identity != Identity::Global
            && changes.iter().any(|other| other.id == parent && is_added_or_dropped(other))
    })
}

/// Completes a target with what it leaves to the database: owners, and attributes that are not managed if they are not
/// set.
pub fn inherit_unset(target: &mut Catalog, start: &Catalog) {
    // The role that reads the start also runs the migration. A declared state has no role.
    let identity_for_owner = |object: &Object| object.id.kind.get().identity_for_owner;
    target.rename(|object| {
        let without_owner = identity_for_owner(object)?(object, "");
        let role = if object.text(AttributeName::OWNER).is_empty() { start.user.as_str() } else { "" };
        let id = identity_for_owner(object)?(object, role);
        let is_known = start.contains(&object.id) || role.is_empty() && !start.contains(&without_owner);
        (!is_known && id != object.id).then_some(id)
    });
    for object in target.objects.values_mut() {
        if let Some(identity_for_owner) = identity_for_owner(object) {
            let owner = if identity_for_owner(object, "") == object.id {
                ""
            } else if object.text(AttributeName::OWNER).is_empty() {
                &start.user
            } else {
                continue;
            };
            object.set(AttributeName::OWNER, Value::Text(owner.to_owned()));
        }
    }
    for (id, object) in &mut target.objects {
        if let Some(other) = start.get(id) {
            inherit_unset_attributes(object, other);
        }
    }
}

/// Completes an object with the unmanaged attributes of another state of it.
pub fn inherit_unset_attributes(object: &mut Object, other: &Object) {
    for attribute in object.id.kind.get().attributes.iter().filter(|attribute| attribute.unmanaged_if_unset) {
        if let (None, Some(value)) = (object.get(attribute.name), other.get(attribute.name)) {
            object.set(attribute.name, value.clone());
        }
    }
}
