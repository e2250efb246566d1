//! Sample rows, inserted on the scratch copy before a rehearsal.
//!
//! All values of one type are the same in rows of the same number (`1`, `'1'`, `2000-01-01`), so that foreign keys match.
//! Rows that a constraint rejects are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::plan_info::PlanInfo;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::kinds::{KindName, Namespace};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{AttributeName, Catalog, Object, ObjectId};
use crate::sql;

/// Returns the tables that get sample rows, under their names at the start: those that the plans change and keep, those
/// that inherit from them, and those that they refer to.
pub(super) fn tables(info: &PlanInfo) -> BTreeSet<ObjectId> {
    let (start, names) = (info.start, info.names);
    let table_of =
        |id: &ObjectId| if id.kind == KindName::Table { Some(id.clone()) } else { start.parent(id) };
    let steps = info.plans.rollback.steps.iter().chain(&info.plans.up.steps);
    // The statements of renames use the old names.
    let mut stack: Vec<ObjectId> = steps
        .clone()
        .flat_map(|step| [table_of(&step.object), table_of(&names.new_id(&step.object))])
        .flatten()
        .collect();
    stack.extend(steps.flat_map(|step| tables_using_type(&step.object, start)));
    let lost = info.not_preserved(&[info.plans.up]);
    stack.retain(|table| !lost.contains(table));
    let mut tables = BTreeSet::new();
    while let Some(table) = stack.pop() {
        if table.kind != KindName::Table || !start.contains(&table) || !tables.insert(table.clone()) {
            continue;
        }
        let references = start
            .children(&table)
            .filter(|part| matches!(part.id.kind, KindName::ForeignKey | KindName::Partition))
            .flat_map(|part| start.dependencies_of(&part.id));
        stack.extend(references.filter_map(|(other, _)| table_of(other)));
        let children = start.dependents_of(&table).map(|(user, _)| user);
        stack.extend(children.filter(|user| user.kind == KindName::Table).cloned());
    }
    tables.iter().map(|table| names.old_id(table)).collect()
}

/// Returns the tables with columns of a type, directly or inside another type.
fn tables_using_type(ty: &ObjectId, start: &Catalog) -> Vec<ObjectId> {
    let is_type = |id: &ObjectId| {
        id.kind != KindName::Table && id.kind.get().namespaces.contains(&Namespace::Types)
            || id.kind == KindName::Attribute
    };
    let (mut tables, mut visited) = (Vec::new(), BTreeSet::new());
    let mut stack = if is_type(ty) { vec![ty.clone()] } else { Vec::new() };
    while let Some(id) = stack.pop() {
        for (user, _) in start.dependents_of(&id) {
            if user.kind == KindName::Column {
                tables.extend(start.parent(user));
            } else if is_type(user) && visited.insert(user.clone()) {
                stack.extend(start.parent(user).filter(|_| user.kind == KindName::Attribute));
                stack.push(user.clone());
            }
        }
    }
    tables
}

/// A column with its value in one row.
struct Cell {
    name: String,
    value: Option<String>,
    not_null: bool,
    has_default: bool,
}

/// The values of columns in three rows, by the category of their types (manual, section 53.64,
/// `pg_type.typcategory`).
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

/// Inserts sample rows, and returns the tables that have any.
pub(super) async fn insert_rows(
    session: &Session,
    tables: &BTreeSet<ObjectId>,
    start: &Catalog,
) -> Result<BTreeSet<ObjectId>> {
    if tables.is_empty() || !session.superuser() {
        return Ok(BTreeSet::new());
    }
    let rows = generate_rows(session, tables).await?;
    // Triggers may have side effects. Foreign keys are checked below.
    session.run("BEGIN; SET LOCAL session_replication_role = replica").await?;
    for ((table, _), cells) in &rows {
        insert_row(session, table, cells).await?;
    }
    delete_orphans(session, tables, start).await?;
    session.run("COMMIT").await?;
    let mut filled = BTreeSet::new();
    for table in tables {
        let exists = sql!("SELECT EXISTS (SELECT FROM ONLY {})", table.qualified());
        if session.rows(exists.as_str()).await?.first().and_then(|row| row.get(0)) == Some("t") {
            filled.insert(table.clone());
        }
    }
    Ok(filled)
}

/// Returns the cells of each row, by table and number of the row.
async fn generate_rows(
    session: &Session,
    tables: &BTreeSet<ObjectId>,
) -> Result<BTreeMap<(ObjectId, String), Vec<Cell>>> {
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
            not_null: text(4) == "t",
            has_default: text(5) == "t",
            value: row.get(6).map(str::to_owned),
        };
        let table = ObjectId::new(KindName::Table, &[text(0), text(1)]);
        rows.entry((table, text(2).to_owned())).or_default().push(cell);
    }
    Ok(rows)
}

/// Inserts one row with all columns, or else without those that have a default, or else only with those that are NOT
/// NULL and have no default.
async fn insert_row(session: &Session, table: &ObjectId, cells: &[Cell]) -> Result<()> {
    let choices: [fn(&Cell) -> bool; 3] =
        [|_| true, |cell| !cell.has_default, |cell| cell.not_null && !cell.has_default];
    for choice in choices {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for cell in cells.iter().filter(|cell| choice(cell)) {
            names.push(sql!("{}", Ident(&cell.name)));
            values.push(
                cell.value.as_ref().map_or_else(|| Sql::trusted("NULL"), |value| sql!("{}", Literal(value))),
            );
        }
        let row = if names.is_empty() {
            Sql::trusted("DEFAULT VALUES")
        } else {
            sql!(
                "({}) OVERRIDING SYSTEM VALUE VALUES ({})",
                Sql::join(&names, ", "),
                Sql::join(&values, ", ")
            )
        };
        if try_statement(session, &sql!("INSERT INTO {} {}", table.qualified(), row)).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Runs a statement in a savepoint of the open transaction. Returns whether it succeeded.
async fn try_statement(session: &Session, statement: &Sql) -> Result<bool> {
    match session.run(&format!("SAVEPOINT row; {statement}; RELEASE SAVEPOINT row")).await {
        Ok(()) => Ok(true),
        Err(Error::Server(_)) => {
            session.run("ROLLBACK TO SAVEPOINT row; RELEASE SAVEPOINT row").await.map(|()| false)
        }
        Err(other) => Err(other),
    }
}

/// Deletes rows whose foreign keys match no row.
async fn delete_orphans(session: &Session, tables: &BTreeSet<ObjectId>, start: &Catalog) -> Result<()> {
    let parts = tables.iter().flat_map(|table| start.children(table));
    let keys: Vec<&Object> = parts.filter(|part| part.id.kind == KindName::ForeignKey).collect();
    // Deleting a row can make orphans in turn, along a chain of at most all keys.
    for _ in 0..=keys.len() {
        let mut deleted = false;
        for key in &keys {
            let orphans = orphan_rows(key);
            match session.rows(&format!("SAVEPOINT row; {orphans} RETURNING 1")).await {
                Ok(rows) => deleted |= !rows.is_empty(),
                Err(Error::Server(_)) => {
                    session.run("ROLLBACK TO SAVEPOINT row").await?;
                    let all = sql!("DELETE FROM {} RETURNING 1", key.id.qualified_relation());
                    deleted |= !session.rows(all.as_str()).await?.is_empty();
                }
                Err(other) => return Err(other),
            }
        }
        if !deleted {
            break;
        }
    }
    Ok(())
}

/// Returns the statement that deletes the orphans of a foreign key.
fn orphan_rows(key: &Object) -> Sql {
    let column = |alias: &str, name: &str| sql!("{}.{}", Ident(alias), Ident(name));
    let pairs = key.list(AttributeName::COLUMNS).iter().zip(key.list(AttributeName::REFERENCED_COLUMNS));
    let equal: Vec<Sql> =
        pairs.map(|(own, other)| sql!("{} = {}", column("t", own), column("r", other))).collect();
    let not_null: Vec<Sql> =
        key.list(AttributeName::COLUMNS).iter().map(|own| sql!("{} IS NOT NULL", column("t", own))).collect();
    sql!(
        "DELETE FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS r WHERE {})",
        key.id.qualified_relation(),
        Sql::join(&not_null, " AND "),
        Expression(key.text(AttributeName::REFERENCES)),
        Sql::join(&equal, " AND ")
    )
}
