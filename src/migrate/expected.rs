//! The catalog that a revision produces, without the drift from before it.

use std::collections::BTreeSet;

use crate::diff;
use crate::model::Difference;
use crate::model::{Catalog, ObjectId, Pair, graft};

/// Returns the catalog that a revision produces in a database without drift. Drift is a difference between `expected`, the
/// catalog that the previous revision produced, and `before`, the actual one. If the revision did not touch the object,
/// the result has it as in `expected`, and otherwise as in `after`.
pub fn expected_after(expected: &Catalog, before: &Catalog, after: &Catalog) -> Catalog {
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
    // A part of an object that the migration dropped is not restored.
    let exists = |id: &ObjectId| after.contains(id) && !removed.contains(id) || restored.contains(id);
    let has_parent =
        |id: &ObjectId| id.kind.get().parents.is_empty() || id.parents().any(|parent| exists(&parent));
    let restored = restored.iter().filter(|id| has_parent(id)).cloned().collect();
    graft(after, &removed, expected, &restored)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::kinds::KindName;
    use crate::model::AttributeName;
    use crate::model::{Object, Objects, PgVersion, Value};

    fn catalog(objects: &[(&str, &str)]) -> Catalog {
        let mut all = Objects::default();
        for (name, comment) in objects {
            let mut object = Object::new(ObjectId::new(KindName::Schema, &[*name]));
            object.set(AttributeName::COMMENT, Value::Text((*comment).into()));
            all.insert(object.id.clone(), object);
        }
        let mut catalog = Catalog::new(PgVersion::from_number(150_000), all);
        catalog.set_dependencies(Vec::new());
        catalog
    }

    #[test]
    fn drift_is_not_part_of_the_expected_catalog() {
        let expected = catalog(&[("a", "1"), ("b", "1"), ("gone", "1")]);
        let before = catalog(&[("a", "manual"), ("b", "manual"), ("new", "manual")]);
        let after = catalog(&[("a", "manual"), ("b", "2"), ("new", "manual"), ("c", "2")]);
        let result = expected_after(&expected, &before, &after);
        let objects: Vec<String> = result
            .sorted()
            .iter()
            .map(|object| format!("{} {}", object.id.name(), object.text(AttributeName::COMMENT)))
            .collect();
        assert_eq!(objects, ["a 1", "b 2", "c 2", "gone 1"]);
    }
}
