//! A catalog that is made of two.

use std::collections::BTreeSet;

use super::{Catalog, Dependency, ObjectId, Objects};

/// The first catalog without what is removed, and with what is taken of the other: its objects and all that they
/// depend on or that depends on them, as far as it is there.
pub fn graft(
    base: &Catalog,
    removed: &BTreeSet<ObjectId>,
    other: &Catalog,
    taken: &BTreeSet<ObjectId>,
) -> Catalog {
    let mut objects: Objects = base.objects.clone();
    objects.retain(|id, _| !removed.contains(id));
    for id in taken {
        if let Some(object) = other.get(id) {
            objects.insert(id.clone(), object.clone());
        }
    }
    let mut made = Catalog::new(base.version, objects);
    let about = |d: &&Dependency| taken.contains(other.id(d.from)) || taken.contains(other.id(d.to));
    let own = base.dependencies.iter().filter_map(|dependency| moved(base, &made, dependency));
    let more =
        other.dependencies.iter().filter(about).filter_map(|dependency| moved(other, &made, dependency));
    let dependencies = own.chain(more).collect();
    made.set_dependencies(dependencies);
    made.user.clone_from(&base.user);
    made.roles = base.roles.clone();
    for (name, facts) in &other.roles {
        made.roles.entry(name.clone()).or_insert_with(|| facts.clone());
    }
    made.unmodelled.clone_from(&base.unmodelled);
    made
}

fn moved(of: &Catalog, places: &Catalog, dependency: &Dependency) -> Option<Dependency> {
    let place = |place| places.objects.get_index_of(of.id(place));
    Some(Dependency { from: place(dependency.from)?, to: place(dependency.to)?, kind: dependency.kind })
}
