//! The PL/pgSQL block of a self.

use std::fmt::Write as _;

use crate::model::REPEATABLE_BLOCK;
use crate::model::object::{Object, ObjectId};
use crate::model::sql::{Ident, Literal, Sql};
use crate::sql;

/// Rows in the first batch. Later batches are sized by the time that earlier ones took.
const FIRST_BATCH: u32 = 1_000;
/// How long a batch should take, in milliseconds.
const BATCH_MILLISECONDS: u32 = 30;

/// A backfill of one column.
pub(in crate::recipes) struct Backfill<'a> {
    /// The column.
    pub(in crate::recipes) column: &'a Object,
    /// The column that messages and comments name.
    pub(in crate::recipes) shown_as: &'a ObjectId,
    /// The value, as an expression over the columns of the row.
    pub(in crate::recipes) value: String,
    /// The condition of the rows that need a value.
    pub(in crate::recipes) condition: String,
    /// The rows in the first batch, if the user says so.
    pub(in crate::recipes) batch: Option<u32>,
}

impl Backfill<'_> {
    /// Returns the block that fills the column in one table. `key` are the columns of the primary key.
    pub(super) fn block(&self, table: &ObjectId, key: &[String]) -> String {
        let on = sql!("{}", table.qualified());
        let set = sql!("{} = ({})", Ident(self.column.id.name()), Sql::trusted(&self.value));
        let condition = &self.condition;
        let batch = self.batch.unwrap_or(FIRST_BATCH);
        let traversal = if key.is_empty() { Traversal::by_page(&on) } else { Traversal::by_key(&on, key) };
        let Traversal { variables, start, end_of_batch, in_batch, order, row, next } = traversal;
        format!(
            "
#variable_conflict use_column
{REPEATABLE_BLOCK}
DECLARE
{variables}    sd_more boolean;
    sd_batch_size bigint := {batch};
    sd_batch_start timestamptz;
    sd_batch_rows bigint;
    sd_unfilled text;
    sd_pass_rows bigint;
    sd_total bigint := 0;
    sd_idle_passes integer := 0;
    sd_last_notice timestamptz := clock_timestamp();
BEGIN
    LOOP
        sd_pass_rows := 0;
{start}
        WHILE sd_more LOOP
            sd_batch_start := clock_timestamp();
            PERFORM set_config('search_path', 'public', true), set_config('lock_timeout', '2s', true),
                set_config('plan_cache_mode', 'force_custom_plan', true);
{end_of_batch}
            WITH sd_filled AS (
                UPDATE ONLY {on} SET {set}
                WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM ONLY {on} WHERE {in_batch} AND ({condition})
                    ORDER BY {order} FOR NO KEY UPDATE SKIP LOCKED))
                RETURNING CASE WHEN ({condition}) THEN {row} END AS sd_unfilled)
            SELECT count(*), min(sd_filled.sd_unfilled) INTO sd_batch_rows, sd_unfilled FROM sd_filled;
            IF sd_unfilled IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'not_null_violation', MESSAGE = {no_value} || sd_unfilled,
                    HINT = 'Fill such rows by hand, or change the backfill expression so that it is not NULL for them.';
            END IF;
            COMMIT;
            sd_pass_rows := sd_pass_rows + sd_batch_rows;
            sd_total := sd_total + sd_batch_rows;
            IF sd_batch_rows > 0 THEN
                sd_batch_size := greatest(100, least(sd_batch_size * 2, 100000, (sd_batch_size * {BATCH_MILLISECONDS} /
                    greatest(1, extract(epoch FROM clock_timestamp() - sd_batch_start) * 1000))::bigint));
            END IF;
            IF clock_timestamp() > sd_last_notice + interval '10 seconds' THEN
                RAISE NOTICE '% rows filled', sd_total;
                sd_last_notice := clock_timestamp();
            END IF;
{next}
        END LOOP;
        PERFORM set_config('search_path', 'public', true);
        EXIT WHEN NOT EXISTS (SELECT FROM ONLY {on} WHERE {condition});
        IF sd_pass_rows = 0 THEN
{no_progress}            COMMIT;
            PERFORM pg_sleep(1);
        END IF;
    END LOOP;
END
",
            no_value = literal(&format!("the backfill of {} has no value for the row with ", self.shown_as)),
            no_progress = no_progress(table),
        )
    }
}

/// Returns the statements after a pass that filled no row. They fail if the rows stay locked.
fn no_progress(table: &ObjectId) -> String {
    format!(
        "            sd_idle_passes := sd_idle_passes + 1;
            IF sd_idle_passes > 60 THEN
                RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = {rows_are_locked},
                    HINT = 'End the transactions that lock them, and run this again: it resumes where it stopped.';
            END IF;
",
        rows_are_locked =
            literal(&format!("rows of {table} are locked by other sessions and cannot be filled")),
    )
}

fn literal(text: &str) -> Sql {
    sql!("{}", Literal(text))
}

/// How a block goes over a table: fragments of PL/pgSQL and SQL.
struct Traversal {
    /// Declarations of variables.
    variables: String,
    /// Statements before the first batch.
    start: String,
    /// Statements that find the end of a batch.
    end_of_batch: String,
    /// The condition of the rows in a batch.
    in_batch: String,
    /// The order in which rows are locked.
    order: String,
    /// An expression that names a row in messages.
    row: String,
    /// Statements that advance to the next batch.
    next: String,
}

impl Traversal {
    /// By ranges of the primary key.
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
        let assign = names("low").into_iter().zip(names("high"));
        let assign: Vec<String> = assign.map(|(low, high)| format!("            {low} := {high};")).collect();
        Self {
            variables: declare("low") + &declare("high"),
            start: format!(
                "        SELECT {list} INTO {low} FROM ONLY {on} ORDER BY {list} LIMIT 1;\n        sd_more := FOUND;"
            ),
            end_of_batch: format!(
                "            SELECT {list} INTO {high} FROM ONLY {on} WHERE {} >= {}\n                \
                 ORDER BY {list} OFFSET sd_batch_size LIMIT 1;\n            sd_more := FOUND;",
                row(&list),
                row(&low),
            ),
            in_batch: format!(
                "{columns} >= {low} AND (NOT sd_more OR {columns} < {high})",
                columns = row(&list),
                low = row(&low),
                high = row(&high),
            ),
            row: sql!(
                "{} || concat_ws(', ', {}) || ')'",
                Literal(&format!("({}) = (", key.join(", "))),
                Sql::trusted(&*list)
            )
            .to_string(),
            order: list,
            next: assign.join("\n"),
        }
    }

    /// By ranges of pages, for a table without a primary key.
    fn by_page(on: &Sql) -> Self {
        let size = sql!("pg_relation_size({})", Literal(&on.to_string()));
        Self {
            variables: "    sd_page bigint;\n    sd_pages bigint;\n    sd_end bigint;\n".into(),
            start: format!(
                "        sd_page := 0;\n        sd_pages := {size} / current_setting('block_size')::bigint;\n        \
                 sd_more := sd_pages > 0;"
            ),
            end_of_batch: "            sd_end := sd_page + greatest(1, sd_batch_size / 60);\n            \
                           sd_more := sd_end < sd_pages;"
                .into(),
            in_batch: "ctid >= format('(%s,0)', sd_page)::tid AND ctid < format('(%s,0)', sd_end)::tid"
                .into(),
            order: "ctid".into(),
            row: format!("'values ' || left(({on}.*)::text, 200)"),
            next: "            sd_page := sd_end;".into(),
        }
    }
}
