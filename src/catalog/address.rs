//! Addresses of rows of system catalogs, as `pg_depend` gives them.

use crate::db::Row;

/// The address of an object: system catalog (class), OID and column number.
pub(super) type Address = (u32, u32, i32);

/// Reads an address from the first three columns of a row.
pub(super) fn address(row: &Row) -> Address {
    address_at(row, 0)
}

/// Reads an address from three columns of a row.
pub(super) fn address_at(row: &Row, first: usize) -> Address {
    let text = |i: usize| row.get(first + i).unwrap_or_default();
    (text(0).parse().unwrap_or(0), text(1).parse().unwrap_or(0), text(2).parse().unwrap_or(0))
}

/// The OID of no system catalog, for kinds whose objects have no row of their own.
pub(super) const NO_CATALOG: u32 = 0;

pub(super) const PG_AMOP: u32 = 2602;
pub(super) const PG_AMPROC: u32 = 2603;
pub(super) const PG_ATTRDEF: u32 = 2604;
pub(super) const PG_CLASS: u32 = 1259;
pub(super) const PG_NAMESPACE: u32 = 2615;
pub(super) const PG_OPFAMILY: u32 = 2753;
pub(super) const PG_PROC: u32 = 1255;

/// The OIDs of system catalogs, which are the same in all major versions.
const OIDS: &[(&str, u32)] = &[
    ("pg_default_acl", 826),
    ("pg_type", 1247),
    ("pg_proc", PG_PROC),
    ("pg_class", PG_CLASS),
    ("pg_foreign_server", 1417),
    ("pg_user_mapping", 1418),
    ("pg_foreign_data_wrapper", 2328),
    ("pg_am", 2601),
    ("pg_amop", PG_AMOP),
    ("pg_amproc", PG_AMPROC),
    ("pg_attrdef", PG_ATTRDEF),
    ("pg_cast", 2605),
    ("pg_constraint", 2606),
    ("pg_conversion", 2607),
    ("pg_language", 2612),
    ("pg_namespace", PG_NAMESPACE),
    ("pg_opclass", 2616),
    ("pg_operator", 2617),
    ("pg_rewrite", 2618),
    ("pg_trigger", 2620),
    ("pg_opfamily", PG_OPFAMILY),
    ("pg_extension", 3079),
    ("pg_policy", 3256),
    ("pg_statistic_ext", 3381),
    ("pg_collation", 3456),
    ("pg_event_trigger", 3466),
    ("pg_transform", 3576),
    ("pg_ts_dict", 3600),
    ("pg_ts_parser", 3601),
    ("pg_ts_config", 3602),
    ("pg_ts_template", 3764),
    ("pg_subscription", 6100),
    ("pg_publication", 6104),
    ("pg_publication_rel", 6106),
    ("pg_publication_namespace", 6237),
];

/// Returns the OID of a system catalog, or [`NO_CATALOG`] if the name is empty.
///
/// # Panics
/// Panics if the catalog is not listed.
pub(super) fn class(catalog: &str) -> u32 {
    if catalog.is_empty() {
        return NO_CATALOG;
    }
    let known = OIDS.iter().find(|(name, _)| *name == catalog);
    known.expect("the system catalogs of all kinds are listed, as a test checks").1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KindName;

    #[test]
    fn system_catalogs_of_all_kinds_are_listed() {
        for kind in KindName::ALL {
            class(kind.get().catalog);
        }
    }
}
