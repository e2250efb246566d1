//! Pieces of the kinds' queries: names as SQL that need no search path.

/// The name of a routine by its OID; NULL for none.
pub fn routine(oid: &str) -> String {
    format!("NULLIF({oid}::oid, 0)::regproc::text")
}

/// The name of a routine with the types of its arguments; NULL for none.
pub fn routine_with_types(oid: &str) -> String {
    format!("NULLIF({oid}::oid, 0)::regprocedure::text")
}

/// A type's name by its OID; NULL for none.
pub fn type_name(oid: &str) -> String {
    format!("CASE WHEN {oid} <> 0 THEN format_type({oid}, NULL) END")
}

/// An operator as `OPERATOR(schema.name)`; NULL for none. One that is only promised is told too.
pub fn operator(oid: &str) -> String {
    format!(
        "(SELECT 'OPERATOR(' || quote_ident(yn.nspname) || '.' || y.oprname || ')' FROM pg_operator y \
         JOIN pg_namespace yn ON yn.oid = y.oprnamespace WHERE y.oid = {oid})"
    )
}

/// The qualified name of a row of a catalog whose names live in schemas; `prefix` is that of its columns.
pub fn in_schema(catalog: &str, prefix: &str, oid: &str) -> String {
    format!(
        "(SELECT quote_ident(yn.nspname) || '.' || quote_ident(y.{prefix}name) FROM {catalog} y \
         JOIN pg_namespace yn ON yn.oid = y.{prefix}namespace WHERE y.oid = {oid})"
    )
}

/// Leaves out what the server makes along with something else, such as the constructors of a range type.
pub fn no_internals(catalog: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend yd WHERE yd.classid = '{catalog}'::regclass AND yd.objid = {oid} \
         AND yd.deptype = 'i')"
    )
}
