//! Determines, after a crash, whether a statement that cannot run in a transaction was executed.

use super::tokens::{tokens, words};
use crate::db::Session;
use crate::error::Result;
use crate::model::sql::{Expression, Literal, QualifiedName};
use crate::sql;

/// The outcome of an interrupted statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementOutcome {
    /// It was executed.
    Done,
    /// It was not executed, or what it left was removed: it can run again.
    Again,
    /// The system catalogs do not show it.
    Unknown,
}

/// Determines the outcome of an interrupted statement from the system catalogs, and removes what it left (manual,
/// "Building Indexes Concurrently").
pub(super) async fn resolve_outcome(
    session: &Session,
    text: &str,
    message: &dyn Fn(&str),
) -> Result<StatementOutcome> {
    let words = words(text);
    let has = |word: &str| words.iter().any(|other| other == word);
    let first = words.first().map_or("", String::as_str);
    match first {
        "CREATE" if has("INDEX") && has("CONCURRENTLY") => created_index(session, text, message).await,
        "DROP" if has("INDEX") => {
            let name = name_after(text, &["CONCURRENTLY", "EXISTS"]);
            Ok(if exists(session, &name).await? { StatementOutcome::Again } else { StatementOutcome::Done })
        }
        "ALTER" if has("DETACH") && has("PARTITION") => detached(session, text, message).await,
        // These can be repeated. A DO block that ends transactions must be written so, because it may also fail halfway.
        "VACUUM" | "ANALYZE" | "ANALYSE" | "REINDEX" | "CLUSTER" | "REFRESH" | "CHECKPOINT" | "DO" => {
            Ok(StatementOutcome::Again)
        }
        _ => Ok(StatementOutcome::Unknown),
    }
}

async fn created_index(session: &Session, text: &str, message: &dyn Fn(&str)) -> Result<StatementOutcome> {
    let index = name_after(text, &["CONCURRENTLY", "EXISTS"]);
    let table = name_after(text, &["ON", "ONLY"]);
    // Without a name, the server has chosen one.
    if index.is_empty() || index.eq_ignore_ascii_case("ON") || table.is_empty() {
        return Ok(StatementOutcome::Unknown);
    }
    let select = sql!(
        "SELECT n.nspname, c.relname, i.indisvalid FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]",
        Literal(&table),
        Literal(&index),
    );
    let rows = session.rows(select.as_str()).await?;
    let Some(row) = rows.first() else { return Ok(StatementOutcome::Again) };
    if row.get(2) == Some("t") {
        return Ok(StatementOutcome::Done);
    }
    let (schema, name) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
    message(&format!("dropping the index {name}, left invalid by an interrupted build, to build it again"));
    session.run(sql!("DROP INDEX CONCURRENTLY {}", QualifiedName { schema, name }).as_str()).await?;
    Ok(StatementOutcome::Again)
}

async fn detached(session: &Session, text: &str, message: &dyn Fn(&str)) -> Result<StatementOutcome> {
    let parent = name_after(text, &["TABLE", "EXISTS", "ONLY"]);
    let partition = name_after(text, &["PARTITION"]);
    let select = sql!(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = pg_catalog.to_regclass({})",
        Literal(&partition),
    );
    let rows = session.rows(select.as_str()).await?;
    match rows.first().map(|row| row.get(0)) {
        None => Ok(StatementOutcome::Done),
        Some(Some("t")) => {
            message(&format!("finishing the interrupted DETACH of the partition {partition}"));
            let finish = sql!(
                "ALTER TABLE {} DETACH PARTITION {} FINALIZE",
                Expression(&parent),
                Expression(&partition)
            );
            session.run(finish.as_str()).await?;
            Ok(StatementOutcome::Done)
        }
        Some(_) => Ok(StatementOutcome::Again),
    }
}

async fn exists(session: &Session, name: &str) -> Result<bool> {
    let rows = session.rows(sql!("SELECT pg_catalog.to_regclass({})", Literal(name)).as_str()).await?;
    Ok(rows.first().and_then(|row| row.get(0)).is_some())
}

/// The qualified name after the first of these words, and after the others if they follow it directly.
fn name_after(text: &str, after: &[&str]) -> String {
    let tokens = tokens(text);
    let is = |token: &String, word: &str| token.eq_ignore_ascii_case(word);
    let Some(start) = tokens.iter().position(|token| is(token, after[0])) else { return String::new() };
    let noise = |token: &&String| after.iter().chain(&["IF", "NOT"]).any(|word| is(token, word));
    let skipped = tokens[start..].iter().take_while(noise).count();
    let mut name = String::new();
    // Names and dots alternate.
    for (i, token) in tokens[start + skipped..].iter().enumerate() {
        if (token == ".") != (i % 2 == 1) {
            break;
        }
        name.push_str(token);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_after_keywords() {
        let cic = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I x\" ON ONLY s.\"T\" (a)";
        assert_eq!(name_after(cic, &["CONCURRENTLY", "EXISTS"]), "\"I x\"");
        assert_eq!(name_after(cic, &["ON", "ONLY"]), "s.\"T\"");
        assert_eq!(name_after("DROP INDEX CONCURRENTLY s.i", &["CONCURRENTLY", "EXISTS"]), "s.i");
        let detach = "ALTER TABLE s.t DETACH PARTITION s.p CONCURRENTLY";
        assert_eq!(name_after(detach, &["TABLE", "EXISTS", "ONLY"]), "s.t");
        assert_eq!(name_after(detach, &["PARTITION"]), "s.p");
    }
}
