//! Assembles a catalog from the rows of its queries.

use std::mem::take;

use rustc_hash::{FxBuildHasher, FxHashMap as Map};

use super::address::Address;
use super::decode::column_names;
use super::dependencies::{self, DependencyRow};
use super::raw::RawCatalog;
use super::roles::roles;
use super::tracking;
use super::unmodelled::{UnmodelledItem, UnmodelledSearch};
use crate::model::reserved::is_own_schema;
use crate::model::{AttributeName, Catalog, Object, Objects, PgVersion, Value};

/// Returns the catalog, and what the database has that is not modelled.
pub(super) fn assemble(version: PgVersion, mut raw: RawCatalog) -> (Catalog, Vec<UnmodelledItem>) {
    resolve_columns(&mut raw);
    let rows = take(&mut raw.dependencies);
    let members = dependencies::extension_members(&rows);
    let AddressedObjects { objects, addresses, orphans } = modelled_objects(&mut raw, &rows, &members);
    let mut catalog = Catalog::new(version, objects);
    let recorded = dependencies::resolve(&rows, &addresses, &members, &catalog);
    catalog.set_dependencies(recorded.clone());
    let implied = dependencies::implied(&catalog);
    catalog.set_dependencies(recorded.into_iter().chain(implied).collect());
    catalog.user = take(&mut raw.user);
    catalog.roles = roles(&catalog, &raw.superusers);
    let search =
        UnmodelledSearch { catalog: &catalog, addresses: &addresses, members: &members, rows: &rows };
    let unmodelled = search.find(orphans, &raw.comments, take(&mut raw.features));
    (tracking::exclude(catalog), unmodelled)
}

/// Replaces column numbers by names.
fn resolve_columns(raw: &mut RawCatalog) {
    for (i, attribute, numbers) in take(&mut raw.columns) {
        let names = column_names(&numbers, &raw.names);
        raw.objects[i].1.set(attribute, Value::List(names));
    }
}

/// The objects of a catalog, with their addresses.
struct AddressedObjects {
    objects: Objects,
    /// The index of each object, by its address.
    addresses: Map<Address, usize>,
    /// The addresses of objects whose parent is not in the catalog.
    orphans: Vec<Address>,
}

/// Takes the objects, except those of extensions and of schemadiff itself, and adds their comments.
fn modelled_objects(
    raw: &mut RawCatalog,
    rows: &[DependencyRow],
    members: &Map<(u32, u32), Address>,
) -> AddressedObjects {
    let mut objects = Objects::with_capacity_and_hasher(raw.objects.len(), FxBuildHasher);
    let mut orphans: Vec<Address> = Vec::new();
    let mut addresses: Map<Address, usize> = Map::with_capacity_and_hasher(raw.objects.len(), FxBuildHasher);
    let mut extensions = dependencies::required_extensions(rows, &raw.objects);
    for (address, mut object) in take(&mut raw.objects) {
        let kind = object.id.kind.get();
        let orphan =
            !kind.parents.is_empty() && !object.id.parent_keys().any(|parent| objects.contains_key(&parent));
        let own = is_in_own_schema(&object);
        // Members of extensions, and objects inside them, are created with the extension.
        if orphan || own || members.contains_key(&(address.0, address.1)) {
            if orphan && !own {
                orphans.push(address);
            }
            continue;
        }
        if let Some(comment) = raw.comments.get(&address)
            && kind.attribute(AttributeName::COMMENT).is_some()
        {
            object.set(AttributeName::COMMENT, Value::Text(comment.clone()));
        }
        if let Some(names) = extensions.remove(&address)
            && kind.attribute(AttributeName::DEPENDS_ON_EXTENSIONS).is_some()
        {
            object.set(AttributeName::DEPENDS_ON_EXTENSIONS, Value::List(names));
        }
        let (place, _) = objects.insert_full(object.id.clone(), object);
        addresses.insert(address, place);
    }
    AddressedObjects { objects, addresses, orphans }
}

fn is_in_own_schema(object: &Object) -> bool {
    object.id.path().first().is_some_and(|schema| is_own_schema(schema))
}
