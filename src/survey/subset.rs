//! Parts of a catalog that can be created by themselves.

use std::collections::BTreeSet;

use crate::kinds::KindName;
use crate::model::{Catalog, ObjectId, Pair};

/// Returns the state after a plan, with the roles that objects of either state name.
pub(super) fn with_roles_of_both(sides: Pair<&Catalog>) -> Catalog {
    let mut after = sides.after.clone();
    for (name, facts) in &sides.before.roles {
        after.roles.entry(name.clone()).or_insert_with(|| facts.clone());
    }
    after
}

/// Returns the types, functions, sequences and other objects that columns depend on, without their tables.
pub(super) fn dependencies_of_columns<'a>(
    catalog: &Catalog,
    columns: impl Iterator<Item = &'a ObjectId>,
) -> Catalog {
    let mut roots = Vec::new();
    for id in columns {
        let table = catalog.parent(id);
        let siblings = table.iter().flat_map(|table| catalog.children(table));
        let columns = siblings.filter(|part| part.id.kind == KindName::Column).map(|part| &part.id);
        let defaults = catalog.children(id).map(|part| &part.id);
        let needed = columns.chain(defaults).flat_map(|id| catalog.dependencies_of(id));
        let needed = needed.map(|(other, _)| other).filter(|other| other.kind != KindName::Column);
        roots.extend(needed.cloned());
    }
    with_dependencies(catalog, roots)
}

/// Returns objects with their parts, their parents and everything that they depend on.
pub(super) fn with_dependencies(catalog: &Catalog, roots: Vec<ObjectId>) -> Catalog {
    let mut found = BTreeSet::new();
    let mut stack = roots;
    // Every new database has this schema; without it, the catalog is read differently.
    stack.push(ObjectId::new(KindName::Schema, &["public"]));
    while let Some(id) = stack.pop() {
        if !catalog.contains(&id) || !found.insert(id.clone()) {
            continue;
        }
        stack.extend(catalog.parent(&id));
        stack.extend(catalog.dependencies_of(&id).map(|(other, _)| other.clone()));
        if id.kind != KindName::Schema {
            stack.extend(catalog.children(&id).map(|part| part.id.clone()));
        }
    }
    // Schemas and extensions stay, so that those of a new database are not dropped.
    catalog.filtered(|id| found.contains(id) || matches!(id.kind, KindName::Schema | KindName::Extension))
}
