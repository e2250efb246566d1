//! Reads from the syntax tree of a statement all that the loaders need to know about it.

use std::ops::Range;

use squawk_lexer::tokenize;
use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Do, Stmt, normalize_name_node};

use super::class::{StatementClass, classify};
use super::cut::{Segment, cut};
use super::names::{CreatedObject, created_object, roles};
use super::part::{StatementPart, parts};
use super::setting::SettingChange;
use super::syntax::span;

/// When a statement runs relative to `ATTACH PARTITION`. Attaching a partition creates the parent's indexes and
/// triggers on it if it has none, so a partition's own indexes and triggers must come later, or duplicates arise
/// (manual, ALTER TABLE, ATTACH PARTITION).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttachOrder {
    /// The statement attaches a partition.
    Attach,
    /// The statement creates what attaching would create.
    After,
    /// The order does not matter.
    Any,
}

/// What the syntax tree says about a statement. Ranges are bytes of its text.
#[derive(Clone, Debug)]
pub(super) struct Analysis {
    pub(super) class: StatementClass,
    /// The first word in upper case, such as `INSERT`.
    pub(super) word: String,
    /// The roles that it names, sorted.
    pub(super) roles: Vec<String>,
    /// The object that it creates.
    pub(super) creates: Option<CreatedObject>,
    /// The extension that it creates, with its range.
    pub(super) extension: Option<(String, Range<usize>)>,
    /// Columns, named constraints and enum values that it defines.
    pub(super) parts: Vec<(StatementPart, Range<usize>)>,
    /// The setting that it changes.
    pub(super) change: Option<SettingChange>,
    pub(super) attach_order: AttachOrder,
    /// Whether it is a COPY from or to the client.
    pub(super) copies: bool,
}

/// Analyzes the text of one statement.
pub(super) fn analyze(text: &str) -> Analysis {
    let file = squawk_syntax::SourceFile::parse(text).tree();
    let stmt = file.stmts().next();
    let root = file.syntax();
    let class = stmt.as_ref().map_or(StatementClass::Unparsed, classify);
    Analysis {
        class,
        word: first_word(text),
        roles: match &stmt {
            Some(Stmt::Do(block)) => roles_in_block(block),
            _ => roles(root, class),
        },
        creates: stmt.as_ref().and_then(|stmt| created_object(stmt.syntax())),
        extension: match &stmt {
            Some(Stmt::CreateExtension(create)) => {
                create.extension().map(|name| (normalize_name_node(name.syntax()), span(name.syntax())))
            }
            _ => None,
        },
        parts: parts(root),
        change: match class {
            StatementClass::Session | StatementClass::Transaction => {
                stmt.as_ref().and_then(|stmt| SettingChange::read(stmt, text))
            }
            _ => None,
        },
        attach_order: stmt.as_ref().map_or(AttachOrder::Any, attach_order),
        copies: root
            .descendants()
            .any(|node| matches!(node.kind(), SyntaxKind::COPY_STDIN | SyntaxKind::COPY_STDOUT)),
    }
}

/// Returns the roles that the statements of a `DO` block name.
fn roles_in_block(block: &Do) -> Vec<String> {
    let Some(body) = block.body().and_then(|body| Some(body.decoded_value()?.text().to_string())) else {
        return Vec::new();
    };
    let mut roles = Vec::new();
    for segment in cut(&body) {
        let Segment::Statement(span) = segment else { continue };
        // Skip PL/pgSQL keywords before the statement, such as BEGIN and THEN.
        let text = &body[span];
        let mut at = 0;
        let start = tokenize(text).find_map(|token| {
            let span = at..at + token.len as usize;
            at = span.end;
            let word = text[span.clone()].to_ascii_uppercase();
            ["ALTER", "CREATE", "GRANT", "REVOKE", "SET"].contains(&word.as_str()).then_some(span.start)
        });
        roles.extend(start.into_iter().flat_map(|start| analyze(&text[start..]).roles));
    }
    roles.sort();
    roles.dedup();
    roles
}

fn first_word(text: &str) -> String {
    text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
}

fn attach_order(stmt: &Stmt) -> AttachOrder {
    let has = |kind| stmt.syntax().children().any(|child| child.kind() == kind);
    match stmt {
        Stmt::AlterTable(_) if has(SyntaxKind::ATTACH_PARTITION) => AttachOrder::Attach,
        Stmt::AlterTable(_) if has(SyntaxKind::ADD_CONSTRAINT) => AttachOrder::After,
        Stmt::CreateIndex(_) | Stmt::CreateTrigger(_) | Stmt::AlterIndex(_) => AttachOrder::After,
        _ => AttachOrder::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_spelled_as_the_server_stores_them() {
        let roles = |text| analyze(text).roles;
        assert_eq!(roles("GRANT SELECT ON t TO App, \"App\", PUBLIC, CURRENT_USER"), ["App", "app"]);
        assert_eq!(roles("CREATE SCHEMA AUTHORIZATION Jo"), ["jo"]);
        assert_eq!(roles("CREATE SCHEMA s AUTHORIZATION jo"), ["jo"]);
        assert_eq!(roles("ALTER TABLE t OWNER TO \"a\"\"b\""), ["a\"b"]);
        assert_eq!(roles("CREATE POLICY p ON t TO x, y USING (true)"), ["x", "y"]);
        assert_eq!(roles("CREATE USER MAPPING FOR z SERVER s"), ["z"]);
        assert_eq!(roles("SET ROLE 'w'"), ["w"]);
        assert_eq!(roles("GRANT USAGE ON SCHEMA s TO u"), ["u"]);
        assert_eq!(roles("GRANT a TO b"), ["a", "b"]);
        assert_eq!(roles("CREATE ROLE c IN ROLE d"), ["c", "d"]);
        let text = "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT ALL ON TABLES TO b";
        assert_eq!(roles(text), ["a", "b"]);
    }

    #[test]
    fn roles_in_blocks_are_found() {
        let text = "DO $$ DECLARE own text := current_setting('role'); BEGIN SET LOCAL ROLE ann; \
            IF true THEN GRANT SELECT ON t TO \"Bob\", PUBLIC; END IF; END $$";
        assert_eq!(analyze(text).roles, ["Bob", "ann"]);
        assert!(analyze("DO 'BEGIN PERFORM 1; END'").roles.is_empty());
    }

    #[test]
    fn created_objects_are_named() {
        let created = |text| {
            let CreatedObject { schema, name, qualifier, kind } = analyze(text).creates.unwrap();
            format!("{kind} {schema:?} {name} {qualifier}").trim_end().to_string()
        };
        assert_eq!(created("CREATE TABLE IF NOT EXISTS App.\"T\" (a int)"), "table Some(\"app\") T");
        assert_eq!(created("CREATE UNIQUE INDEX i ON t (a)"), "unique index None i");
        assert_eq!(created("CREATE SCHEMA s AUTHORIZATION a"), "schema None s");
        assert_eq!(
            created("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"),
            "trigger None g on t"
        );
        assert_eq!(
            created("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS '1'"),
            "function None f (a int)"
        );
        assert_eq!(created("CREATE VIEW v AS SELECT 1"), "view None v");
    }
}
