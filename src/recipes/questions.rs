//! What a change would trip over in the rows that are there, asked of the database before it is written.

use std::collections::BTreeMap;

use crate::db::Session;
use crate::error::{Error, Result};
use crate::kinds::KindName;
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Action, Catalog, Object, ObjectId, Pair, Step};
use crate::plan::Plan;
use crate::sql;

/// How long one question may take. A table that is too large for it is not asked, and the change warns of nothing.
const PATIENCE: &str = "10s";
/// More are not counted.
const MOST: u32 = 1_000;

/// What would be tripped over, by the object whose step would fail; nothing where it was asked and there is nothing.
pub type DataViolations = BTreeMap<ObjectId, Option<String>>;

/// Asks about every step of a plan that puts a rule on rows which are there.
///
/// # Errors
/// When the connection fails.
pub async fn ask(
    session: &Session,
    plan: &Plan,
    sides: Pair<&Catalog>,
    filled: &[&ObjectId],
) -> Result<DataViolations> {
    let mut trips = DataViolations::new();
    session.run("BEGIN READ ONLY").await?;
    for step in plan.steps.iter().filter(|step| step.lock.is_some() && !filled.contains(&&step.object)) {
        let Some((query, what)) = question(step, sides) else { continue };
        let text = format!(
            "SAVEPOINT question; SET LOCAL statement_timeout = '{PATIENCE}'; SET LOCAL search_path = ''"
        );
        session.run(&text).await?;
        match session.rows(query.as_str()).await {
            Ok(rows) => {
                let found: u32 = rows.first().and_then(|row| row.get(0)?.parse().ok()).unwrap_or_default();
                let number = if found > MOST { format!("more than {MOST} rows") } else { rows_of(found) };
                let trip = (found > 0).then(|| format!("{number} of {} {what}", table(step, sides)));
                trips.insert(step.object.clone(), trip);
            }
            // A value that the new type does not take (SQLSTATE, manual, appendix A, class 22).
            Err(Error::Server(error)) if error.code.starts_with("22") => {
                let trip = format!("rows of {} {what}: {}", table(step, sides), error.message);
                trips.insert(step.object.clone(), Some(trip));
            }
            // What comes in the same plan is not there to be asked about.
            Err(Error::Server(error)) => tracing::debug!(%step.object, error.message, "not asked"),
            Err(other) => return Err(other),
        }
        session.run("ROLLBACK TO SAVEPOINT question").await?;
    }
    session.run("ROLLBACK").await?;
    Ok(trips)
}

fn rows_of(number: u32) -> String {
    crate::error::text::count(usize::try_from(number).unwrap_or_default(), "row")
}

fn table(step: &Step, sides: Pair<&Catalog>) -> String {
    let table = sides.before.parent(&step.object).or_else(|| sides.after.parent(&step.object));
    table.map_or_else(|| step.object.to_string(), |table| table.to_string())
}

/// A query that counts what is in the way, and how it is told.
fn question(step: &Step, sides: Pair<&Catalog>) -> Option<(Sql, &'static str)> {
    let after = sides.after.get(&step.object)?;
    let on = step.object.relation().map(|_| after.id.on())?;
    let counted = |rows: Sql| sql!("SELECT count(*) FROM ({} LIMIT {}) AS found", rows, MOST + 1);
    match (after.id.kind, step.action) {
        (KindName::Column, Action::Alter)
            if step.alteration == Some("not null") && after.flag("not_null") =>
        {
            let rows = sql!("SELECT FROM {} WHERE {} IS NULL", on, Ident(after.id.name()));
            Some((counted(rows), "have NULL where a value is required"))
        }
        (KindName::Column, Action::Alter) if step.alteration == Some("type") => {
            let before = sides.before.get(&step.object)?;
            let name = sql!("{}", Ident(after.id.name()));
            let (old, new) = (Expression(before.text("type")), Expression(after.text("type")));
            // What comes back as it was is neither cut nor rounded.
            let rows = sql!("SELECT FROM {} WHERE {}::{}::{} IS DISTINCT FROM {}", on, name, new, old, name);
            (before.text("type") != after.text("type"))
                .then(|| (counted(rows), "have values that the new type cuts, rounds or refuses"))
        }
        (KindName::Check, Action::Create) if !after.flag("not_valid") && !after.flag("not_enforced") => {
            let rows = sql!("SELECT FROM {} WHERE NOT ({})", on, Expression(after.text("expression")));
            Some((counted(rows), "break the new constraint"))
        }
        (KindName::PrimaryKey | KindName::Unique, Action::Create) if !after.flag("without_overlaps") => Some(
            (counted(doubles(after, after.list("columns"), None)), "have a key that another row has, too"),
        ),
        (KindName::Index, Action::Create) if after.flag("unique") => {
            let condition = Some(after.text("where")).filter(|text| !text.is_empty());
            // Keys with an order or an operator class are no expressions.
            let plain =
                after.list("keys").iter().all(|key| !key.ends_with("DESC") && !key.contains("NULLS "));
            plain.then(|| {
                (
                    counted(doubles(after, after.list("keys"), condition)),
                    "have a key that another row has, too",
                )
            })
        }
        (KindName::ForeignKey, Action::Create) if !after.flag("not_valid") && !after.flag("not_enforced") => {
            let of = |alias: &str, name: &str| sql!("{}.{}", Ident(alias), Ident(name));
            let pairs = after.list("columns").iter().zip(after.list("referenced_columns"));
            let equal: Vec<Sql> =
                pairs.map(|(own, other)| sql!("{} = {}", of("t", own), of("r", other))).collect();
            let there = after.list("columns").iter().map(|own| sql!("{} IS NOT NULL", of("t", own)));
            let there: Vec<Sql> = there.collect();
            let rows = sql!(
                "SELECT FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS r WHERE {})",
                on,
                Sql::join(&there, " AND "),
                Expression(after.text("references")),
                Sql::join(&equal, " AND "),
            );
            (!equal.is_empty() && !after.flag("period"))
                .then(|| (counted(rows), "refer to a row that is not there"))
        }
        _ => None,
    }
}

/// Keys that stand in several rows.
fn doubles(object: &Object, keys: &[String], condition: Option<&str>) -> Sql {
    let columns = object.id.kind != KindName::Index;
    let keys: Vec<Sql> = keys
        .iter()
        .map(|key| if columns { sql!("{}", Ident(key)) } else { sql!("{}", Expression(key)) })
        .collect();
    let mut conditions: Vec<Sql> = condition.map(|text| sql!("({})", Expression(text))).into_iter().collect();
    if !object.flag("nulls_not_distinct") {
        conditions.extend(keys.iter().map(|key| sql!("({}) IS NOT NULL", key)));
    }
    let filter = if conditions.is_empty() { sql!("true") } else { Sql::join(&conditions, " AND ") };
    let list = Sql::join(&keys, ", ");
    sql!("SELECT FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1", object.id.on(), filter, list)
}
