//! What functions and procedures have in common (`pg_proc`).

use super::common::{grants_column, owner_column};
use super::{Alteration, Attribute, Kind, Type};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::{Object, Pair, Step, Value};
use crate::sql;

/// The arguments.
pub const ARGUMENTS: Attribute =
    Attribute::altered("arguments", Type::Expression, &REDEFINE).doc("The arguments as they are declared.");
/// The language.
pub const LANGUAGE: Attribute = Attribute::altered("language", Type::Name, &REDEFINE).doc("The language.");
/// The body as a string.
pub const BODY: Attribute =
    Attribute::altered("body", Type::Text, &REDEFINE).doc("The body as a string, byte for byte.");
/// The body as SQL.
pub const SQL_BODY: Attribute =
    Attribute::altered("sql_body", Type::Expression, &REDEFINE).doc("The body in the SQL standard's form.");
/// The object file.
pub const LIBRARY: Attribute =
    Attribute::altered("library", Type::Text, &REDEFINE).doc("The object file of a routine in C.");
/// Whose rights it has.
pub const SECURITY_DEFINER: Attribute =
    Attribute::altered("security_definer", Type::Flag, &REDEFINE).doc("Whether it runs as its owner.");
/// Transforms that it uses.
pub const TRANSFORMS: Attribute =
    Attribute::altered("transforms", Type::QualifiedNames, &REDEFINE).doc("Types that are transformed.");
/// Configuration.
pub const SETTINGS: Attribute =
    Attribute::altered("settings", Type::Options, &REDEFINE).doc("Configuration while it runs.");
/// The arguments as statements name them.
pub const SIGNATURE: Attribute = Attribute::noted("signature", Type::Expression)
    .doc("The arguments with those that only go out, where procedures of the name differ in them.");
/// Names and modes.
pub const INPUTS: Attribute =
    Attribute::noted("inputs", Type::Texts).doc("Names and modes of the arguments; they follow from them.");
/// Defaults.
pub const DEFAULTS: Attribute =
    Attribute::noted("defaults", Type::Number).doc("How many arguments have a default.");

/// Routines of these sorts (`pg_proc.prokind`), as far as the kind has attributes for what they are.
pub fn query(kind: &Kind, sorts: &str) -> String {
    let columns: String = [
        ("arguments", "pg_get_function_arguments(p.oid)"),
        ("returns", "pg_get_function_result(p.oid)"),
        ("language", "l.lanname"),
        ("body", "CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END"),
        ("sql_body", "CASE WHEN p.prosqlbody IS NOT NULL THEN pg_get_function_sqlbody(p.oid) END"),
        ("library", "p.probin"),
        ("window", "p.prokind = 'w'"),
        ("volatility", "CASE p.provolatile WHEN 's' THEN 'stable' WHEN 'i' THEN 'immutable' END"),
        ("strict", "p.proisstrict"),
        ("security_definer", "p.prosecdef"),
        ("leakproof", "p.proleakproof"),
        ("parallel", "CASE p.proparallel WHEN 'r' THEN 'restricted' WHEN 's' THEN 'safe' END"),
        (
            "cost",
            "CASE WHEN p.procost <> CASE WHEN l.lanname IN ('c', 'internal') THEN 1 ELSE 100 END THEN p.procost::text END",
        ),
        ("rows", "CASE WHEN p.prorows <> CASE WHEN p.proretset THEN 1000 ELSE 0 END THEN p.prorows::text END"),
        (
            "support",
            "CASE WHEN p.prosupport <> 0 THEN (SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.proname) FROM pg_proc s \
             JOIN pg_namespace sn ON sn.oid = s.pronamespace WHERE s.oid = p.prosupport) END",
        ),
        (
            "transforms",
            "CASE WHEN p.protrftypes IS NOT NULL THEN ARRAY(SELECT format_type(t, NULL) FROM unnest(p.protrftypes) AS t) END",
        ),
        ("settings", "p.proconfig"),
        (
            "inputs",
            "ARRAY(SELECT COALESCE(p.proargmodes[i]::text, 'i') || ':' || COALESCE(p.proargnames[i], '') \
             FROM generate_series(1, GREATEST(p.pronargs, array_length(p.proargmodes, 1))) AS i)",
        ),
        (
            "signature",
            "CASE WHEN p.prokind = 'p' AND EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace = p.pronamespace \
             AND o.proname = p.proname AND o.prokind = 'p' AND 'o' = ANY (o.proargmodes)) \
             THEN pg_get_function_identity_arguments(p.oid) END",
        ),
        ("defaults", "NULLIF(p.pronargdefaults, 0)"),
    ]
    .iter()
    .filter(|(name, _)| kind.attribute(name).is_some())
    .fold(String::new(), |list, (name, column)| list + ", " + column + " AS " + name);
    format!(
        "SELECT p.oid, n.nspname AS p1, p.proname AS p2, oidvectortypes(p.proargtypes) AS p3{columns}, \
         {} AS owner, {} AS grants \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
         WHERE p.prokind IN ({sorts}) AND p.oid >= 16384 AND {}",
        owner_column("p.proowner"),
        grants_column("p.proacl", 'f', "p.proowner"),
        super::catalog_text::no_internals("pg_proc", "p.oid"),
    )
}

/// A routine as statements about it name it.
pub fn reference(routine: &Object, word: &str) -> Sql {
    let signature = routine.text("signature");
    let types = routine.id.arguments().unwrap_or_default();
    let arguments = Sql::trusted(if signature.is_empty() { types } else { signature });
    sql!("{} {}({})", Sql::trusted(word), routine.id.qualified(), arguments)
}

/// The whole definition.
pub fn definition(routine: &Object, verb: &str, word: &str) -> Sql {
    let QualifiedName { schema, name } = routine.id.qualified();
    let name = sql!("{}.{}", Ident(schema), Ident(name));
    let (verb, word) = (Sql::trusted(verb), Sql::trusted(word));
    let mut sql = sql!("{} {} {}({})", verb, word, name, Expression(routine.text("arguments")));
    let mut line = |clause: Sql| sql = Sql::trusted(format!("{sql}\n    {clause}"));
    if !routine.text("returns").is_empty() {
        line(sql!("RETURNS {}", Expression(routine.text("returns"))));
    }
    line(sql!("LANGUAGE {}", Ident(routine.text("language"))));
    if !routine.list("transforms").is_empty() {
        let types = routine.list("transforms").iter().map(|ty| sql!("FOR TYPE {}", Expression(ty)));
        line(sql!("TRANSFORM {}", Sql::join(&types.collect::<Vec<_>>(), ", ")));
    }
    for (flag, words) in [
        ("window", "WINDOW"),
        ("strict", "STRICT"),
        ("security_definer", "SECURITY DEFINER"),
        ("leakproof", "LEAKPROOF"),
    ] {
        if routine.flag(flag) {
            line(Sql::trusted(words));
        }
    }
    if !routine.text("volatility").is_empty() {
        line(Sql::trusted(routine.text("volatility").to_uppercase()));
    }
    for (attribute, word) in
        [("parallel", "PARALLEL"), ("cost", "COST"), ("rows", "ROWS"), ("support", "SUPPORT")]
    {
        if !routine.text(attribute).is_empty() {
            let value = routine.text(attribute);
            let value = if attribute == "parallel" { value.to_uppercase() } else { value.to_owned() };
            line(sql!("{} {}", Sql::trusted(word), Expression(&value)));
        }
    }
    for (name, value) in routine.map("settings") {
        line(setting(name, value));
    }
    let (library, body) = (routine.text("library"), routine.text("body"));
    if !routine.text("sql_body").is_empty() {
        line(sql!("{}", Expression(routine.text("sql_body"))));
    } else if library.is_empty() {
        line(sql!("AS {}", DollarQuoted(body)));
    } else {
        line(sql!("AS {}, {}", Literal(library), Literal(body)));
    }
    sql
}

/// `SET name TO value`. Of the parameters that hold lists of names each name is a constant of its own.
fn setting(name: &str, value: &Value) -> Sql {
    const LISTS: [&str; 6] = [
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ];
    let value = value.to_string();
    if !LISTS.contains(&name) {
        return sql!("SET {} TO {}", parameter(name), Literal(&value));
    }
    let names: Vec<Sql> = split_names(&value).iter().map(|name| sql!("{}", Literal(name))).collect();
    sql!("SET {} TO {}", parameter(name), if names.is_empty() { sql!("''") } else { Sql::join(&names, ", ") })
}

/// A parameter's name; one with a dot is of an extension.
fn parameter(name: &str) -> Sql {
    let parts: Vec<Sql> = name.split('.').map(|part| sql!("{}", Ident(part))).collect();
    Sql::join(&parts, ".")
}

/// Names between commas, some of them in double quotes.
fn split_names(text: &str) -> Vec<String> {
    let (mut names, mut name, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                name.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => names.push(std::mem::take(&mut name)),
            c if c.is_whitespace() && !quoted => {}
            c => name.push(c),
        }
    }
    if !name.is_empty() || !names.is_empty() || text.contains('"') {
        names.push(name);
    }
    names
}

/// Whether `CREATE OR REPLACE` can lead from the one to the other: inputs keep their names and defaults.
fn can_replace(routine: Pair<&Object>) -> bool {
    let (before, after) = (routine.before.list("inputs"), routine.after.list("inputs"));
    let kept = before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|(was, is)| was == is || was.ends_with(':') && is.starts_with(was.as_str()));
    let defaults = |side: &Object| side.int("defaults").unwrap_or(0);
    kept && defaults(routine.before) <= defaults(routine.after)
}

/// `CREATE OR REPLACE`, where it can lead there.
pub static REDEFINE: Alteration = Alteration {
    name: "redefine",
    steps: |routine, _| {
        if !can_replace(routine) {
            return None;
        }
        let word = if routine.after.id.kind == super::KindName::Procedure { "PROCEDURE" } else { "FUNCTION" };
        let sql = definition(routine.after, "CREATE OR REPLACE", word);
        Some(vec![Step::alter(&routine.after.id, sql)])
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_list_are_cut_as_the_server_quotes_them() {
        assert_eq!(split_names("app, public"), ["app", "public"]);
        assert_eq!(split_names("\"a,\"\"b\", pg_temp"), ["a,\"b", "pg_temp"]);
        assert_eq!(split_names("\"\""), [""]);
        assert!(split_names("").is_empty());
    }
}
