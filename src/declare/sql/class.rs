//! Classifies statements by their syntax trees, never by their text.

use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::setting::SettingChange;

/// What a statement does to a declared schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementClass {
    /// Declares an object; it can run as soon as the objects that it names exist.
    Declaration,
    /// Has an effect that depends on the objects that exist when it runs (`ON ALL TABLES`, default privileges, DO,
    /// DROP), so it keeps its position.
    Ordered,
    /// Changes a setting for the statements that follow it in the file.
    Session,
    /// BEGIN, COMMIT and other transaction control.
    Transaction,
    /// Reads, writes or maintains rows.
    Data,
    /// Creates or changes a role or a membership.
    Role,
    /// Creates or changes an object of the cluster, or the database itself.
    Cluster,
    /// Connects to another server.
    Remote,
    /// Does not parse; the server decides.
    Unparsed,
}

/// Classifies a statement.
pub(super) fn classify(stmt: &Stmt) -> StatementClass {
    if is_data(stmt) {
        return StatementClass::Data;
    }
    match stmt {
        Stmt::Set(_)
        | Stmt::Reset(_)
        | Stmt::SetRole(_)
        | Stmt::ResetRole(_)
        | Stmt::SetSessionAuth(_)
        | Stmt::ResetSessionAuth(_)
        | Stmt::Discard(_)
        | Stmt::Load(_)
        // Only of `set_config`; other queries are data.
        | Stmt::Select(_) => StatementClass::Session,
        Stmt::Begin(_)
        | Stmt::Commit(_)
        | Stmt::Rollback(_)
        | Stmt::PrepareTransaction(_)
        | Stmt::SavepointCreate(_)
        | Stmt::ReleaseSavepoint(_)
        | Stmt::SetTransaction(_)
        | Stmt::SetConstraints(_) => StatementClass::Transaction,
        _ => class_of_ddl(stmt),
    }
}

/// Whether a statement reads, writes or maintains rows. SELECT of `set_config` changes a setting.
fn is_data(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Select(select) => SettingChange::set_config(select).is_none(),
        _ => matches!(
            stmt,
            Stmt::CompoundSelect(_)
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
                | Stmt::Notify(_)
        ),
    }
}

/// Classifies a statement that creates, changes or drops objects.
fn class_of_ddl(stmt: &Stmt) -> StatementClass {
    match stmt {
        Stmt::CreateRole(_)
        | Stmt::CreateUser(_)
        | Stmt::CreateGroup(_)
        | Stmt::AlterRole(_)
        | Stmt::AlterUser(_)
        | Stmt::AlterGroup(_)
        | Stmt::DropRole(_)
        | Stmt::DropUser(_)
        | Stmt::DropGroup(_) => StatementClass::Role,
        Stmt::Grant(grant) => class_of_grant(grant.syntax()),
        Stmt::Revoke(revoke) => class_of_grant(revoke.syntax()),
        Stmt::CreateDatabase(_)
        | Stmt::AlterDatabase(_)
        | Stmt::DropDatabase(_)
        | Stmt::CreateTablespace(_)
        | Stmt::AlterTablespace(_)
        | Stmt::DropTablespace(_)
        | Stmt::AlterSystem(_) => StatementClass::Cluster,
        Stmt::CommentOn(_) | Stmt::SecurityLabel(_) if is_on_cluster_object(stmt.syntax()) => {
            StatementClass::Cluster
        }
        Stmt::ImportForeignSchema(_) | Stmt::DropSubscription(_) => StatementClass::Remote,
        Stmt::CreateSubscription(create) if connects_to_publisher(create.syntax()) => StatementClass::Remote,
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
        // DROP of roles and cluster objects is matched above.
        other if other.syntax().first_token().is_some_and(|t| t.kind() == SyntaxKind::DROP_KW) => {
            StatementClass::Ordered
        }
        _ => StatementClass::Declaration,
    }
}

/// A GRANT without ON grants a membership; the effect of ON ALL depends on the objects that exist.
fn class_of_grant(node: &SyntaxNode) -> StatementClass {
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

fn is_on_cluster_object(node: &SyntaxNode) -> bool {
    node.children().any(|child| {
        matches!(
            child.kind(),
            SyntaxKind::OBJECT_DATABASE | SyntaxKind::OBJECT_ROLE | SyntaxKind::OBJECT_TABLESPACE
        )
    })
}

/// Whether a CREATE SUBSCRIPTION connects to the publisher and creates a slot there. It does unless it has the
/// option `connect = false`, which `pg_dump` writes.
fn connects_to_publisher(node: &SyntaxNode) -> bool {
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
    fn statements_are_classified() {
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
            let file = squawk_syntax::SourceFile::parse(text).tree();
            let found = file.stmts().next().as_ref().map_or(StatementClass::Unparsed, classify);
            assert_eq!(found, class, "{text}");
        }
    }
}
