//! Who depends on whom, from `pg_depend` and from what it does not record.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap as Map;

use super::Address;
use crate::db::Row;
use crate::model::kind::{Namespace, SystemCatalog};
use crate::model::{Catalog, Dependency, DependencyKind, Object, PgVersion};

/// All dependencies between objects that are not the system's own.
pub(super) fn query(version: PgVersion) -> String {
    // The triggers that a constraint is made of are no objects here, and a foreign key has four.
    // From 18 on there are as many NOT NULL constraints as columns, and they are their columns' affair.
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
pub(super) struct Edge {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) kind: char,
}

impl From<&Row> for Edge {
    fn from(row: &Row) -> Self {
        let number = |i: usize| row.get(i).and_then(|text| text.parse().ok()).unwrap_or(0);
        let sub = |i: usize| row.get(i).and_then(|text| text.parse().ok()).unwrap_or(0);
        Self {
            from: (number(0), number(1), sub(2)),
            to: (number(3), number(4), sub(5)),
            kind: row.get(6).and_then(|text| text.chars().next()).unwrap_or('n'),
        }
    }
}

/// Members of extensions, with the address of their extension.
pub(super) fn extension_members(edges: &[Edge]) -> Map<(u32, u32), Address> {
    edges.iter().filter(|edge| edge.kind == 'e').map(|edge| ((edge.from.0, edge.from.1), edge.to)).collect()
}

/// The extensions that objects were told to go with (`DEPENDS ON EXTENSION`), by the objects' addresses.
pub(super) fn extensions_relied_on(
    edges: &[Edge],
    objects: &[(Address, Object)],
) -> BTreeMap<Address, Vec<String>> {
    let mut relied_on: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.kind == 'x') {
        let extension = objects.iter().find(|(address, _)| *address == edge.to);
        relied_on
            .entry(edge.from)
            .or_default()
            .extend(extension.map(|(_, object)| object.id.name().to_owned()));
    }
    for names in relied_on.values_mut() {
        names.sort();
    }
    relied_on
}

/// Dependencies between objects of the catalog.
pub(super) fn resolve(
    edges: &[Edge],
    addresses: &Map<Address, usize>,
    members: &Map<(u32, u32), Address>,
    catalog: &Catalog,
) -> Vec<Dependency> {
    // An object that is no object of ours is part of one: a row type of its table, a view's rule of the
    // view, an array type of its element, an index of its constraint.
    let mut owners: Map<(u32, u32), Address> = Map::default();
    for edge in edges {
        let generated = edge.from.0 == SystemCatalog::ATTRDEF.oid && edge.kind == 'a';
        let loose_member =
            edge.kind == 'a' && edge.to.0 == SystemCatalog::OPFAMILY.oid && is_member(edge.from);
        if edge.kind == 'i' || loose_member || generated && !addresses.contains_key(&edge.from) {
            owners.insert((edge.from.0, edge.from.1), edge.to);
        }
    }
    let find = |address: Address| -> Option<usize> {
        let mut here = address;
        // Parts of parts: an array of a row type of a table. No chain is longer than this.
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
    let mut list = Vec::with_capacity(edges.len());
    for edge in edges {
        let kind = match edge.kind {
            'n' | 'x' | 'i' => DependencyKind::Normal,
            'a' => DependencyKind::Auto,
            'P' | 'S' => DependencyKind::Part,
            _ => continue,
        };
        if let (Some(from), Some(to)) = (find(edge.from), find(edge.to)) {
            // Shares hang off the whole and off their partition; triggers' clones and keys' pieces are no
            // objects here.
            let spaces = catalog.id(to).kind.get().namespaces;
            let whole = spaces.contains(&Namespace::Relations) && !spaces.contains(&Namespace::Types);
            let kind = if kind == DependencyKind::Part && !whole { DependencyKind::Auto } else { kind };
            // A member goes with its function; the family or class of which it is part does not.
            let kind = if is_member(edge.from) { DependencyKind::Normal } else { kind };
            // 14 lets a generated column go with the function that computes it.
            let computed = edge.kind == 'a' && edge.from.0 == SystemCatalog::CLASS.oid && edge.from.2 != 0;
            let kind =
                if computed && edge.to.0 == SystemCatalog::PROC.oid { DependencyKind::Normal } else { kind };
            let key = edge.kind == 'i' && edge.from.2 != 0 && (edge.from.0, edge.from.1, 0) == edge.to;
            let kind = if key { DependencyKind::Internal } else { kind };
            list.push(Dependency { from, to, kind });
        }
    }
    tie(&mut list, catalog);
    list
}

/// Whether the row is a member of an operator family.
fn is_member(address: Address) -> bool {
    address.0 == SystemCatalog::AMOP.oid || address.0 == SystemCatalog::AMPROC.oid
}

/// What a declarable object is made of, and what at the same time names it, can only go with it.
fn tie(list: &mut [Dependency], catalog: &Catalog) {
    let declarable = |place: usize| catalog.id(place).kind.get().has_shell;
    let made_of: std::collections::BTreeSet<(usize, usize)> =
        list.iter().filter(|d| declarable(d.from)).map(|d| (d.from, d.to)).collect();
    for dependency in list {
        if declarable(dependency.to) && made_of.contains(&(dependency.to, dependency.from)) {
            dependency.kind = DependencyKind::Auto;
        }
    }
}

/// Dependencies that the kinds know of.
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
