//! Statements that have no place in a declared schema, and why.

use crate::error::text::count;
use crate::error::{Diagnostic, codes};

use super::class::StatementClass;
use super::split::Statement;

/// What is refused of one file, rows told once: a full dump has a COPY per table.
pub(super) fn refuse(statements: &[Statement]) -> Vec<Diagnostic> {
    let data = statements.iter().filter(|statement| statement.class == StatementClass::Data).count();
    let mut told = false;
    let mut diagnostics = Vec::new();
    for statement in statements {
        let diagnostic = match statement.class {
            StatementClass::Declaration | StatementClass::Ordered | StatementClass::Session | StatementClass::Transaction | StatementClass::Unparsed => {
                continue;
            }
            StatementClass::Data if told => continue,
            StatementClass::Data => {
                told = true;
                rows(statement, data)
            }
            StatementClass::Role => told_as(statement, "roles belong to the cluster, not to the schema").help(
                "leave it out: a role that the schema names is expected on the server, and is not created",
            ),
            StatementClass::Cluster => told_as(statement, "it belongs to the cluster, not to the schema")
                .help("leave it out, and run it by hand where it is needed"),
            StatementClass::Remote => remote(statement),
        };
        diagnostics.push(diagnostic.at(first_line(statement)));
    }
    diagnostics
}

fn told_as(statement: &Statement, why: &str) -> Diagnostic {
    Diagnostic::new(codes::STATEMENT, format!("{} is not part of a declared schema: {why}", statement.word))
}

fn rows(statement: &Statement, data: usize) -> Diagnostic {
    let mut diagnostic = told_as(statement, "it works on data, and a schema has none");
    if data > 1 {
        diagnostic = diagnostic.label(format!("and {} of data after it", count(data - 1, "more statement")));
    }
    if statement.copies {
        diagnostic.help("dump the schema alone: `pg_dump --schema-only`")
    } else {
        diagnostic.help("write it in a migration: `schemadiff create NAME`")
    }
}

fn remote(statement: &Statement) -> Diagnostic {
    let diagnostic = told_as(statement, "the scratch server would connect to another one to run it");
    if statement.subject.is_some() {
        diagnostic.help("add `WITH (connect = false)`, as pg_dump does")
    } else {
        diagnostic.help("write it in a migration: `schemadiff create NAME`")
    }
}

fn first_line(statement: &Statement) -> crate::error::Place {
    let end = statement.text.find('\n').unwrap_or(statement.text.len());
    statement.place_of(0..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::{SourceFile, split};

    #[test]
    fn each_is_told_with_its_reason() {
        let text = "BEGIN; SET x = 1; CREATE TABLE t ();\nINSERT INTO t DEFAULT VALUES;\n\
                    SELECT 1;\nCREATE ROLE r;\nALTER SYSTEM SET a = 1;\n\
                    CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p; COMMIT;";
        let told: Vec<String> = refuse(&split(&SourceFile::new("a.sql", text)).statements)
            .into_iter()
            .map(|d| format!("{} {}", d.place.unwrap().line_column().0, d.message))
            .collect();
        let tail = "is not part of a declared schema:";
        assert_eq!(
            told,
            [
                format!("2 INSERT {tail} it works on data, and a schema has none"),
                format!("4 CREATE {tail} roles belong to the cluster, not to the schema"),
                format!("5 ALTER {tail} it belongs to the cluster, not to the schema"),
                format!("6 CREATE {tail} the scratch server would connect to another one to run it"),
            ]
        );
    }

    #[test]
    fn the_rows_of_a_dump_are_told_once() {
        let text = "COPY a FROM stdin;\n1\n\\.\nCOPY b FROM stdin;\n2\n\\.\nSELECT setval('s', 1);";
        let [only] = refuse(&split(&SourceFile::new("a.sql", text)).statements).try_into().unwrap();
        assert_eq!(only.label.unwrap(), "and 2 more statements of data after it");
        assert_eq!(only.help, ["dump the schema alone: `pg_dump --schema-only`"]);
    }
}
