//! Statements that the server only runs outside a transaction block.

use super::tokens::{is_repeatable_block, spans, words};

/// A statement that runs outside a transaction block, and what it leaves if it fails half way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OutsideStatement {
    /// `CREATE INDEX CONCURRENTLY`, which leaves an invalid index.
    CreateIndex(CreateIndex),
    /// `DROP INDEX CONCURRENTLY`, which leaves the index invalid; it can be repeated.
    DropIndex {
        /// The index.
        name: String,
    },
    /// `DETACH PARTITION CONCURRENTLY`, which must be completed with `FINALIZE`.
    Detach {
        /// The partitioned table.
        table: String,
        /// The partition.
        partition: String,
    },
    /// `REINDEX CONCURRENTLY`, which leaves invalid copies of indexes; it can be repeated.
    Reindex,
    /// A `DO` block or `CALL`, which leaves what it has committed.
    Block {
        /// Whether it continues where it stopped if it is run again.
        repeatable: bool,
    },
    /// Another statement that can be repeated.
    Repeatable,
    /// Another statement, which is executed completely or not at all.
    Other,
}

/// `CREATE INDEX CONCURRENTLY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CreateIndex {
    /// The name as written; None if the server chooses it.
    pub(super) name: Option<String>,
    /// The table as written.
    pub(super) table: String,
    /// Whether an index of that name is accepted.
    pub(super) if_not_exists: bool,
    pub(super) unique: bool,
    /// What follows the name of the table.
    pub(super) definition: String,
}

impl OutsideStatement {
    /// Reads a statement.
    pub(super) fn read(text: &str) -> Self {
        let words = words(text);
        let has = |word: &str| words.iter().any(|other| other == word);
        match words.first().map_or("", String::as_str) {
            "CREATE" if has("INDEX") && has("CONCURRENTLY") => {
                create_index(text).map_or(Self::Other, Self::CreateIndex)
            }
            "DROP" if has("INDEX") => {
                Self::DropIndex { name: name_after(text, &["INDEX", "CONCURRENTLY", "EXISTS"]).0 }
            }
            "ALTER" if has("DETACH") && has("CONCURRENTLY") => Self::Detach {
                table: name_after(text, &["TABLE", "EXISTS", "ONLY"]).0,
                partition: name_after(text, &["PARTITION"]).0,
            },
            "REINDEX" => Self::Reindex,
            "DO" => Self::Block { repeatable: is_repeatable_block(text) },
            "CALL" => Self::Block { repeatable: false },
            "VACUUM" | "ANALYZE" | "ANALYSE" | "CLUSTER" | "REFRESH" | "CHECKPOINT" => Self::Repeatable,
            _ => Self::Other,
        }
    }
}

fn create_index(text: &str) -> Option<CreateIndex> {
    let words = words(text);
    let (name, _) = name_after(text, &["CONCURRENTLY", "EXISTS"]);
    let (table, end) = name_after(text, &["ON", "ONLY"]);
    let head = words.iter().take_while(|word| *word != "ON");
    let has = |word: &str| head.clone().any(|other| other == word);
    (!table.is_empty()).then(|| CreateIndex {
        name: (!name.is_empty() && !name.eq_ignore_ascii_case("ON")).then_some(name),
        table,
        if_not_exists: has("EXISTS"),
        unique: has("UNIQUE"),
        definition: text[end..].to_owned(),
    })
}

/// The qualified name after the first of these words, and after the others if they follow it directly. Returns also
/// where it ends.
fn name_after(text: &str, after: &[&str]) -> (String, usize) {
    let spans = spans(text);
    let is = |token: &str, word: &str| token.eq_ignore_ascii_case(word);
    let token = |i: usize| spans.get(i).map_or("", |span| &text[span.clone()]);
    let Some(start) = (0..spans.len()).find(|i| is(token(*i), after[0])) else { return (String::new(), 0) };
    let skipped = |i: usize| after.iter().chain(&["IF", "NOT"]).any(|word| is(token(i), word));
    let first = (start..spans.len()).find(|i| !skipped(*i)).unwrap_or(spans.len());
    let mut name = String::new();
    let mut end = 0;
    // Names and dots alternate.
    for (i, span) in spans[first..].iter().enumerate() {
        let token = &text[span.clone()];
        if (token == ".") != (i % 2 == 1) {
            break;
        }
        name.push_str(token);
        end = span.end;
    }
    (name, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes() {
        let read = |text: &str| match OutsideStatement::read(text) {
            OutsideStatement::CreateIndex(index) => index,
            other => panic!("{other:?}"),
        };
        let index = read(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I x\" ON ONLY s.\"T\" (a) WHERE a IS NOT NULL",
        );
        assert_eq!((index.name.as_deref(), index.table.as_str()), (Some("\"I x\""), "s.\"T\""));
        assert_eq!((index.unique, index.if_not_exists), (true, true));
        assert_eq!(index.definition, " (a) WHERE a IS NOT NULL");
        let index = read("create index concurrently /* c */ on t using gin (a::text)");
        assert_eq!((index.name, index.table.as_str(), index.unique), (None, "t", false));
        assert_eq!(index.definition, " using gin (a::text)");
        let index = read("CREATE INDEX CONCURRENTLY i ON t (a) WHERE EXISTS");
        assert!(!index.if_not_exists);
    }

    #[test]
    fn other_statements() {
        let read = OutsideStatement::read;
        let drop = |name: &str| OutsideStatement::DropIndex { name: name.into() };
        assert_eq!(read("DROP INDEX CONCURRENTLY s.i"), drop("s.i"));
        assert_eq!(read("DROP INDEX CONCURRENTLY IF EXISTS i"), drop("i"));
        assert_eq!(
            read("ALTER TABLE s.t DETACH PARTITION s.p CONCURRENTLY"),
            OutsideStatement::Detach { table: "s.t".into(), partition: "s.p".into() }
        );
        assert_eq!(read("CALL p()"), OutsideStatement::Block { repeatable: false });
        assert_eq!(read("VACUUM t"), OutsideStatement::Repeatable);
        assert_eq!(read("CREATE DATABASE d"), OutsideStatement::Other);
    }
}
