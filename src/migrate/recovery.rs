//! After a crash: whether a statement that no transaction holds has happened, half happened, or not.

use super::unit::{pieces, words};
use crate::db::Session;
use crate::error::Result;
use crate::model::sql::{Expression, Literal, QualifiedName};
use crate::sql;

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementOutcome {
    /// It happened.
    Done,
    /// It did not, or what was left of it is gone: it can run again.
    Again,
    /// The catalog does not tell.
    Unknown,
}

/// Asks the catalog about a statement that was begun outside of every transaction, and clears away what an
/// interrupted one leaves (manual, "Building Indexes Concurrently").
pub(super) async fn settle(session: &Session, text: &str, say: &dyn Fn(&str)) -> Result<StatementOutcome> {
    let words = words(text);
    let has = |word: &str| words.iter().any(|other| other == word);
    let first = words.first().map_or("", String::as_str);
    match first {
        "CREATE" if has("INDEX") && has("CONCURRENTLY") => created_index(session, text, say).await,
        "DROP" if has("INDEX") => {
            let name = name_after(text, &["CONCURRENTLY", "EXISTS"]);
            Ok(if regclass(session, &name).await? { StatementOutcome::Again } else { StatementOutcome::Done })
        }
        "ALTER" if has("DETACH") && has("PARTITION") => detached(session, text, say).await,
        // These end in the same state however often they run; a block that commits as it goes is written to be
        // repeatable, or it would be no use after an error.
        "VACUUM" | "ANALYZE" | "ANALYSE" | "REINDEX" | "CLUSTER" | "REFRESH" | "CHECKPOINT" | "DO" => {
            Ok(StatementOutcome::Again)
        }
        _ => Ok(StatementOutcome::Unknown),
    }
}

async fn created_index(session: &Session, text: &str, say: &dyn Fn(&str)) -> Result<StatementOutcome> {
    let index = name_after(text, &["CONCURRENTLY", "EXISTS"]);
    let table = name_after(text, &["ON", "ONLY"]);
    // The server would have chosen a name.
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
    say(&format!("the index {name} was left invalid by an interrupted build: it is dropped and built again"));
    session.run(sql!("DROP INDEX CONCURRENTLY {}", QualifiedName { schema, name }).as_str()).await?;
    Ok(StatementOutcome::Again)
}

async fn detached(session: &Session, text: &str, say: &dyn Fn(&str)) -> Result<StatementOutcome> {
    let parent = name_after(text, &["TABLE", "EXISTS", "ONLY"]);
    let part = name_after(text, &["PARTITION"]);
    let select = sql!(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = pg_catalog.to_regclass({})",
        Literal(&part),
    );
    let rows = session.rows(select.as_str()).await?;
    match rows.first().map(|row| row.get(0)) {
        None => Ok(StatementOutcome::Done),
        Some(Some("t")) => {
            say(&format!("the partition {part} was left half detached: this is finished"));
            let finish =
                sql!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", Expression(&parent), Expression(&part));
            session.run(finish.as_str()).await?;
            Ok(StatementOutcome::Done)
        }
        Some(_) => Ok(StatementOutcome::Again),
    }
}

async fn regclass(session: &Session, name: &str) -> Result<bool> {
    let rows = session.rows(sql!("SELECT pg_catalog.to_regclass({})", Literal(name)).as_str()).await?;
    Ok(rows.first().and_then(|row| row.get(0)).is_some())
}

/// The dotted name that follows the first of these words, and the others where they stand right behind it.
fn name_after(text: &str, after: &[&str]) -> String {
    let pieces = pieces(text);
    let is = |piece: &String, word: &str| piece.eq_ignore_ascii_case(word);
    let Some(start) = pieces.iter().position(|piece| is(piece, after[0])) else { return String::new() };
    let noise = |piece: &&String| after.iter().chain(&["IF", "NOT"]).any(|word| is(piece, word));
    let skipped = pieces[start..].iter().take_while(noise).count();
    let mut name = String::new();
    // Parts and dots take turns.
    for (i, piece) in pieces[start + skipped..].iter().enumerate() {
        if (piece == ".") != (i % 2 == 1) {
            break;
        }
        name.push_str(piece);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        let cic = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I x\" ON ONLY s.\"T\" (a)";
        assert_eq!(name_after(cic, &["CONCURRENTLY", "EXISTS"]), "\"I x\"");
        assert_eq!(name_after(cic, &["ON", "ONLY"]), "s.\"T\"");
        assert_eq!(name_after("DROP INDEX CONCURRENTLY s.i", &["CONCURRENTLY", "EXISTS"]), "s.i");
        let detach = "ALTER TABLE s.t DETACH PARTITION s.p CONCURRENTLY";
        assert_eq!(name_after(detach, &["TABLE", "EXISTS", "ONLY"]), "s.t");
        assert_eq!(name_after(detach, &["PARTITION"]), "s.p");
    }
}
