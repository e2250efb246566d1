//! Identity columns, each with the sequence that it has to itself.

use super::inherited::follows_parent;
use super::statement::alter_column;
use crate::kinds::common::{advance_sequence, relation_of, table_of};
use crate::kinds::replace_in_place::aside;
use crate::kinds::sequence_options;
use crate::model::kind::{Alteration, Context, KindName};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{DependencyKind, Hazard, Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

/// The identity and its sequence.
pub(super) static IDENTITY: Alteration = Alteration {
    name: "identity",
    steps: |column, context| {
        if follows_parent(column, "identity", context) {
            return Some(Vec::new());
        }
        let (before, after) = (column.before.text("identity"), column.after.text("identity"));
        let differs = |name: &str| sequence_option(column.before, name) != sequence_option(column.after, name);
        let mut steps = Vec::new();
        match (before.is_empty(), after.is_empty()) {
            (true, _) => {
                steps.extend(gain(column.after, context));
            }
            (_, true) => steps.extend(lose(column)),
            (false, false) if differs("name") => {
                steps.extend(lose(column));
                steps.extend(gain(column.after, context));
            }
            (false, false) => {
                steps.extend(changes(column, differs("as")));
                steps.extend(differs("logged").then(|| set_logged(column.after, context)));
            }
        }
        Some(steps)
    },
};

/// The options of an identity's sequence that are not those it is born with.
pub(super) fn sequence_options(version: PgVersion) -> String {
    // Before 15 every sequence is logged.
    let logged = if version.since(15) { "sc.relpersistence <> c.relpersistence" } else { "false" };
    format!("(SELECT array_remove(ARRAY[\
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
     AND i.classid = 'pg_class'::regclass AND i.deptype = 'i')")
}

/// `GENERATED … AS IDENTITY` with the options of its sequence.
pub fn identity(column: &Object) -> Sql {
    let kind = column.text("identity").to_uppercase();
    let mut sql = sql!("GENERATED {} AS IDENTITY", Sql::trusted(kind));
    let (born, mut own) = (Object::new(column.id.clone()), own_sequence(column));
    // The type is the column's; another can only be given to the sequence itself.
    own.unset("type");
    let name = sequence_option(column, "name").map(|_| sql!("SEQUENCE NAME {}", sequence_name(column)));
    let options = sequence_options::clauses(Pair { before: &born, after: &own });
    let options: Vec<Sql> = name.into_iter().chain(options).collect();
    if !options.is_empty() {
        sql.push(&sql!("({})", Sql::join(&options, " ")));
    }
    sql
}

/// What names the identity's sequence in an expression. By its own name, where the server does not shorten that: the
/// column may own another sequence beside it.
pub fn identity_counter(column: &Object) -> Sql {
    let made = column.id.path()[1..].iter().map(|part| part.len() + 1).sum::<usize>() + "seq".len();
    if sequence_option(column, "name").is_some() || made < 64 {
        return sql!("{}", Literal(&sequence_name(column).to_string()));
    }
    let (table, name) = (column.id.on_text(), column.id.name());
    sql!("pg_catalog.pg_get_serial_sequence({}, {})", Literal(&table), Literal(name))
}

/// An option of the identity's sequence.
pub fn sequence_option<'a>(column: &'a Object, name: &str) -> Option<&'a Value> {
    column.map("sequence").iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The name of the identity's sequence.
pub fn sequence_name(column: &Object) -> Sql {
    let path = column.id.path();
    match sequence_option(column, "name") {
        Some(name) => sql!("{}", Expression(&name.to_string())),
        None => sql!("{}.{}", Ident(&path[0]), Ident(&format!("{}_{}_seq", path[1], path[2]))),
    }
}

/// The sequence of an identity column, by its name; it is no object of its own.
pub fn identity_sequence(column: &Object) -> Option<ObjectId> {
    let path = column.id.path();
    let name = match sequence_option(column, "name") {
        Some(name) => crate::model::sql::split_qualified_name(&name.to_string()),
        None => vec![path[0].to_string(), format!("{}_{}_seq", path[1], path[2])],
    };
    let has_one = !column.text("identity").is_empty() && name.len() == 2;
    has_one.then(|| ObjectId::new(KindName::Sequence, &name))
}

/// What a new identity cannot say of its sequence.
pub(super) fn own_sequence_steps(column: &Object, context: &Context) -> Vec<Step> {
    let ty = sequence_option(column, "as").map(|ty| {
        let sql = sql!("ALTER SEQUENCE {} AS {}", sequence_name(column), Expression(&ty.to_string()));
        Step::alter(&column.id, sql)
    });
    let logged = sequence_option(column, "logged").map(|_| set_logged(column, context));
    ty.into_iter().chain(logged).collect()
}

/// `ADD GENERATED …`, which goes on after the values that are there.
fn gain(column: &Object, context: &Context) -> Vec<Step> {
    let option = |name: &str| sequence_option(column, name).map(ToString::to_string);
    let descends = option("increment").is_some_and(|step| step.starts_with('-'));
    let sequence = identity_counter(column);
    let bound = option(if descends { "max" } else { "min" }).and_then(|bound| bound.parse().ok());
    let mut steps = vec![alter_column(column, &sql!("ADD {}", identity(column)))];
    steps.extend(own_sequence_steps(column, context));
    if let Some(old) = counter_of(column, context).and_then(|old| identity_goes_on(old, context)) {
        let set = sql!(
            "SELECT pg_catalog.setval({}, c.last_value, c.is_called) FROM {} AS c",
            sequence,
            old.qualified()
        );
        steps.push(Step::populate(&column.id, set));
        steps.push(Step::populate(&column.id, sql!("DROP SEQUENCE {}", old.qualified())));
        return steps;
    }
    let mut last = advance_sequence(&column.id, &sequence, &column.id, descends, bound);
    if !leads_an_index(column, context) {
        let what = format!("reads the table for the last value of {} while everybody waits", column.id);
        last = last.hazard(Hazard::Scan(what));
    }
    steps.push(last);
    steps
}

/// Whether an index tells the last value of a column.
fn leads_an_index(column: &Object, context: &Context) -> bool {
    let before = context.sides.before;
    let name = sql!("{}", Ident(column.id.name()));
    before.children(&relation_of(&column.id, context)).any(|part| match part.id.kind {
        KindName::PrimaryKey | KindName::Unique => part.list("columns").first().is_some_and(|first| first == column.id.name()),
        KindName::Index => {
            let plain = part.text("where").is_empty() && part.text("method").is_empty();
            plain && part.list("keys").first().is_some_and(|first| first == name.as_str())
        }
        _ => false,
    })
}

/// The sequence that a column owns and that goes.
fn counter_of<'a>(column: &Object, context: &Context<'a>) -> Option<&'a Object> {
    let before = context.sides.before;
    let users = before.dependents_of(&column.id).filter(|(_, kind)| *kind == DependencyKind::Auto);
    let mut sequences = users.map(|(user, _)| user).filter(|user| user.kind == KindName::Sequence);
    sequences.find(|id| context.dropped.contains(*id)).and_then(|id| before.get(id))
}

/// What a sequence is called for the moment in which an identity of its column takes over from it, where the one counts
/// as the other does.
pub fn identity_goes_on(sequence: &Object, context: &Context) -> Option<ObjectId> {
    let Pair { before, after } = context.sides;
    let mut owners = before.dependencies_of(&sequence.id).filter(|(_, kind)| *kind == DependencyKind::Auto);
    let column = owners.find_map(|(id, _)| after.get(id).zip(before.get(id)))?;
    let gains = column.1.text("identity").is_empty() && !column.0.text("identity").is_empty();
    let bounds = ["increment", "min", "max", "cycle"];
    let plain = bounds.iter().all(|name| {
        sequence.get(name).is_none() && sequence_option(column.0, name).is_none()
    });
    let first = counter_of(column.0, context).is_some_and(|first| first.id == sequence.id);
    let stays = !context.dropped.contains(&column.0.id) && !context.is_new(&column.0.id);
    let aside = sequence.id.renamed(&aside(sequence.id.name()));
    let same = |id: &ObjectId| id.path()[0] == aside.path()[0] && id.name() == aside.name();
    let taken = [before, after].iter().any(|side| side.objects.keys().any(same));
    (gains && plain && first && stays && !taken).then_some(aside)
}

/// `DROP IDENTITY`. Only then the column can hold NULL.
fn lose(column: Pair<&Object>) -> Vec<Step> {
    let mut steps = vec![alter_column(column.after, &sql!("DROP IDENTITY"))];
    if is_freed_of_not_null(column) {
        steps.push(alter_column(column.after, &sql!("DROP NOT NULL")));
    }
    steps
}

/// Whether the column loses its identity and may be NULL from then on.
pub(super) fn is_freed_of_not_null(column: Pair<&Object>) -> bool {
    let had = !column.before.text("identity").is_empty() && column.before.flag("not_null");
    had && column.after.text("identity").is_empty() && !column.after.flag("not_null")
}

/// What changes of an identity that stays, and of its sequence.
fn changes(column: Pair<&Object>, other_type: bool) -> Vec<Step> {
    let after = column.after;
    let (mut was, is) = (own_sequence(column.before), own_sequence(after));
    let mut what = Vec::new();
    if column.before.text("identity") != after.text("identity") {
        what.push(sql!("SET GENERATED {}", Sql::trusted(after.text("identity").to_uppercase())));
    }
    let mut steps = Vec::new();
    if other_type {
        // The column cannot say it of its sequence.
        let mut sql = sql!("ALTER SEQUENCE {}", sequence_name(after));
        let sides = Pair { before: &was, after: &is };
        sequence_options::clauses(sides).into_iter().chain(sequence_options::restart(sides)).for_each(|clause| sql.push(&clause));
        steps.push(Step::alter(&after.id, sql));
    } else {
        // With the column's type the sequence's has changed, too.
        was.set("type", Value::Text(is.text("type").to_owned()));
        let sides = Pair { before: &was, after: &is };
        what.extend(sequence_options::clauses(sides).iter().map(|clause| sql!("SET {}", clause)));
        what.extend(sequence_options::restart(sides));
    }
    if !what.is_empty() {
        steps.push(alter_column(after, &Sql::join(&what, " ")));
    }
    steps
}

/// The identity's sequence as an object of its own.
fn own_sequence(column: &Object) -> Object {
    let mut own = Object::new(ObjectId::new(KindName::Sequence, &column.id.path()[..2]));
    let ty = sequence_option(column, "as").map_or(column.text("type").to_owned(), ToString::to_string);
    if ty != "bigint" {
        own.set("type", Value::Text(ty));
    }
    for name in ["increment", "min", "max", "start", "cache"] {
        if let Some(number) = sequence_option(column, name).and_then(|value| value.to_string().parse().ok()) {
            own.set(name, Value::Int(number));
        }
    }
    own.set("cycle", Value::Bool(sequence_option(column, "cycle").is_some()));
    own
}

/// Makes the identity's sequence logged or not, where it is not as the table.
fn set_logged(column: &Object, context: &Context) -> Step {
    let unlogged = match sequence_option(column, "logged") {
        Some(logged) => logged.to_string() == "false",
        None => context.parent(&column.id).is_some_and(|table| table.text("persistence") == "unlogged"),
    };
    let word = Sql::trusted(if unlogged { "UNLOGGED" } else { "LOGGED" });
    let step = Step::alter(&column.id, sql!("ALTER SEQUENCE {} SET {}", sequence_name(column), word));
    // The table's own change takes its sequences with it.
    step.requires(table_of(&column.id))
}
