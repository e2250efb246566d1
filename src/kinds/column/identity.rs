//! Identity columns and their sequences.

use super::inherited::follows_parent;
use super::statement::alter_column;
use crate::kinds::common::{advance_sequence, relation_of, table_of};
use crate::kinds::replace_in_place::temporary_name;
use crate::kinds::sequence_options;
use crate::model::kind::{Alteration, AttributeName, Context, KindName};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{DependencyKind, Hazard, Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

/// The identity and its sequence.
pub static IDENTITY: Alteration = Alteration {
    name: "identity",
    steps: |column, context| {
        if follows_parent(column, AttributeName::IDENTITY, context) {
            return Some(Vec::new());
        }
        let (before, after) =
            (column.before.text(AttributeName::IDENTITY), column.after.text(AttributeName::IDENTITY));
        let differs =
            |name: &str| sequence_option(column.before, name) != sequence_option(column.after, name);
        let mut steps = Vec::new();
        match (before.is_empty(), after.is_empty()) {
            (true, _) => {
                steps.extend(add_identity(column.after, context));
            }
            (_, true) => steps.extend(drop_identity(column)),
            (false, false) if differs("name") => {
                steps.extend(drop_identity(column));
                steps.extend(add_identity(column.after, context));
            }
            (false, false) => {
                steps.extend(alter_identity(column, differs("as")));
                steps.extend(differs("logged").then(|| set_logged(column.after, context)));
            }
        }
        Some(steps)
    },
};

/// The options of an identity column's sequence that differ from the defaults.
pub(super) fn sequence_options(version: PgVersion) -> String {
    // Before PostgreSQL 15, sequences cannot be unlogged.
    let logged = if version.since(15) { "sc.relpersistence <> c.relpersistence" } else { "false" };
    format!(
        "(SELECT array_remove(ARRAY[\
     CASE WHEN sc.relname <> c.relname || '_' || a.attname || '_seq' OR sn.oid <> n.oid \
     THEN 'name=' || quote_ident(sn.nspname) || '.' || quote_ident(sc.relname) END, \
     CASE WHEN q.seqtypid <> a.atttypid THEN 'as=' || format_type(q.seqtypid, NULL) END, \
     CASE WHEN q.seqincrement <> 1 THEN 'increment=' || q.seqincrement END, \
     CASE WHEN q.seqmin <> CASE WHEN q.seqincrement > 0 THEN 1 ELSE s.low END THEN 'min=' || q.seqmin END, \
     CASE WHEN q.seqmax <> CASE WHEN q.seqincrement > 0 THEN s.high ELSE -1 END THEN 'max=' || q.seqmax END, \
     CASE WHEN q.seqstart <> CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END THEN 'start=' || q.seqstart END, \
     CASE WHEN q.seqcache <> 1 THEN 'cache=' || q.seqcache END, \
     CASE WHEN q.seqcycle THEN 'cycle=true' END, \
     CASE WHEN {logged} THEN 'logged=' || (sc.relpersistence = 'p') END], NULL) \
     FROM pg_depend i JOIN pg_class sc ON sc.oid = i.objid AND sc.relkind = 'S' \
     JOIN pg_namespace sn ON sn.oid = sc.relnamespace JOIN pg_sequence q ON q.seqrelid = sc.oid \
     CROSS JOIN LATERAL (SELECT CASE q.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 \
     ELSE -9223372036854775808 END::bigint AS low, CASE q.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 \
     ELSE 9223372036854775807 END::bigint AS high) s \
     WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = a.attrelid AND i.refobjsubid = a.attnum \
     AND i.classid = 'pg_class'::regclass AND i.deptype = 'i')"
    )
}

/// `GENERATED … AS IDENTITY` with the options of its sequence.
pub fn identity(column: &Object) -> Sql {
    let kind = column.text(AttributeName::IDENTITY).to_uppercase();
    let mut sql = sql!("GENERATED {} AS IDENTITY", Sql::trusted(kind));
    let (default, mut own) = (Object::new(column.id.clone()), own_sequence(column));
    // The sequence has the type of the column. Only ALTER SEQUENCE can change it.
    own.unset(AttributeName::TYPE);
    let name = sequence_option(column, "name").map(|_| sql!("SEQUENCE NAME {}", sequence_name(column)));
    let options = sequence_options::clauses(Pair { before: &default, after: &own });
    let options: Vec<Sql> = name.into_iter().chain(options).collect();
    if !options.is_empty() {
        sql.push(&sql!("({})", Sql::join(&options, " ")));
    }
    sql
}

/// Returns the identity column's sequence as an argument of `setval`: its name, because the column may own another sequence,
/// unless the server truncates the name.
pub fn identity_counter(column: &Object) -> Sql {
    let name_length = column.id.path()[1..].iter().map(|part| part.len() + 1).sum::<usize>() + "seq".len();
    if sequence_option(column, "name").is_some() || name_length < 64 {
        return sql!("{}", Literal(&sequence_name(column).to_string()));
    }
    let (table, name) = (column.id.relation_text(), column.id.name());
    sql!("pg_catalog.pg_get_serial_sequence({}, {})", Literal(&table), Literal(name))
}

/// Returns an option of the identity column's sequence.
pub fn sequence_option<'a>(column: &'a Object, name: &str) -> Option<&'a Value> {
    column.map(AttributeName::SEQUENCE).iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The name of the identity column's sequence.
pub fn sequence_name(column: &Object) -> Sql {
    let path = column.id.path();
    match sequence_option(column, "name") {
        Some(name) => sql!("{}", Expression(&name.to_string())),
        None => sql!("{}.{}", Ident(&path[0]), Ident(&format!("{}_{}_seq", path[1], path[2]))),
    }
}

/// Returns the identity of an identity column's sequence, which is not an object of the catalog.
pub fn identity_sequence(column: &Object) -> Option<ObjectId> {
    let path = column.id.path();
    let name = match sequence_option(column, "name") {
        Some(name) => crate::model::sql::split_qualified_name(&name.to_string()),
        None => vec![path[0].to_string(), format!("{}_{}_seq", path[1], path[2])],
    };
    let has_one = !column.text(AttributeName::IDENTITY).is_empty() && name.len() == 2;
    has_one.then(|| ObjectId::new(KindName::Sequence, &name))
}

/// The options of the sequence that `ADD GENERATED … AS IDENTITY` cannot set.
pub(super) fn own_sequence_steps(column: &Object, context: &Context) -> Vec<Step> {
    let ty = sequence_option(column, "as").map(|ty| {
        let sql = sql!("ALTER SEQUENCE {} AS {}", sequence_name(column), Expression(&ty.to_string()));
        Step::alter(&column.id, sql)
    });
    let logged = sequence_option(column, "logged").map(|_| set_logged(column, context));
    ty.into_iter().chain(logged).collect()
}

/// `ADD GENERATED …`. The sequence starts after the existing values.
fn add_identity(column: &Object, context: &Context) -> Vec<Step> {
    let option = |name: &str| sequence_option(column, name).map(ToString::to_string);
    let descending = option("increment").is_some_and(|step| step.starts_with('-'));
    let sequence = identity_counter(column);
    let bound = option(if descending { "max" } else { "min" }).and_then(|bound| bound.parse().ok());
    let mut steps = vec![alter_column(column, &sql!("ADD {}", identity(column)))];
    steps.extend(own_sequence_steps(column, context));
    if let Some(old) = dropped_sequence_of(column, context).and_then(|old| replaced_by_identity(old, context))
    {
        let set = sql!(
            "SELECT pg_catalog.setval({}, c.last_value, c.is_called) FROM {} AS c",
            sequence,
            old.qualified()
        );
        steps.push(Step::populate(&column.id, set));
        steps.push(Step::populate(&column.id, sql!("DROP SEQUENCE {}", old.qualified())));
        return steps;
    }
    let mut last = advance_sequence(&column.id, &sequence, &column.id, descending, bound);
    if !is_first_in_index(column, context) {
        let risk = format!("scans the table for the last value of {} while reads and writes wait", column.id);
        last = last.hazard(Hazard::Scan(risk));
    }
    steps.push(last);
    steps
}

/// Returns whether an index starts with the column, so that its last value is found without a scan of the table.
fn is_first_in_index(column: &Object, context: &Context) -> bool {
    let before = context.sides.before;
    let name = sql!("{}", Ident(column.id.name()));
    before.children(&relation_of(&column.id, context)).any(|part| match part.id.kind {
        KindName::PrimaryKey | KindName::Unique => {
            part.list(AttributeName::COLUMNS).first().is_some_and(|first| first == column.id.name())
        }
        KindName::Index => {
            let plain =
                part.text(AttributeName::WHERE).is_empty() && part.text(AttributeName::METHOD).is_empty();
            plain && part.list(AttributeName::KEYS).first().is_some_and(|first| first == name.as_str())
        }
        _ => false,
    })
}

/// The sequence that the column owns and that the plan drops.
fn dropped_sequence_of<'a>(column: &Object, context: &Context<'a>) -> Option<&'a Object> {
    let before = context.sides.before;
    let users = before.dependents_of(&column.id).filter(|(_, kind)| *kind == DependencyKind::Auto);
    let mut sequences = users.map(|(user, _)| user).filter(|user| user.kind == KindName::Sequence);
    sequences.find(|id| context.dropped.contains(*id)).and_then(|id| before.get(id))
}

/// Returns the temporary name of a sequence whose column becomes an identity column that continues its values, if both have
/// the same options.
pub fn replaced_by_identity(sequence: &Object, context: &Context) -> Option<ObjectId> {
    let Pair { before, after } = context.sides;
    let mut owners = before.dependencies_of(&sequence.id).filter(|(_, kind)| *kind == DependencyKind::Auto);
    let (new, old) = owners.find_map(|(id, _)| after.get(id).zip(before.get(id)))?;
    let becomes_identity =
        old.text(AttributeName::IDENTITY).is_empty() && !new.text(AttributeName::IDENTITY).is_empty();
    let bounds = [AttributeName::INCREMENT, AttributeName::MIN, AttributeName::MAX, AttributeName::CYCLE];
    let default_bounds = bounds
        .into_iter()
        .all(|name| sequence.get(name).is_none() && sequence_option(new, name.as_str()).is_none());
    let is_first = dropped_sequence_of(new, context).is_some_and(|first| first.id == sequence.id);
    let remains = !context.dropped.contains(&new.id) && !context.is_new(&new.id);
    let temporary = sequence.id.renamed(&temporary_name(sequence.id.name()));
    let has_name = |id: &ObjectId| id.path()[0] == temporary.path()[0] && id.name() == temporary.name();
    let is_taken = [before, after].iter().any(|side| side.objects.keys().any(has_name));
    (becomes_identity && default_bounds && is_first && remains && !is_taken).then_some(temporary)
}

/// `DROP IDENTITY`, and then `DROP NOT NULL`, which identity columns do not allow.
fn drop_identity(column: Pair<&Object>) -> Vec<Step> {
    let mut steps = vec![alter_column(column.after, &sql!("DROP IDENTITY"))];
    if drops_not_null_with_identity(column) {
        steps.push(alter_column(column.after, &sql!("DROP NOT NULL")));
    }
    steps
}

/// Returns whether the column loses both its identity and NOT NULL.
pub(super) fn drops_not_null_with_identity(column: Pair<&Object>) -> bool {
    let had_both = !column.before.text(AttributeName::IDENTITY).is_empty()
        && column.before.flag(AttributeName::NOT_NULL);
    had_both
        && column.after.text(AttributeName::IDENTITY).is_empty()
        && !column.after.flag(AttributeName::NOT_NULL)
}

/// The steps that alter an identity and its sequence.
fn alter_identity(column: Pair<&Object>, sequence_type_differs: bool) -> Vec<Step> {
    let after = column.after;
    let (mut old, new) = (own_sequence(column.before), own_sequence(after));
    let mut actions = Vec::new();
    if column.before.text(AttributeName::IDENTITY) != after.text(AttributeName::IDENTITY) {
        actions
            .push(sql!("SET GENERATED {}", Sql::trusted(after.text(AttributeName::IDENTITY).to_uppercase())));
    }
    let mut steps = Vec::new();
    if sequence_type_differs {
        // ALTER COLUMN cannot change the type of the sequence.
        let mut sql = sql!("ALTER SEQUENCE {}", sequence_name(after));
        let sides = Pair { before: &old, after: &new };
        sequence_options::clauses(sides)
            .into_iter()
            .chain(sequence_options::restart(sides))
            .for_each(|clause| sql.push(&clause));
        steps.push(Step::alter(&after.id, sql));
    } else {
        // The type of the sequence has changed with that of the column.
        old.set(AttributeName::TYPE, Value::Text(new.text(AttributeName::TYPE).to_owned()));
        let sides = Pair { before: &old, after: &new };
        actions.extend(sequence_options::clauses(sides).iter().map(|clause| sql!("SET {}", clause)));
        actions.extend(sequence_options::restart(sides));
    }
    if !actions.is_empty() {
        steps.push(alter_column(after, &Sql::join(&actions, " ")));
    }
    steps
}

/// The identity column's sequence as an object.
fn own_sequence(column: &Object) -> Object {
    let mut own = Object::new(ObjectId::new(KindName::Sequence, &column.id.path()[..2]));
    let ty = sequence_option(column, "as")
        .map_or(column.text(AttributeName::TYPE).to_owned(), ToString::to_string);
    if ty != "bigint" {
        own.set(AttributeName::TYPE, Value::Text(ty));
    }
    for name in [
        AttributeName::INCREMENT,
        AttributeName::MIN,
        AttributeName::MAX,
        AttributeName::START,
        AttributeName::CACHE,
    ] {
        if let Some(number) =
            sequence_option(column, name.as_str()).and_then(|value| value.to_string().parse().ok())
        {
            own.set(name, Value::Int(number));
        }
    }
    own.set(AttributeName::CYCLE, Value::Bool(sequence_option(column, "cycle").is_some()));
    own
}

/// Sets whether the identity column's sequence is logged, if that differs from the table.
fn set_logged(column: &Object, context: &Context) -> Step {
    let unlogged = match sequence_option(column, "logged") {
        Some(logged) => logged.to_string() == "false",
        None => context
            .parent(&column.id)
            .is_some_and(|table| table.text(AttributeName::PERSISTENCE) == "unlogged"),
    };
    let word = Sql::trusted(if unlogged { "UNLOGGED" } else { "LOGGED" });
    let step = Step::alter(&column.id, sql!("ALTER SEQUENCE {} SET {}", sequence_name(column), word));
    // SET LOGGED and SET UNLOGGED of the table change its sequences, too.
    step.requires(table_of(&column.id))
}
