//! Who depends on whom, from `pg_depend` and from what it does not record.

use std::collections::HashMap as Map;

use super::Address;
use crate::db::Row;
use crate::kinds::Namespace;
use crate::model::{Catalog, Dependency, DependencyKind};

/// All dependencies between objects that are not the system's own.
pub(super) const QUERY: &str = "SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype \
    FROM pg_depend WHERE objid >= 16384 AND (refobjid >= 16384 \
    OR refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace OR deptype = 'e' \
    OR refclassid = 'pg_extension'::regclass)";

/// A row of `pg_depend`.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    from: Address,
    to: Address,
    kind: char,
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

/// OIDs of system catalogs. They are part of PostgreSQL's on-disk format and the same in every major.
pub(super) fn class(catalog: &str) -> u32 {
    match catalog {
        "pg_type" => 1247,
        "pg_proc" => 1255,
        "pg_class" => 1259,
        "pg_attrdef" => 2604,
        "pg_constraint" => 2606,
        "pg_namespace" => 2615,
        "pg_rewrite" => 2618,
        "pg_trigger" => 2620,
        "pg_extension" => 3079,
        "pg_policy" => 3256,
        _ => 0,
    }
}

/// Members of extensions, with the address of their extension.
pub(super) fn extension_members(edges: &[Edge]) -> Map<(u32, u32), Address> {
    edges.iter().filter(|edge| edge.kind == 'e').map(|edge| ((edge.from.0, edge.from.1), edge.to)).collect()
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
    let mut owners: Map<(u32, u32), Address> = Map::new();
    for edge in edges {
        let generated = edge.from.0 == class("pg_attrdef") && edge.kind == 'a';
        if edge.kind == 'i' || generated && !addresses.contains_key(&edge.from) {
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
            list.push(Dependency { from, to, kind });
        }
    }
    list
}

/// Dependencies that the kinds know of.
pub(super) fn implied(catalog: &Catalog) -> Vec<Dependency> {
    let mut list = Vec::new();
    for (from, object) in catalog.objects.values().enumerate() {
        for (id, kind) in (object.id.kind.get().depends)(object, catalog) {
            if let Some(to) = catalog.objects.get_index_of(&id) {
                list.push(Dependency { from, to, kind });
            }
        }
    }
    list
}
