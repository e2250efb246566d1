//! Values for rows that are there, in batches with a commit each, as a block that `psql` runs.
//!
//! A batch locks its rows in the order of the key and leaves out those that somebody holds, so that it neither waits
//! nor deadlocks; sweeps go on until no row needs a value. A run that is killed has lost no more than its last batch,
//! and the next one finds only the rows that are left.

use std::fmt::Write as _;

use super::RecipeContext;
use crate::kinds::{KindName, common};
use crate::model::sql::{DollarQuoted, Ident, Literal, Sql};
use crate::model::{Catalog, LockMode, Object, ObjectId, ShadowColumn, Step, Transaction};
use crate::sql;

/// Rows of a first batch. Later ones are sized by the time that they take.
const BATCH: u32 = 1_000;
/// How long a batch should take, in milliseconds.
const AIM: u32 = 30;

/// What is filled in.
pub(super) struct Fill<'a> {
    /// The column.
    pub(super) column: &'a Object,
    /// The column as people know it.
    pub(super) about: &'a ObjectId,
    /// The value, in terms of the row.
    pub(super) value: String,
    /// Which rows need it.
    pub(super) needs: String,
    /// How many rows a batch takes, where the user says so.
    pub(super) batch: Option<u32>,
}

/// The values that the user gives a column, for the rows that have none.
pub(super) fn wished(site: &RecipeContext, column: &Object) -> Vec<Step> {
    let Some(wish) = site.known.directives.backfills.get(&column.id).filter(|_| !site.known.back) else {
        return Vec::new();
    };
    let (value, batch) = (wish.expression.clone(), wish.batch);
    steps(
        site,
        &Fill { column, about: &column.id, value, needs: needs(column, wish.condition.as_deref()), batch },
    )
}

/// The condition under which a row needs a value.
pub(super) fn needs(column: &Object, condition: Option<&str>) -> String {
    let name = sql!("{}", Ident(column.id.name()));
    match condition {
        Some(condition) => format!("{name} IS NULL AND ({condition})"),
        None => format!("{name} IS NULL"),
    }
}

/// The values of a column for its twin.
pub(crate) fn copies(shadow: &ShadowColumn, catalog: &Catalog) -> Vec<Step> {
    let Some(column) = catalog.get(&shadow.column) else { return Vec::new() };
    let (old, new) = (sql!("{}", Ident(shadow.of.name())), sql!("{}", Ident(shadow.column.name())));
    // Of some types no two values can be compared otherwise.
    let needs = format!("ROW({new})::record OPERATOR(pg_catalog.*<>) ROW({old})::record");
    let fill = Fill { column, about: &shadow.column, value: old.to_string(), needs, batch: None };
    blocks(&common::table_of(&shadow.column), catalog, &fill)
}

/// A block for each table that has rows of its own: the table, its children or its partitions.
pub(super) fn steps(site: &RecipeContext, fill: &Fill) -> Vec<Step> {
    blocks(&site.table(), site.sides.before, fill)
}

fn blocks(table: &ObjectId, catalog: &Catalog, fill: &Fill) -> Vec<Step> {
    let step = |table: &ObjectId| {
        let body = block(table, &key_of(table, catalog), fill);
        let sql = sql!("DO {}", DollarQuoted(&body));
        let step = Step::populate(&fill.column.id, sql).lock(LockMode::RowExclusive, table);
        let reason = format!("gives rows of {} a value, in batches with a commit each", fill.about);
        step.transaction(Transaction::Outside).reason(reason)
    };
    catalog.tables_with_rows(table).iter().map(step).collect()
}

/// The columns of the primary key.
fn key_of(table: &ObjectId, catalog: &Catalog) -> Vec<String> {
    let key = catalog.children(table).find(|part| part.id.kind == KindName::PrimaryKey);
    key.filter(|key| !key.flag("without_overlaps"))
        .map(|key| key.list("columns").to_vec())
        .unwrap_or_default()
}

/// The block for one relation.
fn block(table: &ObjectId, key: &[String], fill: &Fill) -> String {
    let on = sql!("{}", table.qualified());
    let set = sql!("{} = ({})", Ident(fill.column.id.name()), Sql::trusted(&fill.value));
    let needs = &fill.needs;
    let batch = fill.batch.unwrap_or(BATCH);
    let ways = if key.is_empty() { Ways::by_page(&on) } else { Ways::by_key(&on, key) };
    let Ways { declared, start, bound, within, order, next } = ways;
    let mut text = String::new();
    let _ = write!(
        text,
        "
#variable_conflict use_column
DECLARE
{declared}    sd_more boolean;
    sd_batch bigint := {batch};
    sd_began timestamptz;
    sd_changed bigint;
    sd_swept bigint;
    sd_all bigint := 0;
    sd_idle integer := 0;
    sd_told timestamptz := clock_timestamp();
BEGIN
    LOOP
        sd_swept := 0;
{start}
        WHILE sd_more LOOP
            sd_began := clock_timestamp();
            PERFORM set_config('search_path', 'public', true), set_config('lock_timeout', '2s', true),
                set_config('plan_cache_mode', 'force_custom_plan', true);
{bound}
            UPDATE ONLY {on} SET {set}
            WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM ONLY {on} WHERE {within} AND ({needs})
                ORDER BY {order} FOR NO KEY UPDATE SKIP LOCKED));
            GET DIAGNOSTICS sd_changed = ROW_COUNT;
            COMMIT;
            sd_swept := sd_swept + sd_changed;
            sd_all := sd_all + sd_changed;
            IF sd_changed > 0 THEN
                sd_batch := greatest(100, least(sd_batch * 2, 100000, (sd_batch * {AIM} /
                    greatest(1, extract(epoch FROM clock_timestamp() - sd_began) * 1000))::bigint));
            END IF;
            IF clock_timestamp() > sd_told + interval '10 seconds' THEN
                RAISE NOTICE '% rows filled', sd_all;
                sd_told := clock_timestamp();
            END IF;
{next}
        END LOOP;
        PERFORM set_config('search_path', 'public', true);
        EXIT WHEN NOT EXISTS (SELECT FROM ONLY {on} WHERE {needs});
        IF sd_swept = 0 THEN
            IF EXISTS (SELECT FROM ONLY {on} WHERE ({needs}) AND ({value}) IS NULL) THEN
                RAISE EXCEPTION USING ERRCODE = 'not_null_violation', MESSAGE = {null},
                    HINT = 'Give these rows a value by hand, or write a backfill that has one for them.';
            END IF;
            sd_idle := sd_idle + 1;
            IF sd_idle > 60 THEN
                RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = {held},
                    HINT = 'End the transactions that hold them, and run this again: it goes on where it stopped.';
            END IF;
            COMMIT;
            PERFORM pg_sleep(1);
        END IF;
    END LOOP;
END
",
        value = fill.value,
        null = sql!("{}", Literal(&format!("the backfill of {} is NULL for some rows", fill.about))),
        held = sql!("{}", Literal(&format!("rows of {table} are locked by others and cannot be filled"))),
    );
    text
}

/// How a relation is gone through.
struct Ways {
    declared: String,
    start: String,
    bound: String,
    within: String,
    order: String,
    next: String,
}

impl Ways {
    /// By ranges of the key.
    fn by_key(on: &Sql, key: &[String]) -> Self {
        let names =
            |prefix: &str| -> Vec<String> { (1..=key.len()).map(|n| format!("sd_{prefix}_{n}")).collect() };
        let columns: Vec<String> = key.iter().map(|name| sql!("{}", Ident(name)).to_string()).collect();
        let (list, low, high) = (columns.join(", "), names("low").join(", "), names("high").join(", "));
        let row = |list: &str| if key.len() == 1 { list.to_owned() } else { format!("({list})") };
        let declare = |prefix: &str| {
            names(prefix).iter().zip(&columns).fold(String::new(), |mut text, (name, column)| {
                let _ = writeln!(text, "    {name} {on}.{column}%TYPE;");
                text
            })
        };
        let moves = names("low").into_iter().zip(names("high"));
        let moves: Vec<String> = moves.map(|(low, high)| format!("            {low} := {high};")).collect();
        Self {
            declared: declare("low") + &declare("high"),
            start: format!(
                "        SELECT {list} INTO {low} FROM ONLY {on} ORDER BY {list} LIMIT 1;\n        sd_more := FOUND;"
            ),
            bound: format!(
                "            SELECT {list} INTO {high} FROM ONLY {on} WHERE {} >= {}\n                \
                 ORDER BY {list} OFFSET sd_batch LIMIT 1;\n            sd_more := FOUND;",
                row(&list),
                row(&low),
            ),
            within: format!(
                "{columns} >= {low} AND (NOT sd_more OR {columns} < {high})",
                columns = row(&list),
                low = row(&low),
                high = row(&high),
            ),
            order: list,
            next: moves.join("\n"),
        }
    }

    /// By pages, where there is no key.
    fn by_page(on: &Sql) -> Self {
        let size = sql!("pg_relation_size({})", Literal(&on.to_string()));
        Self {
            declared: "    sd_page bigint;\n    sd_pages bigint;\n    sd_end bigint;\n".into(),
            start: format!(
                "        sd_page := 0;\n        sd_pages := {size} / current_setting('block_size')::bigint;\n        \
                 sd_more := sd_pages > 0;"
            ),
            bound: "            sd_end := sd_page + greatest(1, sd_batch / 60);\n            \
                    sd_more := sd_end < sd_pages;"
                .into(),
            within: "ctid >= format('(%s,0)', sd_page)::tid AND ctid < format('(%s,0)', sd_end)::tid".into(),
            order: "ctid".into(),
            next: "            sd_page := sd_end;".into(),
        }
    }
}
