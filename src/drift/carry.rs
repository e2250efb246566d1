//! What a migration leaves, without the drift that was there before it: what it did not touch stays drift.

use indexmap::IndexMap;

use crate::diff::{self, Difference};
use crate::model::{Catalog, Dependency, Object, ObjectId, Pair};

/// The catalog that a revision should have left: `after` as it was read, but for what differed between
/// `expected` and `before` and is in `after` as it was in `before`.
pub fn carry(expected: &Catalog, before: &Catalog, after: &Catalog) -> Catalog {
    let changes = diff::diff(Pair { before: expected, after: before });
    if changes.is_empty() || expected.version.major() != after.version.major() {
        return after.clone();
    }
    let mut objects: IndexMap<ObjectId, Object> = after.objects.clone();
    let mut restored: Vec<ObjectId> = Vec::new();
    for change in &changes {
        let id = &change.id;
        let untouched = before.get(id) == after.get(id);
        match (&change.what, expected.get(id)) {
            _ if !untouched => {}
            (Difference::Added, _) => drop(objects.shift_remove(id)),
            (Difference::Missing | Difference::Altered(_), Some(object)) => {
                objects.insert(id.clone(), object.clone());
                restored.push(id.clone());
            }
            (Difference::Missing | Difference::Altered(_), None) => {}
        }
    }
    // What hangs off something that the migration dropped cannot be missed.
    let orphans: Vec<ObjectId> = restored
        .iter()
        .filter(|id| !id.kind.get().parents.is_empty() && !id.parents().any(|p| objects.contains_key(&p)))
        .cloned()
        .collect();
    for id in orphans {
        objects.shift_remove(&id);
    }
    let mut carried = Catalog::new(after.version, objects);
    let mut dependencies = dependencies(after, &carried);
    dependencies.extend(dependencies_of(expected, &carried, &restored));
    carried.set_dependencies(dependencies);
    carried.roles = after.roles.clone();
    for (name, facts) in &expected.roles {
        carried.roles.entry(name.clone()).or_insert_with(|| facts.clone());
    }
    carried.unmodelled.clone_from(&after.unmodelled);
    carried
}

fn dependencies(of: &Catalog, places: &Catalog) -> Vec<Dependency> {
    of.dependencies.iter().filter_map(|dependency| moved(of, places, dependency)).collect()
}

fn dependencies_of(of: &Catalog, places: &Catalog, objects: &[ObjectId]) -> Vec<Dependency> {
    let about = |d: &&Dependency| objects.contains(of.id(d.from)) || objects.contains(of.id(d.to));
    of.dependencies.iter().filter(about).filter_map(|dependency| moved(of, places, dependency)).collect()
}

fn moved(of: &Catalog, places: &Catalog, dependency: &Dependency) -> Option<Dependency> {
    let place = |place| places.objects.get_index_of(of.id(place));
    Some(Dependency { from: place(dependency.from)?, to: place(dependency.to)?, kind: dependency.kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KindName;
    use crate::model::{PgVersion, Value};

    fn catalog(objects: &[(&str, &str)]) -> Catalog {
        let mut all = IndexMap::new();
        for (name, comment) in objects {
            let mut object = Object::new(ObjectId::new(KindName::Schema, &[*name]));
            object.set("comment", Value::Text((*comment).into()));
            all.insert(object.id.clone(), object);
        }
        let mut catalog = Catalog::new(PgVersion::from_number(150_000), all);
        catalog.set_dependencies(Vec::new());
        catalog
    }

    #[test]
    fn drift_stays_drift() {
        let expected = catalog(&[("a", "1"), ("b", "1"), ("gone", "1")]);
        let before = catalog(&[("a", "manual"), ("b", "manual"), ("new", "manual")]);
        let after = catalog(&[("a", "manual"), ("b", "2"), ("new", "manual"), ("c", "2")]);
        let kept = carry(&expected, &before, &after);
        let told: Vec<String> = kept
            .sorted()
            .iter()
            .map(|object| format!("{} {}", object.id.name(), object.text("comment")))
            .collect();
        assert_eq!(told, ["a 1", "b 2", "c 2", "gone 1"]);
    }
}
