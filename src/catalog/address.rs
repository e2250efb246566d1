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

/// The class in the addresses of objects that have no row of their own.
pub(super) const NO_CATALOG: u32 = 0;
