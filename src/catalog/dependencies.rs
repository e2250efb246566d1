//! Dependencies between objects: those in `pg_depend`, and those that it does not record.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap as Map;

use super::address::{Address, address, address_at};
use crate::db::Row;
use crate::model::kind::{Kind, SystemCatalog};
use crate::model::{Catalog, Dependency, DependencyKind, Object, PgVersion};

/// Returns the query for all dependencies of user objects.
pub(super) fn query(version: PgVersion) -> String {
    // Internal triggers of constraints are not modelled, and a foreign key has four. Since PostgreSQL 18, NOT NULL
    // constraints have rows too; they are attributes of columns.
    let not_null = if version.since(18) {
        "AND NOT (classid = 'pg_constraint'::regclass AND objid IN (SELECT oid FROM pg_constraint WHERE contype = 'n'))"
    } else {
        ""
    };
    format!(
        "SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype \
         FROM pg_depend WHERE objid >= 16384 AND (refobjid >= 16384 \
         OR refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace OR deptype = 'e' \
         OR refclassid = 'pg_extension'::regclass) \
         AND NOT (classid = 'pg_trigger'::regclass AND deptype = 'i') {not_null}"
    )
}

/// A row of `pg_depend`.
#[derive(Clone, Copy)]
pub(super) struct DependencyRow {
    pub(super) from: Address,
    pub(super) to: Address,
    /// The `deptype`.
    pub(super) kind: char,
}

impl From<&Row> for DependencyRow {
    fn from(row: &Row) -> Self {
        Self {
            from: address(row),
            to: address_at(row, 3),
            kind: row.get(6).and_then(|text| text.chars().next()).unwrap_or('n'),
        }
    }
}

/// Returns the members of extensions, each with the address of its extension.
pub(super) fn extension_members(rows: &[DependencyRow]) -> Map<(u32, u32), Address> {
    rows.iter().filter(|row| row.kind == 'e').map(|row| ((row.from.0, row.from.1), row.to)).collect()
}

/// Returns the extensions on which objects depend by `DEPENDS ON EXTENSION`, by the addresses of the objects.
pub(super) fn required_extensions(
    rows: &[DependencyRow],
    objects: &[(Address, Object)],
) -> BTreeMap<Address, Vec<String>> {
    let mut required: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == 'x') {
        let extension = objects.iter().find(|(address, _)| *address == row.to);
        required
            .entry(row.from)
            .or_default()
            .extend(extension.map(|(_, object)| object.id.name().to_owned()));
    }
    for names in required.values_mut() {
        names.sort();
    }
    required
}

/// Returns the dependencies between objects of the catalog.
pub(super) fn resolve(
    rows: &[DependencyRow],
    addresses: &Map<Address, usize>,
    members: &Map<(u32, u32), Address>,
    catalog: &Catalog,
) -> Vec<Dependency> {
    let owners = owners(rows, addresses);
    let find = |address: Address| -> Option<usize> {
        let mut here = address;
        // Through several owners, as from the array type of the row type of a table. No chain is longer.
        for _ in 0..6 {
            if let Some(place) = addresses.get(&here).or_else(|| addresses.get(&(here.0, here.1, 0))) {
                return Some(*place);
            }
            if let Some(extension) = members.get(&(here.0, here.1)) {
                return addresses.get(extension).copied();
            }
            here = *owners.get(&(here.0, here.1))?;
        }
        None
    };
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        let recorded = match row.kind {
            'n' | 'x' | 'i' => DependencyKind::Normal,
            'a' => DependencyKind::Auto,
            'P' | 'S' => DependencyKind::Part,
            _ => continue,
        };
        if let (Some(from), Some(to)) = (find(row.from), find(row.to)) {
            let kind = effective_kind(recorded, *row, catalog.id(to).kind.get());
            list.push(Dependency { from, to, kind });
        }
    }
    mark_shell_dependencies(&mut list, catalog);
    list
}

/// Returns the owners of rows that are not objects of the catalog but belong to one: a row type to its table, a rule to
/// its view, an array type to its element type, an index to its constraint.
fn owners(rows: &[DependencyRow], addresses: &Map<Address, usize>) -> Map<(u32, u32), Address> {
    let mut owners: Map<(u32, u32), Address> = Map::default();
    for row in rows {
        let is_default = row.from.0 == SystemCatalog::ATTRDEF.oid && row.kind == 'a';
        let is_loose_member =
            row.kind == 'a' && row.to.0 == SystemCatalog::OPFAMILY.oid && is_member(row.from);
        if row.kind == 'i' || is_loose_member || is_default && !addresses.contains_key(&row.from) {
            owners.insert((row.from.0, row.from.1), row.to);
        }
    }
    owners
}

/// Returns the kind of a dependency as it affects modelled objects, given the kind that `pg_depend` records.
fn effective_kind(recorded: DependencyKind, row: DependencyRow, to: &Kind) -> DependencyKind {
    let is_column = row.from.2 != 0;
    if row.kind == 'i' && is_column && (row.from.0, row.from.1, 0) == row.to {
        return DependencyKind::Internal;
    }
    // In PostgreSQL 14 a generated column has an automatic dependency on the function in its expression.
    if row.kind == 'a'
        && row.from.0 == SystemCatalog::CLASS.oid
        && is_column
        && row.to.0 == SystemCatalog::PROC.oid
    {
        return DependencyKind::Normal;
    }
    // A member of an operator family depends on its function; the family or class does not.
    if is_member(row.from) {
        return DependencyKind::Normal;
    }
    // An index of a partition depends on the index of the parent table and on the partition. Cloned triggers and
    // foreign keys of partitions are not modelled.
    let is_index = to.has_index();
    if recorded == DependencyKind::Part && !is_index { DependencyKind::Auto } else { recorded }
}

/// Whether the row is a member of an operator family.
fn is_member(address: Address) -> bool {
    address.0 == SystemCatalog::AMOP.oid || address.0 == SystemCatalog::AMPROC.oid
}

/// Marks the dependencies on objects with a shell, such as base types, of the functions that define them: these are
/// dropped together.
fn mark_shell_dependencies(list: &mut [Dependency], catalog: &Catalog) {
    let has_shell = |place: usize| catalog.id(place).kind.get().has_shell;
    let defined_by: std::collections::BTreeSet<(usize, usize)> =
        list.iter().filter(|d| has_shell(d.from)).map(|d| (d.from, d.to)).collect();
    for dependency in list {
        if has_shell(dependency.to) && defined_by.contains(&(dependency.to, dependency.from)) {
            dependency.kind = DependencyKind::Auto;
        }
    }
}

/// Returns the dependencies that `pg_depend` does not record, which the kinds determine.
pub(super) fn implied(catalog: &Catalog) -> Vec<Dependency> {
    let mut list = Vec::new();
    for (from, object) in catalog.objects.values().enumerate() {
        for (id, kind) in (object.id.kind.get().unrecorded_dependencies)(object, catalog) {
            if let Some(to) = catalog.objects.get_index_of(&id) {
                list.push(Dependency { from, to, kind });
            }
        }
    }
    list
}
