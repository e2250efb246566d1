//! A catalog made of parts of two others.

use std::collections::BTreeSet;

use super::catalog::{Catalog, Dependency, Objects};
use super::object::ObjectId;

/// Returns `base` without the objects in `removed`, and with the objects in `added` as they are in `other`. Dependencies
/// from and to added objects are those of `other`.
pub fn graft(
    base: &Catalog,
    removed: &BTreeSet<ObjectId>,
    other: &Catalog,
    added: &BTreeSet<ObjectId>,
) -> Catalog {
    let mut objects: Objects = base.objects.clone();
    objects.retain(|id, _| !removed.contains(id));
    for id in added {
        if let Some(object) = other.get(id) {
            objects.insert(id.clone(), object.clone());
        }
    }
    let mut result = Catalog::new(base.version, objects);
    let is_added = |d: &&Dependency| added.contains(other.id(d.from)) || added.contains(other.id(d.to));
    let kept = base.dependencies.iter().filter_map(|dependency| translate(base, &result, dependency));
    let new = other.dependencies.iter().filter(is_added);
    let new = new.filter_map(|dependency| translate(other, &result, dependency));
    let dependencies = kept.chain(new).collect();
    result.set_dependencies(dependencies);
    result.user.clone_from(&base.user);
    result.roles = base.roles.clone();
    for (name, facts) in &other.roles {
        result.roles.entry(name.clone()).or_insert_with(|| facts.clone());
    }
    result.unmodelled.clone_from(&base.unmodelled);
    result.tracking_tables.clone_from(&base.tracking_tables);
    result
}

/// Returns a dependency with the indexes of another catalog, if both objects are in it.
fn translate(from: &Catalog, to: &Catalog, dependency: &Dependency) -> Option<Dependency> {
    let index = |index| to.objects.get_index_of(from.id(index));
    Some(Dependency { from: index(dependency.from)?, to: index(dependency.to)?, kind: dependency.kind })
}
