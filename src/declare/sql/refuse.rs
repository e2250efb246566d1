//! Reports statements that are not allowed in a declared schema.

use crate::error::text::count;
use crate::error::{Diagnostic, codes};

use super::class::StatementClass;
use super::split::Statement;

/// Reports the statements of a file that are not allowed. Statements about data are reported once, because a full dump
/// has a COPY per table.
pub(super) fn refuse(statements: &[Statement]) -> Vec<Diagnostic> {
    let data = statements.iter().filter(|statement| statement.class == StatementClass::Data).count();
    let mut data_reported = false;
    let mut diagnostics = Vec::new();
    for statement in statements {
        let diagnostic = match statement.class {
            StatementClass::Declaration
            | StatementClass::Ordered
            | StatementClass::Session
            | StatementClass::Transaction
            | StatementClass::Unparsed => {
                continue;
            }
            StatementClass::Data if data_reported => continue,
            StatementClass::Data => {
                data_reported = true;
                data_statement(statement, data)
            }
            StatementClass::Role => not_allowed(statement, "roles belong to the cluster")
                .help("remove it; the roles that a schema names must already exist on the server"),
            StatementClass::Cluster => {
                not_allowed(statement, "it changes the cluster or the database itself")
                    .help("remove it, and run it by hand where it is needed")
            }
            StatementClass::Remote => remote_statement(statement),
        };
        diagnostics.push(diagnostic.at(first_line(statement)));
    }
    diagnostics
}

fn not_allowed(statement: &Statement, why: &str) -> Diagnostic {
    Diagnostic::new(
        codes::STATEMENT,
        format!("this {} statement is not allowed in a declared schema: {why}", statement.word),
    )
}

fn data_statement(statement: &Statement, data: usize) -> Diagnostic {
    let mut diagnostic = not_allowed(statement, "it reads or writes data");
    if data > 1 {
        diagnostic = diagnostic.label(format!("{} like it in this file", count(data - 1, "more statement")));
    }
    if statement.copies {
        diagnostic.help("dump only the schema: `pg_dump --schema-only`")
    } else {
        diagnostic.help("move it to a migration: `schemadiff create NAME`")
    }
}

fn remote_statement(statement: &Statement) -> Diagnostic {
    let diagnostic = not_allowed(statement, "it connects to another server");
    if statement.creates.is_some() {
        diagnostic.help("add `WITH (connect = false)`, as `pg_dump` does")
    } else {
        diagnostic.help("move it to a migration: `schemadiff create NAME`")
    }
}

fn first_line(statement: &Statement) -> crate::error::Place {
    let end = statement.text.find('\n').unwrap_or(statement.text.len());
    statement.place_of(0..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::sql::file::SourceFile;
    use crate::declare::sql::split::split;

    #[test]
    fn each_statement_is_reported_with_its_reason() {
        let text = "BEGIN; SET x = 1; CREATE TABLE t ();\nINSERT INTO t DEFAULT VALUES;\n\
                    SELECT 1;\nCREATE ROLE r;\nALTER SYSTEM SET a = 1;\n\
                    CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p; COMMIT;";
        let reported: Vec<String> = refuse(&split(&SourceFile::new("a.sql", text)).statements)
            .into_iter()
            .map(|d| format!("{} {}", d.place.unwrap().line_column().0, d.message))
            .collect();
        let tail = "statement is not allowed in a declared schema:";
        assert_eq!(
            reported,
            [
                format!("2 this INSERT {tail} it reads or writes data"),
                format!("4 this CREATE {tail} roles belong to the cluster"),
                format!("5 this ALTER {tail} it changes the cluster or the database itself"),
                format!("6 this CREATE {tail} it connects to another server"),
            ]
        );
    }

    #[test]
    fn data_of_a_dump_is_reported_once() {
        let text = "COPY a FROM stdin;\n1\n\\.\nCOPY b FROM stdin;\n2\n\\.\nSELECT setval('s', 1);";
        let [only] = refuse(&split(&SourceFile::new("a.sql", text)).statements).try_into().unwrap();
        assert_eq!(only.label.unwrap(), "2 more statements like it in this file");
        assert_eq!(only.help, ["dump only the schema: `pg_dump --schema-only`"]);
    }
}
