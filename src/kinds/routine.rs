//! Attributes and statements of functions and procedures (`pg_proc`).

use super::common::{grants_column, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, KindName, Namespace, ValueType,
};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::{Catalog, Object, ObjectId, Pair, Phase, Step, Value};
use crate::sql;

attribute_names! {
    LANGUAGE = "language",
    BODY = "body",
    SQL_BODY = "sql_body",
    LIBRARY = "library",
    SECURITY_DEFINER = "security_definer",
    TRANSFORMS = "transforms",
    SETTINGS = "settings",
    INPUTS = "inputs",
    DEFAULTS = "defaults",
    STAND_IN = "stand_in",
    NEEDS_ITSELF = "needs_itself",
}

/// The argument list.
pub const ARGUMENTS: Attribute =
    Attribute::altered(AttributeName::ARGUMENTS, ValueType::Expression, &REDEFINE)
        .doc("Argument list, with modes, names, types and defaults.");
/// The language.
pub const LANGUAGE: Attribute =
    Attribute::altered(AttributeName::LANGUAGE, ValueType::Name, &REDEFINE).doc("LANGUAGE.");
/// The body as a string.
pub const BODY: Attribute =
    Attribute::altered(AttributeName::BODY, ValueType::Text, &REDEFINE).doc("Body as a string (AS '...').");
/// The body in the form of the SQL standard.
pub const SQL_BODY: Attribute = Attribute::altered(AttributeName::SQL_BODY, ValueType::Expression, &REDEFINE)
    .doc("SQL-standard body: RETURN expression, or BEGIN ATOMIC ... END.");
/// The object file of a C-language routine.
pub const LIBRARY: Attribute = Attribute::altered(AttributeName::LIBRARY, ValueType::Text, &REDEFINE)
    .doc("Object file that contains a C-language routine.");
/// Whether the routine runs with the privileges of its owner.
pub const SECURITY_DEFINER: Attribute =
    Attribute::altered(AttributeName::SECURITY_DEFINER, ValueType::Flag, &REDEFINE).doc("SECURITY DEFINER.");
/// The types whose transforms it uses.
pub const TRANSFORMS: Attribute =
    Attribute::altered(AttributeName::TRANSFORMS, ValueType::QualifiedNames, &REDEFINE)
        .doc("TRANSFORM: types whose transforms the routine uses.");
/// Configuration parameters that are set while it runs.
pub const SETTINGS: Attribute = Attribute::altered(AttributeName::SETTINGS, ValueType::Options, &REDEFINE)
    .doc("SET: configuration parameters while the routine runs.");
/// The argument list by which statements refer to it.
pub const SIGNATURE: Attribute = Attribute::read_only(AttributeName::SIGNATURE, ValueType::Expression).doc(
    "Argument list that includes OUT arguments, if procedures of the same name differ in \
             them.",
);
/// The names and modes of the arguments.
pub const INPUTS: Attribute =
    Attribute::read_only(AttributeName::INPUTS, ValueType::Texts).doc("Names and modes of the arguments.");
/// The number of defaults.
pub const DEFAULTS: Attribute = Attribute::read_only(AttributeName::DEFAULTS, ValueType::Number)
    .doc("Number of arguments that have a default.");
/// The argument list of a stand-in.
pub const STAND_IN: Attribute = Attribute::read_only(AttributeName::STAND_IN, ValueType::Expression).doc(
    "Argument list with stand-in defaults, for creating the routine before objects that \
             its defaults need.",
);
/// Whether it depends on itself.
pub const NEEDS_ITSELF: Attribute = Attribute::read_only(AttributeName::NEEDS_ITSELF, ValueType::Flag)
    .doc("Whether the body or an argument's default calls the routine itself.");

/// The columns of the query by attribute.
const COLUMNS: &[(AttributeName, &str)] = &[
    (AttributeName::ARGUMENTS, "pg_get_function_arguments(p.oid)"),
    (AttributeName::RETURNS, "pg_get_function_result(p.oid)"),
    (AttributeName::LANGUAGE, "l.lanname"),
    (AttributeName::BODY, "CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END"),
    (AttributeName::SQL_BODY, "CASE WHEN p.prosqlbody IS NOT NULL THEN pg_get_function_sqlbody(p.oid) END"),
    (AttributeName::LIBRARY, "p.probin"),
    (AttributeName::WINDOW, "p.prokind = 'w'"),
    (AttributeName::VOLATILITY, "CASE p.provolatile WHEN 's' THEN 'stable' WHEN 'i' THEN 'immutable' END"),
    (AttributeName::STRICT, "p.proisstrict"),
    (AttributeName::SECURITY_DEFINER, "p.prosecdef"),
    (AttributeName::LEAKPROOF, "p.proleakproof"),
    (AttributeName::PARALLEL, "CASE p.proparallel WHEN 'r' THEN 'restricted' WHEN 's' THEN 'safe' END"),
    (
        AttributeName::COST,
        "CASE WHEN p.procost <> CASE WHEN l.lanname IN ('c', 'internal') THEN 1 ELSE 100 END THEN p.procost::text END",
    ),
    (
        AttributeName::ROWS,
        "CASE WHEN p.prorows <> CASE WHEN p.proretset THEN 1000 ELSE 0 END THEN p.prorows::text END",
    ),
    (
        AttributeName::SUPPORT,
        "CASE WHEN p.prosupport <> 0 THEN (SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.proname) FROM pg_proc s \
         JOIN pg_namespace sn ON sn.oid = s.pronamespace WHERE s.oid = p.prosupport) END",
    ),
    (
        AttributeName::TRANSFORMS,
        "CASE WHEN p.protrftypes IS NOT NULL THEN ARRAY(SELECT format_type(t, NULL) FROM unnest(p.protrftypes) AS t) END",
    ),
    (AttributeName::SETTINGS, "p.proconfig"),
    (
        AttributeName::INPUTS,
        "ARRAY(SELECT COALESCE(p.proargmodes[i]::text, 'i') || ':' || COALESCE(p.proargnames[i], '') \
         FROM generate_series(1, GREATEST(p.pronargs, array_length(p.proargmodes, 1))) AS i)",
    ),
    (
        AttributeName::SIGNATURE,
        "CASE WHEN p.prokind = 'p' AND EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace = p.pronamespace \
         AND o.proname = p.proname AND o.prokind = 'p' AND 'o' = ANY (o.proargmodes)) \
         THEN pg_get_function_identity_arguments(p.oid) END",
    ),
    (AttributeName::DEFAULTS, "NULLIF(p.pronargdefaults, 0)"),
    (
        AttributeName::STAND_IN,
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
        AttributeName::NEEDS_ITSELF,
        "(p.pronargdefaults > 0 OR p.prosqlbody IS NOT NULL) AND EXISTS (SELECT FROM pg_depend d \
         WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = d.classid AND d.refobjid = d.objid)",
    ),
];

/// Returns the query for routines with these values of `prokind`. It has those columns for which the kind has attributes.
pub fn query(kind: &Kind, prokinds: &str) -> String {
    let columns = COLUMNS.iter().filter(|(name, _)| kind.attribute(*name).is_some());
    let columns: String = columns.map(|(name, column)| format!(", {column} AS {name}")).collect();
    format!(
        "SELECT p.oid, n.nspname AS p1, p.proname AS p2, oidvectortypes(p.proargtypes) AS p3{columns}, \
         {} AS owner, {} AS grants \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
         WHERE p.prokind IN ({prokinds}) AND p.oid >= 16384 AND {}",
        owner_column("p.proowner"),
        grants_column("p.proacl", 'f', "p.proowner"),
        super::catalog_text::no_internals("pg_proc", "p.oid"),
    )
}

/// The routine as statements refer to it.
pub fn reference(routine: &Object, word: &str) -> Sql {
    let signature = routine.text(AttributeName::SIGNATURE);
    let types = routine.id.arguments().unwrap_or_default();
    let arguments = Sql::trusted(if signature.is_empty() { types } else { signature });
    sql!("{} {}({})", Sql::trusted(word), routine.id.qualified(), arguments)
}

/// The complete definition.
pub fn definition(routine: &Object, verb: &str, word: &str) -> Sql {
    let QualifiedName { schema, name } = routine.id.qualified();
    let name = sql!("{}.{}", Ident(schema), Ident(name));
    let (verb, word) = (Sql::trusted(verb), Sql::trusted(word));
    let mut sql = sql!("{} {} {}({})", verb, word, name, Expression(routine.text(AttributeName::ARGUMENTS)));
    let mut line = |clause: Sql| sql = Sql::trusted(format!("{sql}\n    {clause}"));
    if !routine.text(AttributeName::RETURNS).is_empty() {
        line(sql!("RETURNS {}", Expression(routine.text(AttributeName::RETURNS))));
    }
    line(sql!("LANGUAGE {}", Ident(routine.text(AttributeName::LANGUAGE))));
    if !routine.list(AttributeName::TRANSFORMS).is_empty() {
        let types =
            routine.list(AttributeName::TRANSFORMS).iter().map(|ty| sql!("FOR TYPE {}", Expression(ty)));
        line(sql!("TRANSFORM {}", Sql::join(&types.collect::<Vec<_>>(), ", ")));
    }
    for (flag, words) in [
        (AttributeName::WINDOW, "WINDOW"),
        (AttributeName::STRICT, "STRICT"),
        (AttributeName::SECURITY_DEFINER, "SECURITY DEFINER"),
        (AttributeName::LEAKPROOF, "LEAKPROOF"),
    ] {
        if routine.flag(flag) {
            line(Sql::trusted(words));
        }
    }
    if !routine.text(AttributeName::VOLATILITY).is_empty() {
        line(Sql::trusted(routine.text(AttributeName::VOLATILITY).to_uppercase()));
    }
    for (attribute, word) in [
        (AttributeName::PARALLEL, "PARALLEL"),
        (AttributeName::COST, "COST"),
        (AttributeName::ROWS, "ROWS"),
        (AttributeName::SUPPORT, "SUPPORT"),
    ] {
        if !routine.text(attribute).is_empty() {
            let value = routine.text(attribute);
            let value =
                if attribute == AttributeName::PARALLEL { value.to_uppercase() } else { value.to_owned() };
            line(sql!("{} {}", Sql::trusted(word), Expression(&value)));
        }
    }
    for (name, value) in routine.map(AttributeName::SETTINGS) {
        line(setting(name, value));
    }
    let (library, body) = (routine.text(AttributeName::LIBRARY), routine.text(AttributeName::BODY));
    if !routine.text(AttributeName::SQL_BODY).is_empty() {
        line(sql!("{}", Expression(routine.text(AttributeName::SQL_BODY))));
    } else if library.is_empty() {
        line(sql!("AS {}", DollarQuoted(body)));
    } else {
        line(sql!("AS {}, {}", Literal(library), Literal(body)));
    }
    sql
}

/// `SET name TO value`. In a parameter that is a list of names, each name is a literal of its own.
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

/// The name of a parameter. Those of extensions contain a dot.
fn parameter(name: &str) -> Sql {
    let parts: Vec<Sql> = name.split('.').map(|part| sql!("{}", Ident(part))).collect();
    Sql::join(&parts, ".")
}

/// Splits a comma-separated list of names, which may be in double quotes.
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

/// Creates the routine. If routines depend on each other, a stand-in without dependencies is created first.
pub fn create(routine: &Object, word: &str, context: &Context) -> Vec<Step> {
    let id = &routine.id;
    if !is_in_cycle(routine, context.sides.after) {
        return vec![Step::create(id, definition(routine, "CREATE", word))];
    }
    vec![
        declare(routine, "CREATE", word, context),
        Step::create(id, definition(routine, "CREATE OR REPLACE", word)),
    ]
}

/// Replaces routines that depend on each other with stand-ins, so that they can be dropped.
pub fn before_drop(routine: &Object, word: &str, context: &Context) -> Vec<Step> {
    if !is_in_cycle(routine, context.sides.before) {
        return Vec::new();
    }
    vec![Step::release(&routine.id, definition(&stand_in(routine), "CREATE OR REPLACE", word))]
}

/// Returns the step that creates a stand-in. It requires the types of the arguments.
fn declare(routine: &Object, verb: &str, word: &str, context: &Context) -> Step {
    let after = context.sides.after;
    let is_type = |id: &ObjectId| id.kind.get().namespaces.contains(&Namespace::Types);
    let types = after.dependencies_of(&routine.id).map(|(id, _)| id);
    let types = types.filter(|id| is_type(id) && !after.depends_on(id, &routine.id));
    let step = Step::declare(&routine.id, definition(&stand_in(routine), verb, word));
    types.cloned().fold(step, Step::requires)
}

/// Returns whether a routine depends on itself other than through objects that have stand-ins of their own.
fn is_in_cycle(routine: &Object, catalog: &Catalog) -> bool {
    let has_stand_in = |id: &ObjectId| id.kind == KindName::View || id.kind.get().has_shell;
    let can_have_stand_in = !routine.text(AttributeName::SQL_BODY).is_empty()
        || !routine.text(AttributeName::STAND_IN).is_empty();
    can_have_stand_in
        && (routine.flag(AttributeName::NEEDS_ITSELF)
            || catalog.depends_on_avoiding(&routine.id, &routine.id, &has_stand_in))
}

/// The routine without the dependencies of its body and of its defaults. A call of it raises an error, so that no wrong
/// value is stored.
fn stand_in(routine: &Object) -> Object {
    let mut stand_in = routine.clone();
    if !routine.text(AttributeName::STAND_IN).is_empty() {
        stand_in.set(AttributeName::ARGUMENTS, Value::Text(routine.text(AttributeName::STAND_IN).into()));
    }
    if !routine.text(AttributeName::SQL_BODY).is_empty() {
        stand_in.unset(AttributeName::SQL_BODY);
        stand_in.set(AttributeName::LANGUAGE, Value::Text("plpgsql".into()));
        stand_in.set(AttributeName::BODY, Value::Text("BEGIN RAISE 'stand-in'; END".into()));
    }
    stand_in
}

/// Returns whether `CREATE OR REPLACE` accepts the change: input arguments keep their names and defaults.
fn can_replace(routine: Pair<&Object>) -> bool {
    let (before, after) =
        (routine.before.list(AttributeName::INPUTS), routine.after.list(AttributeName::INPUTS));
    let kept = before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|(old, new)| old == new || old.ends_with(':') && new.starts_with(old.as_str()));
    let defaults = |side: &Object| side.int(AttributeName::DEFAULTS).unwrap_or(0);
    kept && defaults(routine.before) <= defaults(routine.after)
}

/// `CREATE OR REPLACE`, if it accepts the change.
pub static REDEFINE: Alteration = Alteration {
    name: "redefine",
    steps: |routine, context| {
        if !can_replace(routine) {
            return None;
        }
        let id = &routine.after.id;
        let word = if id.kind == KindName::Procedure { "PROCEDURE" } else { "FUNCTION" };
        let mut steps = Vec::new();
        // Routines that depend on each other may use a default that is added.
        let defaults = |side: &Object| side.int(AttributeName::DEFAULTS);
        if defaults(routine.before) != defaults(routine.after)
            && is_in_cycle(routine.after, context.sides.after)
        {
            steps.push(declare(routine.after, "CREATE OR REPLACE", word, context));
        }
        let sql = definition(routine.after, "CREATE OR REPLACE", word);
        steps.push(Step::alter(id, sql).phase(Phase::Expand));
        Some(steps)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_quoted_names_is_split() {
        assert_eq!(split_names("app, public"), ["app", "public"]);
        assert_eq!(split_names("\"a,\"\"b\", pg_temp"), ["a,\"b", "pg_temp"]);
        assert_eq!(split_names("\"\""), [""]);
        assert!(split_names("").is_empty());
    }
}
