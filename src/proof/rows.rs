//! Rows that must survive: made up on the copy, counted and hashed before and after.
//!
//! All values of one kind are the same in the rows of a number (`1`, `'1'`, `2000-01-01`), so that rows that refer to
//! each other fit without being told. What a constraint refuses all the same stays empty.

use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::kinds::{KindName, Namespace};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{Action, Catalog, Object, ObjectId, Pair, Rename};
use crate::plan::Plan;
use crate::sql;

/// Tables in which rows are made up, by their names at the start: those that the plans touch and keep, their
/// children, and those that they refer to.
pub(super) fn touched(known: &Known) -> BTreeSet<ObjectId> {
    let (plans, start, names) = (known.plans, known.middle, known.names);
    let whole = |id: &ObjectId| if id.kind == KindName::Table { Some(id.clone()) } else { start.parent(id) };
    let steps = plans.before.steps.iter().chain(&plans.after.steps);
    let lost = lost(&[plans.after], start);
    // What renames something names it as it was.
    let mut stack: Vec<ObjectId> = steps
        .clone()
        .flat_map(|step| [whole(&step.object), whole(&names.now(&step.object))])
        .flatten()
        .collect();
    stack.extend(steps.flat_map(|step| holders(&step.object, start)));
    stack.retain(|table| !lost.contains(table));
    let mut tables = BTreeSet::new();
    while let Some(table) = stack.pop() {
        if table.kind != KindName::Table || !start.contains(&table) || !tables.insert(table.clone()) {
            continue;
        }
        let keys = start
            .children(&table)
            .filter(|part| matches!(part.id.kind, KindName::ForeignKey | KindName::Partition));
        let others = keys.flat_map(|key| start.dependencies_of(&key.id));
        stack.extend(others.filter_map(|(other, _)| whole(other)));
        // Partitions and children.
        let below = start.dependents_of(&table).map(|(user, _)| user);
        stack.extend(below.filter(|user| user.kind == KindName::Table).cloned());
    }
    tables.iter().map(|table| names.was(table)).collect()
}

/// Tables with columns of a type that changes, also where another type is between: their rows are written anew.
fn holders(ty: &ObjectId, start: &Catalog) -> Vec<ObjectId> {
    let is_type = |id: &ObjectId| {
        id.kind != KindName::Table && id.kind.get().namespaces.contains(&Namespace::Types)
            || id.kind == KindName::Attribute
    };
    let (mut tables, mut seen) = (Vec::new(), BTreeSet::new());
    let mut stack = if is_type(ty) { vec![ty.clone()] } else { Vec::new() };
    while let Some(here) = stack.pop() {
        for (user, _) in start.dependents_of(&here) {
            if user.kind == KindName::Column {
                tables.extend(start.parent(user));
            } else if is_type(user) && seen.insert(user.clone()) {
                stack.extend(start.parent(user).filter(|_| user.kind == KindName::Attribute));
                stack.push(user.clone());
            }
        }
    }
    tables
}

/// A column of a table with what it holds in a row.
struct Cell {
    name: String,
    value: Option<String>,
    required: bool,
    has_default: bool,
}

/// The values that the columns of tables take in three rows. Types are told by their category (manual,
/// section 53.64, `pg_type.typcategory`).
const VALUES: &str = "WITH RECURSIVE base AS (\
    SELECT t.oid AS type, t.oid, t.typtype, t.typbasetype, t.typcategory FROM pg_type t UNION ALL \
    SELECT b.type, t.oid, t.typtype, t.typbasetype, t.typcategory FROM base b \
    JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd') \
    SELECT n.nspname, c.relname, k, a.attname, a.attnotnull, a.atthasdef OR a.attidentity <> '', \
    CASE WHEN b.typtype = 'e' THEN (SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = b.oid \
    ORDER BY e.enumsortorder OFFSET (k - 1) % greatest(1, (SELECT count(*) FROM pg_enum o WHERE o.enumtypid = b.oid)) LIMIT 1) \
    WHEN b.typtype = 'r' THEN 'empty' WHEN b.typtype = 'm' OR b.typcategory = 'A' THEN '{}' \
    WHEN b.oid = 'uuid'::regtype THEN '00000000-0000-4000-8000-00000000000' || k \
    WHEN b.typcategory = 'B' THEN (k % 2 = 1)::text WHEN b.typcategory = 'D' THEN '2000-01-0' || k || ' 00:00:0' || k \
    WHEN b.typcategory = 'T' THEN k || ' days' WHEN b.typcategory = 'I' THEN '10.0.0.' || k \
    WHEN b.typcategory = 'V' THEN repeat('1', greatest(a.atttypmod, 1)) \
    WHEN b.typcategory IN ('C', 'G') THEN NULL ELSE k::text END \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
    JOIN base b ON b.type = a.atttypid AND b.typtype <> 'd' CROSS JOIN generate_series(1, 3) AS k \
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''";

/// Makes rows up. Gives the tables that hold any.
pub(super) async fn seed(
    session: &Session,
    tables: &BTreeSet<ObjectId>,
    start: &Catalog,
) -> Result<BTreeSet<ObjectId>> {
    if tables.is_empty() || !session.superuser() {
        return Ok(BTreeSet::new());
    }
    let names: Vec<Sql> = tables
        .iter()
        .map(|table| sql!("({}, {})", Literal(&table.path()[0]), Literal(table.name())))
        .collect();
    let query = sql!(
        "{} AND (n.nspname, c.relname) IN ({}) ORDER BY c.oid, 3, a.attnum",
        Sql::trusted(VALUES),
        Sql::join(&names, ", ")
    );
    let mut rows: BTreeMap<(ObjectId, String), Vec<Cell>> = BTreeMap::new();
    for row in session.rows(query.as_str()).await? {
        let text = |i: usize| row.get(i).unwrap_or_default();
        let cell = Cell {
            name: text(3).to_owned(),
            required: text(4) == "t",
            has_default: text(5) == "t",
            value: row.get(6).map(str::to_owned),
        };
        let table = ObjectId::new(KindName::Table, &[text(0), text(1)]);
        rows.entry((table, text(2).to_owned())).or_default().push(cell);
    }
    // Triggers are the user's code, and foreign keys are looked after below.
    session.run("BEGIN; SET LOCAL session_replication_role = replica").await?;
    for ((table, _), cells) in &rows {
        insert(session, table, cells).await?;
    }
    remove_loose_ends(session, tables, start).await?;
    session.run("COMMIT").await?;
    let mut held = BTreeSet::new();
    for table in tables {
        let any = sql!("SELECT EXISTS (SELECT FROM ONLY {})", table.qualified());
        if session.rows(any.as_str()).await?.first().and_then(|row| row.get(0)) == Some("t") {
            held.insert(table.clone());
        }
    }
    Ok(held)
}

/// One row: with every column, else with what has no default, else with what must be.
async fn insert(session: &Session, table: &ObjectId, cells: &[Cell]) -> Result<()> {
    let choices: [fn(&Cell) -> bool; 3] =
        [|_| true, |cell| !cell.has_default, |cell| cell.required && !cell.has_default];
    for choice in choices {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for cell in cells.iter().filter(|cell| choice(cell)) {
            names.push(sql!("{}", Ident(&cell.name)));
            values.push(
                cell.value.as_ref().map_or_else(|| Sql::trusted("NULL"), |value| sql!("{}", Literal(value))),
            );
        }
        let what = if names.is_empty() {
            Sql::trusted("DEFAULT VALUES")
        } else {
            sql!(
                "({}) OVERRIDING SYSTEM VALUE VALUES ({})",
                Sql::join(&names, ", "),
                Sql::join(&values, ", ")
            )
        };
        let insert = sql!("INSERT INTO {} {}", table.qualified(), what);
        if attempt(session, &insert).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Runs a statement in the open transaction. Tells whether the server took it.
async fn attempt(session: &Session, statement: &Sql) -> Result<bool> {
    match session.run(&format!("SAVEPOINT row; {statement}; RELEASE SAVEPOINT row")).await {
        Ok(()) => Ok(true),
        Err(Error::Server(_)) => {
            session.run("ROLLBACK TO SAVEPOINT row; RELEASE SAVEPOINT row").await.map(|()| false)
        }
        Err(other) => Err(other),
    }
}

/// Removes rows that refer to rows that could not be made.
async fn remove_loose_ends(session: &Session, tables: &BTreeSet<ObjectId>, start: &Catalog) -> Result<()> {
    let keys = tables.iter().flat_map(|table| start.children(table));
    let keys: Vec<&Object> = keys.filter(|part| part.id.kind == KindName::ForeignKey).collect();
    // A chain of references is no longer than there are keys.
    for _ in 0..=keys.len() {
        let mut removed = false;
        for key in &keys {
            let loose = loose(key);
            let rows = session.rows(&format!("SAVEPOINT row; {loose} RETURNING 1")).await;
            match rows {
                Ok(rows) => removed |= !rows.is_empty(),
                Err(Error::Server(_)) => {
                    session.run("ROLLBACK TO SAVEPOINT row").await?;
                    let all = sql!("DELETE FROM {} RETURNING 1", key.id.on());
                    removed |= !session.rows(all.as_str()).await?.is_empty();
                }
                Err(other) => return Err(other),
            }
        }
        if !removed {
            break;
        }
    }
    Ok(())
}

fn loose(key: &Object) -> Sql {
    let of = |alias: &str, name: &str| sql!("{}.{}", Ident(alias), Ident(name));
    let pairs = key.list("columns").iter().zip(key.list("referenced_columns"));
    let equal: Vec<Sql> = pairs.map(|(own, other)| sql!("{} = {}", of("t", own), of("r", other))).collect();
    let there: Vec<Sql> =
        key.list("columns").iter().map(|own| sql!("{} IS NOT NULL", of("t", own))).collect();
    sql!(
        "DELETE FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS r WHERE {})",
        key.id.on(),
        Sql::join(&there, " AND "),
        Expression(key.text("references")),
        Sql::join(&equal, " AND ")
    )
}

/// What two states have in common of their rows: queries that give the same in both, in the names of each.
#[derive(Debug, Default)]
pub struct Common(BTreeMap<String, Pair<Sql>>);

/// Whose names are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those of the start.
    Start,
    /// Those of the target.
    Target,
}

impl Common {
    /// Of these tables of the start and the sequences that serve them, without what these plans lose.
    pub fn of(known: &Known, target: &Catalog, tables: &BTreeSet<ObjectId>, plans: &[&Plan]) -> Self {
        let (sides, names) = (Pair { before: known.middle, after: target }, known.names);
        let lost = lost(plans, known.middle);
        let tables: BTreeSet<ObjectId> = tables.iter().map(|table| names.now(table)).collect();
        let mut queries = BTreeMap::new();
        let stays = |id: &ObjectId| sides.after.contains(id) && !lost.contains(id);
        // The rows of a partitioned table are its partitions', which may come and go.
        let plain = |id: &ObjectId| {
            let whole =
                |side: &Catalog| side.get(id).is_some_and(|table| table.text("partition_by").is_empty());
            whole(sides.before) && whole(sides.after)
        };
        for table in tables.iter().filter(|table| stays(table) && plain(table)) {
            let columns = sides.before.children(table).filter(|column| {
                let same =
                    |name: &str| sides.after.get(&column.id).is_some_and(|o| o.get(name) == column.get(name));
                let computed = !column.text("generated").is_empty() || !same("generated");
                let same = |name: &str| same(name) && !is_of_changed_type(&column.id, sides, known.renames);
                column.id.kind == KindName::Column && stays(&column.id) && same("type") && !computed
            });
            let mut columns: Vec<&ObjectId> = columns.map(|column| &column.id).collect();
            columns.sort_unstable();
            let query = |named: &dyn Fn(&ObjectId) -> ObjectId| {
                let texts: Vec<Sql> =
                    columns.iter().map(|column| sql!("{}::text", Ident(named(column).name()))).collect();
                sql!(
                    "SELECT count(*), sum(hashtextextended(ROW({})::text, 0)::numeric) FROM ONLY {}",
                    Sql::join(&texts, ", "),
                    named(table).qualified()
                )
            };
            let both = Pair { before: query(&|id| names.was(id)), after: query(&Clone::clone) };
            queries.insert(table.to_string(), both);
        }
        let near = |id: &ObjectId| {
            let users = sides.before.dependents_of(id).chain(sides.before.dependencies_of(id));
            let mut parent_keys = users.filter_map(|(user, _)| sides.before.parent(user));
            parent_keys.any(|whole| tables.contains(&whole))
        };
        let sequences = sides.before.objects.keys();
        // A column that comes to rows that are there draws their values, and the sequence goes on.
        let comes = |default: &ObjectId, side: &Catalog, other: &Catalog| {
            let column =
                Some(default).filter(|id| id.kind == KindName::Default).and_then(|id| side.parent(id));
            column.is_some_and(|column| !other.contains(&column))
        };
        let draws = |id: &ObjectId| {
            let mut users = sides.before.dependents_of(id).map(|(user, _)| (user, sides.before, sides.after));
            let mut later = sides.after.dependents_of(id).map(|(user, _)| (user, sides.after, sides.before));
            users.any(|(user, side, other)| comes(user, side, other))
                || later.any(|(user, side, other)| comes(user, side, other))
        };
        let sequences =
            sequences.filter(|id| id.kind == KindName::Sequence && stays(id) && near(id) && !draws(id));
        for sequence in sequences {
            let query = |id: &ObjectId| sql!("SELECT last_value, is_called FROM {}", id.qualified());
            let both = Pair { before: query(&names.was(sequence)), after: query(sequence) };
            queries.insert(sequence.to_string(), both);
        }
        // Where it is put aside it is whole.
        for Pair { before, after } in known.parked {
            let query = |id: &ObjectId| match id.kind {
                KindName::Sequence => sql!("SELECT last_value, is_called FROM {}", id.qualified()),
                _ => sql!(
                    "SELECT count(*), sum(hashtextextended((parked.*)::text, 0)::numeric) FROM ONLY {} AS parked",
                    id.qualified()
                ),
            };
            queries
                .insert(before.to_string(), Pair { before: query(&names.was(before)), after: query(after) });
        }
        Self(queries)
    }

    /// What they give now, where things have the names of a side.
    pub async fn look(&self, session: &Session, side: Side) -> Result<BTreeMap<&str, Vec<String>>> {
        let mut found = BTreeMap::new();
        for (name, queries) in &self.0 {
            let query = match side {
                Side::Start => &queries.before,
                Side::Target => &queries.after,
            };
            let rows = session.rows(query.as_str()).await?;
            let values = rows.first().map_or_else(Vec::new, |row| {
                (0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect()
            });
            found.insert(name.as_str(), values);
        }
        Ok(found)
    }
}

/// Whether a column is of a type that is printed in another way on the other side: a domain over another scale, a
/// composite type with another attribute. The labels of an enum are printed as they are, unless one is renamed.
fn is_of_changed_type(column: &ObjectId, sides: Pair<&Catalog>, renames: &[Rename]) -> bool {
    let mut seen = BTreeSet::new();
    let mut stack: Vec<&ObjectId> = sides.before.dependencies_of(column).map(|(id, _)| id).collect();
    while let Some(id) = stack.pop() {
        if renames.iter().any(|rename| rename.value.is_some() && rename.object.after == *id) {
            return true;
        }
        let is_type = id.kind.get().namespaces.contains(&Namespace::Types);
        if !is_type || id.kind == KindName::Enum || !seen.insert(id) {
            continue;
        }
        let parts: Vec<&ObjectId> = sides.before.children(id).map(|part| &part.id).chain([id]).collect();
        if parts.iter().any(|part| sides.before.get(part) != sides.after.get(part)) {
            return true;
        }
        stack.extend(parts.into_iter().flat_map(|part| sides.before.dependencies_of(part)).map(|(id, _)| id));
    }
    false
}

/// What plans say that they lose: tables with their partitions, columns, sequences; and what they fill.
pub(super) fn lost(plans: &[&Plan], start: &Catalog) -> BTreeSet<ObjectId> {
    let mut stack: Vec<ObjectId> = plans.iter().flat_map(|plan| plan.lossy()).cloned().collect();
    let filled = plans.iter().flat_map(|plan| &plan.steps).filter(|step| step.action == Action::Populate);
    stack.extend(filled.map(|step| step.object.clone()));
    let mut lost = BTreeSet::new();
    while let Some(id) = stack.pop() {
        if !lost.insert(id.clone()) {
            continue;
        }
        let users = start.dependents_of(&id).map(|(user, _)| user);
        let partitions =
            users.filter(|user| user.kind == KindName::Partition).filter_map(|place| start.parent(place));
        stack.extend(partitions);
        // A column of a parent goes from its children too.
        let children = start.dependents_of(&id).map(|(user, _)| user);
        stack.extend(children.filter(|user| id.kind == KindName::Column && user.kind == id.kind).cloned());
    }
    lost
}
