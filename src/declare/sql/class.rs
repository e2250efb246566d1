//! What a statement is, read from its syntax tree and never from its text.

use std::ops::Range;

use squawk_lexer::tokenize;
use squawk_syntax::ast::{self, AstNode, Stmt, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::cut::{Piece, cut};
use super::directive::Beside;
use super::names::{Subject, roles, subject};
use super::setting::Change;

/// What a statement does to a declared schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementClass {
    /// Declares something; may run whenever what it names exists.
    Declaration,
    /// Declares something by what exists when it runs (`ON ALL TABLES`, default privileges,
    /// DO, DROP), so that it keeps its place among its neighbours.
    Ordered,
    /// Changes a setting of what follows in its file.
    Session,
    /// BEGIN, COMMIT and the like.
    Transaction,
    /// Reads, writes or maintains rows.
    Data,
    /// Makes or changes a role or its memberships.
    Role,
    /// Makes or changes what belongs to the cluster or to the database as a whole.
    Cluster,
    /// Would connect to another server.
    Remote,
    /// Nothing the grammar knows; the server judges it.
    Unparsed,
}

/// What a statement has to do with partitions. Attaching one makes the parent's indexes and
/// triggers on it where it has none, so that what it has of its own must come after, or twins
/// arise ("ATTACH PARTITION" in the manual's ALTER TABLE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Attaches one.
    Attach,
    /// Makes what attaching would make.
    AfterAttach,
    /// Nothing.
    None,
}

/// What the syntax tree says about one statement. Ranges are bytes of its text.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) class: StatementClass,
    /// Its first word in upper case, such as `INSERT`.
    pub(super) word: String,
    pub(super) roles: Vec<String>,
    pub(super) subject: Option<Subject>,
    pub(super) extension: Option<(String, Range<usize>)>,
    /// Columns, named constraints and values that it defines.
    pub(super) parts: Vec<(Beside, Range<usize>)>,
    pub(super) change: Option<Change>,
    pub(super) part: Part,
    /// A COPY whose rows come from or go to the client.
    pub(super) copies: bool,
}

/// Reads the statement that `text` is.
pub(super) fn read(text: &str) -> Reading {
    let file = squawk_syntax::SourceFile::parse(text).tree();
    let stmt = file.stmts().next();
    let root = file.syntax();
    let class = stmt.as_ref().map_or(StatementClass::Unparsed, classify);
    Reading {
        class,
        word: first_word(text),
        roles: match &stmt {
            Some(Stmt::Do(block)) => roles_of_block(block),
            _ => roles(root, class),
        },
        subject: stmt.as_ref().and_then(|stmt| subject(stmt.syntax())),
        extension: match &stmt {
            Some(Stmt::CreateExtension(create)) => {
                create.extension().map(|name| (normalize_name_node(name.syntax()), span(name.syntax())))
            }
            _ => None,
        },
        parts: root.descendants().filter_map(|node| Some((beside(&node)?, span(&node)))).collect(),
        change: match class {
            StatementClass::Session | StatementClass::Transaction => {
                stmt.as_ref().and_then(|s| Change::read(s, text))
            }
            _ => None,
        },
        part: stmt.as_ref().map_or(Part::None, part),
        copies: root
            .descendants()
            .any(|node| matches!(node.kind(), SyntaxKind::COPY_STDIN | SyntaxKind::COPY_STDOUT)),
    }
}

/// The roles that the statements of a `DO` block name.
fn roles_of_block(block: &ast::Do) -> Vec<String> {
    let Some(body) = block.body().and_then(|body| Some(body.decoded_value()?.text().to_string())) else {
        return Vec::new();
    };
    let mut roles = Vec::new();
    for piece in cut(&body) {
        let Piece::Statement(span) = piece else { continue };
        // Behind words of PL/pgSQL such as BEGIN and THEN.
        let text = &body[span];
        let mut at = 0;
        let start = tokenize(text).find_map(|token| {
            let span = at..at + token.len as usize;
            at = span.end;
            let word = text[span.clone()].to_ascii_uppercase();
            ["ALTER", "CREATE", "GRANT", "REVOKE", "SET"].contains(&word.as_str()).then_some(span.start)
        });
        roles.extend(start.into_iter().flat_map(|start| read(&text[start..]).roles));
    }
    roles.sort();
    roles.dedup();
    roles
}

/// What a node defines that a comment can stand beside.
fn beside(node: &SyntaxNode) -> Option<Beside> {
    let child = |kind: SyntaxKind| node.children().find(|child| child.kind() == kind);
    let name = |kind: SyntaxKind| child(kind).map(|name| normalize_name_node(&name));
    match node.kind() {
        SyntaxKind::COLUMN | SyntaxKind::ADD_COLUMN => name(SyntaxKind::COLUMN_NAME).map(Beside::Column),
        SyntaxKind::COMPOSITE_FIELD_DEF => name(SyntaxKind::COMPOSITE_FIELD).map(Beside::Column),
        SyntaxKind::VARIANT => {
            let literal = ast::Literal::cast(child(SyntaxKind::LITERAL)?)?;
            Some(Beside::Value(literal.decoded_value()?.text().to_string()))
        }
        // Those of a column stand beside the column.
        _ if node.parent().is_some_and(|parent| {
            matches!(parent.kind(), SyntaxKind::TABLE_ARG_LIST | SyntaxKind::ADD_CONSTRAINT)
        }) =>
        {
            let clause = child(SyntaxKind::CONSTRAINT_NAME_CLAUSE)?;
            let name = clause.children().find(|child| child.kind() == SyntaxKind::CONSTRAINT_NAME)?;
            Some(Beside::Constraint(normalize_name_node(&name)))
        }
        _ => None,
    }
}

/// The grammar's words about a statement that the server refused too.
pub(super) fn syntax_error(text: &str) -> Option<String> {
    let error = squawk_syntax::SourceFile::parse(text).errors().into_iter().next()?;
    Some(error.message().to_string())
}

pub(super) fn span(node: &SyntaxNode) -> Range<usize> {
    node.text_range().start().into()..node.text_range().end().into()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
}

fn classify(stmt: &Stmt) -> StatementClass {
    match stmt {
        Stmt::Set(_)
        | Stmt::Reset(_)
        | Stmt::SetRole(_)
        | Stmt::ResetRole(_)
        | Stmt::SetSessionAuth(_)
        | Stmt::ResetSessionAuth(_)
        | Stmt::Discard(_)
        | Stmt::Load(_) => StatementClass::Session,
        Stmt::Select(select) if Change::set_config(select).is_some() => StatementClass::Session,

        Stmt::Begin(_)
        | Stmt::Commit(_)
        | Stmt::Rollback(_)
        | Stmt::PrepareTransaction(_)
        | Stmt::SavepointCreate(_)
        | Stmt::ReleaseSavepoint(_)
        | Stmt::SetTransaction(_)
        | Stmt::SetConstraints(_) => StatementClass::Transaction,

        Stmt::Select(_)
        | Stmt::CompoundSelect(_)
        | Stmt::ParenSelect(_)
        | Stmt::Table(_)
        | Stmt::Values(_)
        | Stmt::Insert(_)
        | Stmt::Update(_)
        | Stmt::Delete(_)
        | Stmt::Merge(_)
        | Stmt::Copy(_)
        | Stmt::Truncate(_)
        | Stmt::Call(_)
        | Stmt::Analyze(_)
        | Stmt::Vacuum(_)
        | Stmt::Cluster(_)
        | Stmt::Repack(_)
        | Stmt::Reindex(_)
        | Stmt::Checkpoint(_)
        | Stmt::Lock(_)
        | Stmt::Declare(_)
        | Stmt::Fetch(_)
        | Stmt::Move(_)
        | Stmt::Close(_)
        | Stmt::Prepare(_)
        | Stmt::Execute(_)
        | Stmt::Deallocate(_)
        | Stmt::Explain(_)
        | Stmt::Show(_)
        | Stmt::Listen(_)
        | Stmt::Unlisten(_)
        | Stmt::Notify(_) => StatementClass::Data,

        Stmt::CreateRole(_)
        | Stmt::CreateUser(_)
        | Stmt::CreateGroup(_)
        | Stmt::AlterRole(_)
        | Stmt::AlterUser(_)
        | Stmt::AlterGroup(_)
        | Stmt::DropRole(_)
        | Stmt::DropUser(_)
        | Stmt::DropGroup(_) => StatementClass::Role,
        Stmt::Grant(grant) => granted(grant.syntax()),
        Stmt::Revoke(revoke) => granted(revoke.syntax()),

        Stmt::CreateDatabase(_)
        | Stmt::AlterDatabase(_)
        | Stmt::DropDatabase(_)
        | Stmt::CreateTablespace(_)
        | Stmt::AlterTablespace(_)
        | Stmt::DropTablespace(_)
        | Stmt::AlterSystem(_) => StatementClass::Cluster,
        Stmt::CommentOn(_) | Stmt::SecurityLabel(_) if on_cluster(stmt.syntax()) => StatementClass::Cluster,

        Stmt::ImportForeignSchema(_) | Stmt::DropSubscription(_) => StatementClass::Remote,
        Stmt::CreateSubscription(create) if connects(create.syntax()) => StatementClass::Remote,
        Stmt::AlterSubscription(alter) => match alter.action() {
            Some(
                ast::AlterSubscriptionAction::OwnerTo(_)
                | ast::AlterSubscriptionAction::SetOptions(_)
                | ast::AlterSubscriptionAction::SkipSubscription(_)
                | ast::AlterSubscriptionAction::SubscriptionRenameTo(_)
                | ast::AlterSubscriptionAction::DisableSubscription(_),
            ) => StatementClass::Declaration,
            _ => StatementClass::Remote,
        },

        Stmt::Do(_) | Stmt::AlterDefaultPrivileges(_) | Stmt::DropOwned(_) | Stmt::Reassign(_) => {
            StatementClass::Ordered
        }
        // Every other DROP; those of clusters and roles are above.
        other if other.syntax().first_token().is_some_and(|t| t.kind() == SyntaxKind::DROP_KW) => {
            StatementClass::Ordered
        }
        _ => StatementClass::Declaration,
    }
}

fn part(stmt: &Stmt) -> Part {
    let has = |kind| stmt.syntax().children().any(|child| child.kind() == kind);
    match stmt {
        Stmt::AlterTable(_) if has(SyntaxKind::ATTACH_PARTITION) => Part::Attach,
        Stmt::AlterTable(_) if has(SyntaxKind::ADD_CONSTRAINT) => Part::AfterAttach,
        Stmt::CreateIndex(_) | Stmt::CreateTrigger(_) | Stmt::AlterIndex(_) => Part::AfterAttach,
        _ => Part::None,
    }
}

/// A GRANT without ON is a membership; one ON ALL depends on what is there.
fn granted(node: &SyntaxNode) -> StatementClass {
    let Some(objects) = node.children().find(|child| child.kind() == SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE)
    else {
        return StatementClass::Role;
    };
    match objects.first_child().map(|child| child.kind()) {
        Some(
            SyntaxKind::PRIVILEGE_ALL_FUNCTIONS_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_PROCEDURES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_ROUTINES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_SEQUENCES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_TABLES_IN_SCHEMA,
        ) => StatementClass::Ordered,
        Some(
            SyntaxKind::PRIVILEGE_DATABASE
            | SyntaxKind::PRIVILEGE_TABLESPACE
            | SyntaxKind::PRIVILEGE_PARAMETER,
        ) => StatementClass::Cluster,
        _ => StatementClass::Declaration,
    }
}

fn on_cluster(node: &SyntaxNode) -> bool {
    node.children().any(|child| {
        matches!(
            child.kind(),
            SyntaxKind::OBJECT_DATABASE | SyntaxKind::OBJECT_ROLE | SyntaxKind::OBJECT_TABLESPACE
        )
    })
}

/// Whether a CREATE SUBSCRIPTION would reach its publisher and make a slot there: unless it
/// says `connect = false`, as `pg_dump` does.
fn connects(node: &SyntaxNode) -> bool {
    !node.descendants().filter_map(ast::AttributeOption::cast).any(|option| {
        let words: Vec<String> = option
            .syntax()
            .descendants_with_tokens()
            .filter_map(squawk_syntax::SyntaxElement::into_token)
            .filter(|token| !token.kind().is_trivia() && token.kind() != SyntaxKind::EQ)
            .map(|token| token.text().trim_matches('\'').to_ascii_lowercase())
            .collect();
        words.len() == 2 && words[0] == "connect" && matches!(words[1].as_str(), "false" | "off" | "0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_in_blocks() {
        let text = "DO $$ DECLARE own text := current_setting('role'); BEGIN SET LOCAL ROLE ann; \
            IF true THEN GRANT SELECT ON t TO \"Bob\", PUBLIC; END IF; END $$";
        assert_eq!(read(text).roles, ["Bob", "ann"]);
        assert!(read("DO 'BEGIN PERFORM 1; END'").roles.is_empty());
    }

    #[test]
    fn classes_come_from_the_grammar() {
        let cases = [
            ("CREATE TABLE t (insert_ text DEFAULT 'DELETE FROM x')", StatementClass::Declaration),
            ("CREATE TABLE t AS SELECT 1", StatementClass::Declaration),
            ("COMMENT ON TABLE t IS 'x'", StatementClass::Declaration),
            ("GRANT SELECT ON t TO app", StatementClass::Declaration),
            ("GRANT SELECT ON ALL TABLES IN SCHEMA s TO app", StatementClass::Ordered),
            ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app", StatementClass::Ordered),
            ("DO $$BEGIN END$$", StatementClass::Ordered),
            ("DROP TABLE IF EXISTS t", StatementClass::Ordered),
            ("GRANT a TO b", StatementClass::Role),
            ("CREATE ROLE a", StatementClass::Role),
            ("ALTER USER a SET x = 1", StatementClass::Role),
            ("GRANT CONNECT ON DATABASE d TO b", StatementClass::Cluster),
            ("COMMENT ON DATABASE d IS 'x'", StatementClass::Cluster),
            ("ALTER SYSTEM SET x = 1", StatementClass::Cluster),
            ("CREATE DATABASE d", StatementClass::Cluster),
            ("SET search_path = a, b", StatementClass::Session),
            ("SELECT pg_catalog.set_config('search_path', '', false)", StatementClass::Session),
            ("SELECT pg_catalog.setval('s', 1, false)", StatementClass::Data),
            ("SELECT set_config('a.b', 'c', false) FROM t", StatementClass::Data),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", StatementClass::Data),
            ("COPY t FROM stdin", StatementClass::Data),
            ("START TRANSACTION", StatementClass::Transaction),
            ("END", StatementClass::Transaction),
            ("ROLLBACK TO SAVEPOINT x", StatementClass::Transaction),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", StatementClass::Remote),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
                StatementClass::Declaration,
            ),
            ("ALTER SUBSCRIPTION s ENABLE", StatementClass::Remote),
            ("ALTER SUBSCRIPTION s OWNER TO a", StatementClass::Declaration),
            ("FROBNICATE x", StatementClass::Unparsed),
        ];
        for (text, class) in cases {
            assert_eq!(read(text).class, class, "{text}");
        }
    }
}
