//! What a migration leaves, without the drift that was there before it: what it did not touch stays drift.

use std::collections::BTreeSet;

use crate::diff;
use crate::model::Difference;
use crate::model::{Catalog, ObjectId, Pair, graft};

/// The catalog that a revision should have left: `after` as it was read, but for what differed between
/// `expected` and `before` and is in `after` as it was in `before`.
pub fn carry(expected: &Catalog, before: &Catalog, after: &Catalog) -> Catalog {
    let changes = diff::diff(Pair { before: expected, after: before });
    if changes.is_empty() || expected.version.major() != after.version.major() {
        return after.clone();
    }
    let (mut removed, mut restored) = (BTreeSet::new(), BTreeSet::new());
    for change in &changes {
        let id = &change.id;
        let untouched = before.get(id) == after.get(id);
        match &change.what {
            _ if !untouched => {}
            Difference::Added => drop(removed.insert(id.clone())),
            Difference::Missing | Difference::Altered(_) => drop(restored.insert(id.clone())),
        }
    }
    // What hangs off something that the migration dropped cannot be missed.
    let there = |id: &ObjectId| after.contains(id) && !removed.contains(id) || restored.contains(id);
    let stands =
        |id: &ObjectId| id.kind.get().parents.is_empty() || id.parents().any(|parent| there(&parent));
    let restored = restored.iter().filter(|id| stands(id)).cloned().collect();
    graft(after, &removed, expected, &restored)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::kinds::KindName;
    use crate::model::{Object, Objects, PgVersion, Value};

    fn catalog(objects: &[(&str, &str)]) -> Catalog {
        let mut all = Objects::default();
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
