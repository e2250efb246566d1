//! Queries a live database for existing rows that violate the changes of a plan.

use crate::db::Session;
use crate::error::{Error, Result, text};
use crate::kinds::{KindName, column};
use crate::model::Plan;
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Action, AttributeName, Catalog, Directives, Object, Pair, Step};
use crate::recipes::DataViolations;
use crate::sql;

/// How long one query may take. A change on a table that is too large for it is not checked.
const TIMEOUT: &str = "10s";
/// Further rows are not counted.
const MAX_ROWS: usize = 1_000;

/// Checks every step of a plan that existing rows could violate, except those on columns that have a directive.
///
/// # Errors
/// Returns an error if the connection fails.
pub(super) async fn query_violations(
    session: &Session,
    plan: &Plan,
    sides: Pair<&Catalog>,
    directives: &Directives,
) -> Result<DataViolations> {
    let has_directive = |step: &Step| {
        directives.backfills.contains_key(&step.object) || directives.usings.contains_key(&step.object)
    };
    let mut violations = DataViolations::new();
    session.run("BEGIN READ ONLY").await?;
    for step in plan.steps.iter().filter(|step| step.lock.is_some() && !has_directive(step)) {
        let Some(check) = check(step, sides) else { continue };
        let settings = format!(
            "SAVEPOINT check_rows; SET LOCAL statement_timeout = '{TIMEOUT}'; SET LOCAL search_path = ''"
        );
        session.run(&settings).await?;
        let table = table_name(step, sides);
        match session.rows(check.query.as_str()).await {
            Ok(rows) => {
                let count: usize = rows.first().and_then(|row| row.get(0)?.parse().ok()).unwrap_or_default();
                let violation = (count > 0).then(|| check.describe(count, &table));
                violations.insert(step.object.clone(), violation);
            }
            // Class 22, data exception: the new type does not accept a value (manual, appendix A).
            Err(Error::Server(error)) if error.code.starts_with("22") => {
                let violation = format!("rows of {table} {}: {}", check.problem, error.message);
                violations.insert(step.object.clone(), Some(violation));
            }
            // The query may name objects that the plan creates.
            Err(Error::Server(error)) => {
                tracing::debug!(%step.object, error.message, "existing rows could not be checked");
            }
            Err(other) => return Err(other),
        }
        session.run("ROLLBACK TO SAVEPOINT check_rows").await?;
    }
    session.run("ROLLBACK").await?;
    Ok(violations)
}

/// A query that counts violations, and the words for them.
struct Check {
    query: Sql,
    /// What is counted: "row" or "key".
    unit: &'static str,
    /// What is wrong with it.
    problem: &'static str,
}

impl Check {
    fn rows(rows: &Sql, problem: &'static str) -> Self {
        Self { query: counted(rows), unit: "row", problem }
    }

    fn keys(rows: &Sql) -> Self {
        Self { query: counted(rows), unit: "key", problem: "have duplicates" }
    }

    /// Returns a sentence such as "2 rows of table shop.order violate the new constraint".
    fn describe(&self, count: usize, table: &str) -> String {
        if count > MAX_ROWS {
            return format!("more than {MAX_ROWS} {}s of {table} {}", self.unit, self.problem);
        }
        format!("{} of {table} {}", text::count(count, self.unit), self.problem)
    }
}

fn counted(rows: &Sql) -> Sql {
    sql!("SELECT count(*) FROM ({} LIMIT {}) AS found", rows, MAX_ROWS + 1)
}

fn table_name(step: &Step, sides: Pair<&Catalog>) -> String {
    let table = sides.before.parent(&step.object).or_else(|| sides.after.parent(&step.object));
    table.map_or_else(|| step.object.to_string(), |table| table.to_string())
}

/// Returns the check for a step, if existing rows could violate it.
fn check(step: &Step, sides: Pair<&Catalog>) -> Option<Check> {
    let after = sides.after.get(&step.object)?;
    step.object.relation()?;
    let validated = !after.flag(AttributeName::NOT_VALID) && !after.flag(AttributeName::NOT_ENFORCED);
    match (after.id.kind, step.action) {
        (KindName::Column, Action::Alter)
            if step.belongs_to(&column::NOT_NULL) && after.flag(AttributeName::NOT_NULL) =>
        {
            let rows = sql!(
                "SELECT FROM {} WHERE {} IS NULL",
                after.id.qualified_relation(),
                Ident(after.id.name())
            );
            Some(Check::rows(&rows, "have NULL where a value is required"))
        }
        (KindName::Column, Action::Alter) if step.belongs_to(&column::TYPE) => {
            changed_values(Pair { before: sides.before.get(&step.object)?, after })
        }
        (KindName::Check, Action::Create) if validated => {
            let condition = Expression(after.text(AttributeName::EXPRESSION));
            let rows = sql!("SELECT FROM {} WHERE NOT ({})", after.id.qualified_relation(), condition);
            Some(Check::rows(&rows, "violate the new constraint"))
        }
        (KindName::PrimaryKey | KindName::Unique, Action::Create)
            if !after.flag(AttributeName::WITHOUT_OVERLAPS) =>
        {
            let columns: Vec<Sql> =
                after.list(AttributeName::COLUMNS).iter().map(|name| sql!("{}", Ident(name))).collect();
            Some(Check::keys(&duplicate_keys(after, &columns, None)))
        }
        (KindName::Index, Action::Create) if after.flag(AttributeName::UNIQUE) => duplicate_index_keys(after),
        (KindName::ForeignKey, Action::Create) if validated => orphan_rows(after),
        _ => None,
    }
}

/// Checks for values that the new type truncates, rounds or rejects: those that are not the same after a cast to the new
/// type and back.
fn changed_values(column: Pair<&Object>) -> Option<Check> {
    let (old, new) = (column.before.text(AttributeName::TYPE), column.after.text(AttributeName::TYPE));
    let id = &column.after.id;
    let name = sql!("{}", Ident(id.name()));
    let (old_type, new_type) = (Expression(old), Expression(new));
    let rows = sql!(
        "SELECT FROM {} WHERE {}::{}::{} IS DISTINCT FROM {}",
        id.qualified_relation(),
        name,
        new_type,
        old_type,
        name
    );
    (old != new).then(|| Check::rows(&rows, "have values that the new type truncates, rounds or rejects"))
}

/// Checks for rows without a referenced row.
fn orphan_rows(key: &Object) -> Option<Check> {
    let column = |table: &str, name: &str| sql!("{}.{}", Ident(table), Ident(name));
    let pairs = key.list(AttributeName::COLUMNS).iter().zip(key.list(AttributeName::REFERENCED_COLUMNS));
    let equal: Vec<Sql> =
        pairs.map(|(own, other)| sql!("{} = {}", column("t", own), column("r", other))).collect();
    let columns = key.list(AttributeName::COLUMNS).iter();
    let not_null: Vec<Sql> = columns.map(|own| sql!("{} IS NOT NULL", column("t", own))).collect();
    let rows = sql!(
        "SELECT FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS r WHERE {})",
        key.id.qualified_relation(),
        Sql::join(&not_null, " AND "),
        Expression(key.text(AttributeName::REFERENCES)),
        Sql::join(&equal, " AND "),
    );
    (!equal.is_empty() && !key.flag(AttributeName::PERIOD))
        .then(|| Check::rows(&rows, "are orphans: the referenced row is missing"))
}

/// Checks the keys of a unique index. Keys with an order are not expressions and are not checked.
fn duplicate_index_keys(index: &Object) -> Option<Check> {
    let has_order = |key: &String| key.ends_with("DESC") || key.contains("NULLS ");
    let keys: Vec<Sql> =
        index.list(AttributeName::KEYS).iter().map(|key| sql!("{}", Expression(key))).collect();
    let condition = Some(index.text(AttributeName::WHERE)).filter(|text| !text.is_empty());
    let plain = !index.list(AttributeName::KEYS).iter().any(has_order);
    plain.then(|| Check::keys(&duplicate_keys(index, &keys, condition)))
}

/// Returns a query for keys that more than one row has.
fn duplicate_keys(object: &Object, keys: &[Sql], condition: Option<&str>) -> Sql {
    let mut conditions: Vec<Sql> = condition.map(|text| sql!("({})", Expression(text))).into_iter().collect();
    if !object.flag(AttributeName::NULLS_NOT_DISTINCT) {
        conditions.extend(keys.iter().map(|key| sql!("({}) IS NOT NULL", key)));
    }
    let filter = if conditions.is_empty() { sql!("true") } else { Sql::join(&conditions, " AND ") };
    let list = Sql::join(keys, ", ");
    sql!(
        "SELECT FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1",
        object.id.qualified_relation(),
        filter,
        list
    )
}
