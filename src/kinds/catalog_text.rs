//! Parts of the kinds' queries: names as SQL that do not depend on the search path.

/// The name of the routine with this OID, or NULL if it is 0.
pub fn routine(oid: &str) -> String {
    format!("NULLIF({oid}::oid, 0)::regproc::text")
}

/// The name of the routine with this OID and its argument types, or NULL if it is 0.
pub fn routine_with_types(oid: &str) -> String {
    format!("NULLIF({oid}::oid, 0)::regprocedure::text")
}

/// The name of the data type with this OID, or NULL if it is 0.
pub fn type_name(oid: &str) -> String {
    format!("CASE WHEN {oid} <> 0 THEN format_type({oid}, NULL) END")
}

/// The operator with this OID as `OPERATOR(schema.name)`, or NULL. Shell operators are included.
pub fn operator(oid: &str) -> String {
    format!(
        "(SELECT 'OPERATOR(' || quote_ident(yn.nspname) || '.' || y.oprname || ')' FROM pg_operator y \
         JOIN pg_namespace yn ON yn.oid = y.oprnamespace WHERE y.oid = {oid})"
    )
}

/// The schema-qualified name of the row with this OID. `prefix` is the prefix of the catalog's columns.
pub fn in_schema(catalog: &str, prefix: &str, oid: &str) -> String {
    format!(
        "(SELECT quote_ident(yn.nspname) || '.' || quote_ident(y.{prefix}name) FROM {catalog} y \
         JOIN pg_namespace yn ON yn.oid = y.{prefix}namespace WHERE y.oid = {oid})"
    )
}

/// The condition that excludes objects which the server creates as part of another one, such as the constructors of a
/// range type.
pub fn no_internals(catalog: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend yd WHERE yd.classid = '{catalog}'::regclass AND yd.objid = {oid} \
         AND yd.deptype = 'i')"
    )
}
