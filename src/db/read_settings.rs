//! The settings of a session that reads a catalog.

use crate::model::PgVersion;

/// Settings under which deparsed text means the same on every server: names are qualified, values are printed in one
/// format, limits of the role or the database do not apply, and row-level security raises an error instead of hiding
/// rows. [`read_settings`] adds those of later versions.
pub const READ_SETTINGS: &[(&str, &str)] = &[
    ("search_path", ""),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("lc_monetary", "C"),
    ("row_security", "off"),
    ("jit", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
];

/// Returns the statement that applies [`READ_SETTINGS`] on a server of this version. It is one statement because
/// fifteen take the server longer.
pub fn read_settings(version: PgVersion) -> String {
    let later: &[(&str, &str)] =
        if version >= PgVersion::V17 { &[("transaction_timeout", "0")] } else { &[] };
    let set = |(name, value): &(&str, &str)| format!("pg_catalog.set_config('{name}', '{value}', false)");
    let all: Vec<String> = READ_SETTINGS.iter().chain(later).map(set).collect();
    format!("SELECT {};\n", all.join(", "))
}
