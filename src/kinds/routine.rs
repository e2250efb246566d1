//! What functions and procedures have in common (`pg_proc`).

use super::common::{grants_column, owner_column};
use crate::model::kind::{Alteration, Attribute, Context, Kind, KindName, Namespace, ValueType};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::{Catalog, Object, ObjectId, Pair, Step, Value};
use crate::sql;

/// The arguments.
pub const ARGUMENTS: Attribute = Attribute::altered("arguments", ValueType::Expression, &REDEFINE)
    .doc("Argument list, with modes, names, types and defaults.");
/// The language.
pub const LANGUAGE: Attribute = Attribute::altered("language", ValueType::Name, &REDEFINE).doc("LANGUAGE.");
/// The body as a string.
pub const BODY: Attribute =
    Attribute::altered("body", ValueType::Text, &REDEFINE).doc("Body as a string (AS '...').");
/// The body as SQL.
pub const SQL_BODY: Attribute = Attribute::altered("sql_body", ValueType::Expression, &REDEFINE)
    .doc("SQL-standard body: RETURN expression, or BEGIN ATOMIC ... END.");
/// The object file.
pub const LIBRARY: Attribute = Attribute::altered("library", ValueType::Text, &REDEFINE)
    .doc("Object file that contains a C-language routine.");
/// Whose rights it has.
pub const SECURITY_DEFINER: Attribute =
    Attribute::altered("security_definer", ValueType::Flag, &REDEFINE).doc("SECURITY DEFINER.");
/// Transforms that it uses.
pub const TRANSFORMS: Attribute = Attribute::altered("transforms", ValueType::QualifiedNames, &REDEFINE)
    .doc("TRANSFORM: types whose transforms the routine uses.");
/// Configuration.
pub const SETTINGS: Attribute = Attribute::altered("settings", ValueType::Options, &REDEFINE)
    .doc("SET: configuration parameters while the routine runs.");
/// The arguments as statements name them.
pub const SIGNATURE: Attribute = Attribute::read_only("signature", ValueType::Expression)
    .doc("Argument list that includes OUT arguments, if procedures of the same name differ in them.");
/// Names and modes.
pub const INPUTS: Attribute =
    Attribute::read_only("inputs", ValueType::Texts).doc("Names and modes of the arguments.");
/// Defaults.
pub const DEFAULTS: Attribute =
    Attribute::read_only("defaults", ValueType::Number).doc("Number of arguments that have a default.");
/// The arguments of a stand-in.
pub const STAND_IN: Attribute = Attribute::read_only("stand_in", ValueType::Expression)
    .doc("Argument list with placeholder defaults, for creating the routine before objects that its defaults need.");
/// Whether it calls itself.
pub const NEEDS_ITSELF: Attribute = Attribute::read_only("needs_itself", ValueType::Flag)
    .doc("Whether the body or an argument's default calls the routine itself.");

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
        (
            "stand_in",
            "CASE WHEN p.pronargdefaults > 0 THEN (SELECT string_agg(concat_ws(' ', \
             CASE m WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 'v' THEN 'VARIADIC' END, \
             CASE WHEN a.n <> '' THEN quote_ident(a.n) END, format_type(a.t, NULL), \
             'DEFAULT ' || CASE WHEN pg_get_function_arg_default(p.oid, a.i::int) IS NULL THEN NULL \
             WHEN t.typtype = 'p' THEN pg_get_function_arg_default(p.oid, a.i::int) \
             ELSE 'NULL::' || format_type(a.t, NULL) END), ', ' ORDER BY a.i) \
             FROM unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames) \
             WITH ORDINALITY AS a(t, m, n, i) JOIN pg_type t ON t.oid = a.t WHERE m IS DISTINCT FROM 't') END",
        ),
        (
            "needs_itself",
            "(p.pronargdefaults > 0 OR p.prosqlbody IS NOT NULL) AND EXISTS (SELECT FROM pg_depend d \
             WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = d.classid AND d.refobjid = d.objid)",
        ),
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

/// The statements that bring a routine. Those that need each other begin as ones that need nothing.
pub fn create(routine: &Object, word: &str, context: &Context) -> Vec<Step> {
    let id = &routine.id;
    if !stands_in_circle(routine, context.sides.after) {
        return vec![Step::create(id, definition(routine, "CREATE", word))];
    }
    vec![
        declare(routine, "CREATE", word, context),
        Step::create(id, definition(routine, "CREATE OR REPLACE", word)),
    ]
}

/// Routines that need each other end as they began.
pub fn leave(routine: &Object, word: &str, context: &Context) -> Vec<Step> {
    if !stands_in_circle(routine, context.sides.before) {
        return Vec::new();
    }
    vec![Step::release(&routine.id, definition(&stand_in(routine), "CREATE OR REPLACE", word))]
}

/// The step that brings a stand-in, for which the types of its arguments must be there.
fn declare(routine: &Object, verb: &str, word: &str, context: &Context) -> Step {
    let after = context.sides.after;
    let is_type = |id: &ObjectId| id.kind.get().namespaces.contains(&Namespace::Types);
    let types = after.dependencies_of(&routine.id).map(|(id, _)| id);
    let types = types.filter(|id| is_type(id) && !after.depends_on(id, &routine.id));
    let step = Step::declare(&routine.id, definition(&stand_in(routine), verb, word));
    types.cloned().fold(step, Step::requires)
}

/// Whether a routine needs itself other than through what has a stand-in of its own.
fn stands_in_circle(routine: &Object, catalog: &Catalog) -> bool {
    let has_stand_in = |id: &ObjectId| id.kind == KindName::View || id.kind.get().has_shell;
    let dissolves = !routine.text("sql_body").is_empty() || !routine.text("stand_in").is_empty();
    dissolves
        && (routine.flag("needs_itself")
            || catalog.depends_on_avoiding(&routine.id, &routine.id, &has_stand_in))
}

/// The same routine without what its body and its defaults need. Nobody means to call it; a call that happens
/// all the same fails rather than store what it made up.
fn stand_in(routine: &Object) -> Object {
    let mut stand_in = routine.clone();
    if !routine.text("stand_in").is_empty() {
        stand_in.set("arguments", Value::Text(routine.text("stand_in").into()));
    }
    if !routine.text("sql_body").is_empty() {
        stand_in.unset("sql_body");
        stand_in.set("language", Value::Text("plpgsql".into()));
        stand_in.set("body", Value::Text("BEGIN RAISE 'stand-in'; END".into()));
    }
    stand_in
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
    steps: |routine, context| {
        if !can_replace(routine) {
            return None;
        }
        let id = &routine.after.id;
        let word = if id.kind == KindName::Procedure { "PROCEDURE" } else { "FUNCTION" };
        let mut steps = Vec::new();
        // The others may count on a default that there was not.
        let calls = |side: &Object| side.int("defaults");
        if calls(routine.before) != calls(routine.after)
            && stands_in_circle(routine.after, context.sides.after)
        {
            steps.push(declare(routine.after, "CREATE OR REPLACE", word, context));
        }
        steps.push(Step::alter(id, definition(routine.after, "CREATE OR REPLACE", word)));
        Some(steps)
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
