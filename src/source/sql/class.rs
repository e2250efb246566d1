//! What a statement is, read from its syntax tree and never from its text.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode, Stmt, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::setting::Change;

/// What a statement does to a declared schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
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

/// What a statement creates, to find two that create the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The schema, where it is written.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// What else tells it apart: a trigger's table, a routine's parameters.
    pub rest: String,
    /// The words of its kind, such as `table`.
    pub kind: String,
}

impl Subject {
    /// Whether two are the same; a name without a schema may be in any.
    pub(super) fn same(&self, other: &Self) -> bool {
        let schemas = self.schema.is_none() || other.schema.is_none() || self.schema == other.schema;
        schemas && self.name == other.name && self.rest == other.rest
    }
}

/// What the syntax tree says about one statement. Ranges are bytes of its text.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) class: Class,
    /// Its first word in upper case, such as `INSERT`.
    pub(super) word: String,
    pub(super) roles: Vec<String>,
    pub(super) subject: Option<Subject>,
    pub(super) extension: Option<(String, Range<usize>)>,
    /// Columns that it defines.
    pub(super) columns: Vec<(String, Range<usize>)>,
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
    let class = stmt.as_ref().map_or(Class::Unparsed, classify);
    Reading {
        class,
        word: first_word(text),
        roles: roles(root, class),
        subject: stmt.as_ref().and_then(|stmt| subject(stmt.syntax())),
        extension: match &stmt {
            Some(Stmt::CreateExtension(create)) => {
                create.extension().map(|name| (normalize_name_node(name.syntax()), span(name.syntax())))
            }
            _ => None,
        },
        columns: root
            .descendants()
            .filter_map(|node| match node.kind() {
                SyntaxKind::COLUMN | SyntaxKind::ADD_COLUMN => {
                    let name = node.children().find(|child| child.kind() == SyntaxKind::COLUMN_NAME)?;
                    Some((normalize_name_node(&name), span(&node)))
                }
                _ => None,
            })
            .collect(),
        change: match class {
            Class::Session | Class::Transaction => stmt.as_ref().and_then(|s| Change::read(s, text)),
            _ => None,
        },
        part: stmt.as_ref().map_or(Part::None, part),
        copies: root
            .descendants()
            .any(|node| matches!(node.kind(), SyntaxKind::COPY_STDIN | SyntaxKind::COPY_STDOUT)),
    }
}

/// Where the grammar gives up, and its words, for a statement that the server refused too.
pub(super) fn syntax_error(text: &str) -> Option<(usize, String)> {
    let error = squawk_syntax::SourceFile::parse(text).errors().into_iter().next()?;
    Some((error.range().start().into(), error.message().to_string()))
}

/// The last parts of every name that a statement refers to.
pub(super) fn references(text: &str) -> Vec<String> {
    let file = squawk_syntax::SourceFile::parse(text).tree();
    file.syntax()
        .descendants()
        .filter(|node| {
            node.kind() == SyntaxKind::NAME_REF
                || node.kind() == SyntaxKind::SCHEMA_REF
                || node.kind() == SyntaxKind::PATH_SEGMENT_REF
        })
        .map(|node| normalize_name_node(&node))
        .filter(|name| !name.is_empty())
        .collect()
}

pub(super) fn span(node: &SyntaxNode) -> Range<usize> {
    node.text_range().start().into()..node.text_range().end().into()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
}

fn classify(stmt: &Stmt) -> Class {
    match stmt {
        Stmt::Set(_)
        | Stmt::Reset(_)
        | Stmt::SetRole(_)
        | Stmt::ResetRole(_)
        | Stmt::SetSessionAuth(_)
        | Stmt::ResetSessionAuth(_)
        | Stmt::Discard(_)
        | Stmt::Load(_) => Class::Session,
        Stmt::Select(select) if Change::set_config(select).is_some() => Class::Session,

        Stmt::Begin(_)
        | Stmt::Commit(_)
        | Stmt::Rollback(_)
        | Stmt::PrepareTransaction(_)
        | Stmt::SavepointCreate(_)
        | Stmt::ReleaseSavepoint(_)
        | Stmt::SetTransaction(_)
        | Stmt::SetConstraints(_) => Class::Transaction,

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
        | Stmt::Refresh(_)
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
        | Stmt::Notify(_) => Class::Data,

        Stmt::CreateRole(_)
        | Stmt::CreateUser(_)
        | Stmt::CreateGroup(_)
        | Stmt::AlterRole(_)
        | Stmt::AlterUser(_)
        | Stmt::AlterGroup(_)
        | Stmt::DropRole(_)
        | Stmt::DropUser(_)
        | Stmt::DropGroup(_) => Class::Role,
        Stmt::Grant(grant) => granted(grant.syntax()),
        Stmt::Revoke(revoke) => granted(revoke.syntax()),

        Stmt::CreateDatabase(_)
        | Stmt::AlterDatabase(_)
        | Stmt::DropDatabase(_)
        | Stmt::CreateTablespace(_)
        | Stmt::AlterTablespace(_)
        | Stmt::DropTablespace(_)
        | Stmt::AlterSystem(_) => Class::Cluster,
        Stmt::CommentOn(_) | Stmt::SecurityLabel(_) if on_cluster(stmt.syntax()) => Class::Cluster,

        Stmt::ImportForeignSchema(_) | Stmt::DropSubscription(_) => Class::Remote,
        Stmt::CreateSubscription(create) if connects(create.syntax()) => Class::Remote,
        Stmt::AlterSubscription(alter) => match alter.action() {
            Some(
                ast::AlterSubscriptionAction::OwnerTo(_)
                | ast::AlterSubscriptionAction::SubscriptionRenameTo(_)
                | ast::AlterSubscriptionAction::DisableSubscription(_),
            ) => Class::Declaration,
            _ => Class::Remote,
        },

        Stmt::Do(_) | Stmt::AlterDefaultPrivileges(_) | Stmt::DropOwned(_) | Stmt::Reassign(_) => {
            Class::Ordered
        }
        // Every other DROP; those of clusters and roles are above.
        other if other.syntax().first_token().is_some_and(|t| t.kind() == SyntaxKind::DROP_KW) => {
            Class::Ordered
        }
        _ => Class::Declaration,
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
fn granted(node: &SyntaxNode) -> Class {
    let Some(objects) = node.children().find(|child| child.kind() == SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE)
    else {
        return Class::Role;
    };
    match objects.first_child().map(|child| child.kind()) {
        Some(
            SyntaxKind::PRIVILEGE_ALL_FUNCTIONS_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_PROCEDURES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_ROUTINES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_SEQUENCES_IN_SCHEMA
            | SyntaxKind::PRIVILEGE_ALL_TABLES_IN_SCHEMA,
        ) => Class::Ordered,
        Some(
            SyntaxKind::PRIVILEGE_DATABASE
            | SyntaxKind::PRIVILEGE_TABLESPACE
            | SyntaxKind::PRIVILEGE_PARAMETER,
        ) => Class::Cluster,
        _ => Class::Declaration,
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

/// Every role that is named: `PUBLIC` and `NONE` are no roles, even in quotes.
fn roles(root: &SyntaxNode, class: Class) -> Vec<String> {
    let mut roles: Vec<String> = root
        .descendants()
        .filter(|node| match node.kind() {
            // The grammar cannot tell a privilege that is no keyword from a granted role.
            SyntaxKind::ROLE_NAME_REF => {
                class == Class::Role || !node.ancestors().any(|a| a.kind() == SyntaxKind::REVOKE_COMMAND)
            }
            SyntaxKind::ROLE => true,
            _ => false,
        })
        .map(|node| normalize_name_node(&node))
        .chain(root.descendants().filter_map(|node| {
            match node.kind() {
                // SET ROLE 'name'
                SyntaxKind::SET_ROLE | SyntaxKind::SET_SESSION_AUTH => node
                    .children()
                    .filter_map(ast::Literal::cast)
                    .find_map(|literal| Some(literal.decoded_value()?.text().to_string())),
                _ => None,
            }
        }))
        .filter(|role| {
            !matches!(
                role.as_str(),
                "" | "public" | "none" | "current_user" | "session_user" | "current_role"
            )
        })
        .collect();
    roles.sort();
    roles.dedup();
    roles
}

/// Nodes that name what a CREATE makes, directly below it.
const NAMES: &[SyntaxKind] = &[
    SyntaxKind::TABLE_NAME,
    SyntaxKind::VIEW,
    SyntaxKind::INDEX,
    SyntaxKind::SEQUENCE,
    SyntaxKind::TYPE_NAME,
    SyntaxKind::DOMAIN,
    SyntaxKind::FUNCTION_NAME,
    SyntaxKind::PROCEDURE_NAME,
    SyntaxKind::AGGREGATE_NAME,
    SyntaxKind::TRIGGER,
    SyntaxKind::POLICY,
    SyntaxKind::RULE,
    SyntaxKind::COLLATION,
    SyntaxKind::CONVERSION,
    SyntaxKind::EXTENSION,
    SyntaxKind::LANGUAGE,
    SyntaxKind::SERVER,
    SyntaxKind::STATISTICS,
    SyntaxKind::PUBLICATION,
    SyntaxKind::SUBSCRIPTION,
    SyntaxKind::EVENT_TRIGGER,
    SyntaxKind::FOREIGN_DATA_WRAPPER,
    SyntaxKind::OP,
    SyntaxKind::OP_CLASS_NAME,
    SyntaxKind::OP_FAMILY_NAME,
    SyntaxKind::TEXT_SEARCH_CONFIGURATION,
    SyntaxKind::TEXT_SEARCH_DICTIONARY,
    SyntaxKind::SCHEMA,
];

/// What else belongs to the identity of a trigger, policy, rule or routine.
const QUALIFIERS: &[SyntaxKind] = &[
    SyntaxKind::PARAM_LIST,
    SyntaxKind::ON_RELATION,
    SyntaxKind::ON_TABLE,
    SyntaxKind::RULE_ON,
    SyntaxKind::ATTRIBUTE_LIST,
];

fn subject(stmt: &SyntaxNode) -> Option<Subject> {
    if stmt.first_token()?.kind() != SyntaxKind::CREATE_KW {
        return None;
    }
    // CREATE SCHEMA keeps its name one level down.
    let name = stmt.children().find_map(|child| {
        let named = child.kind() == SyntaxKind::NAMED_SCHEMA;
        let node = if named { child.first_child()? } else { child };
        NAMES.contains(&node.kind()).then_some(node)
    })?;
    let kind: Vec<String> = stmt
        .children_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token)
        .skip(1)
        .take_while(|token| token.text_range().end() <= name.text_range().start())
        .filter(|token| !token.kind().is_trivia())
        .map(|token| token.text().to_ascii_lowercase())
        .collect();
    let mut parts: Vec<String> = name
        .descendants()
        .filter(|node| matches!(node.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
        .map(|node| normalize_name_node(&node))
        .collect();
    if parts.is_empty() {
        parts.push(normalize_name_node(&name));
    }
    let last = parts.pop().unwrap_or_default();
    let rest: Vec<String> =
        stmt.children().filter(|c| QUALIFIERS.contains(&c.kind())).map(|c| words(&c)).collect();
    Some(Subject { schema: parts.pop(), name: last, rest: rest.join(" "), kind: kind.join(" ") })
}

fn words(node: &SyntaxNode) -> String {
    let text = node.text().to_string().to_ascii_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_from_the_grammar() {
        let cases = [
            ("CREATE TABLE t (insert_ text DEFAULT 'DELETE FROM x')", Class::Declaration),
            ("CREATE TABLE t AS SELECT 1", Class::Declaration),
            ("COMMENT ON TABLE t IS 'x'", Class::Declaration),
            ("GRANT SELECT ON t TO app", Class::Declaration),
            ("GRANT SELECT ON ALL TABLES IN SCHEMA s TO app", Class::Ordered),
            ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app", Class::Ordered),
            ("DO $$BEGIN END$$", Class::Ordered),
            ("DROP TABLE IF EXISTS t", Class::Ordered),
            ("GRANT a TO b", Class::Role),
            ("CREATE ROLE a", Class::Role),
            ("ALTER USER a SET x = 1", Class::Role),
            ("GRANT CONNECT ON DATABASE d TO b", Class::Cluster),
            ("COMMENT ON DATABASE d IS 'x'", Class::Cluster),
            ("ALTER SYSTEM SET x = 1", Class::Cluster),
            ("CREATE DATABASE d", Class::Cluster),
            ("SET search_path = a, b", Class::Session),
            ("SELECT pg_catalog.set_config('search_path', '', false)", Class::Session),
            ("SELECT pg_catalog.setval('s', 1, false)", Class::Data),
            ("SELECT set_config('a.b', 'c', false) FROM t", Class::Data),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", Class::Data),
            ("COPY t FROM stdin", Class::Data),
            ("START TRANSACTION", Class::Transaction),
            ("END", Class::Transaction),
            ("ROLLBACK TO SAVEPOINT x", Class::Transaction),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", Class::Remote),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)", Class::Declaration),
            ("ALTER SUBSCRIPTION s ENABLE", Class::Remote),
            ("ALTER SUBSCRIPTION s OWNER TO a", Class::Declaration),
            ("FROBNICATE x", Class::Unparsed),
        ];
        for (text, class) in cases {
            assert_eq!(read(text).class, class, "{text}");
        }
    }

    #[test]
    fn roles_are_spelled_as_the_server_does() {
        let roles = |text| read(text).roles;
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
    fn subjects_tell_what_a_statement_makes() {
        let subject = |text| {
            let subject = read(text).subject.unwrap();
            let Subject { schema, name, rest, kind } = subject;
            format!("{kind} {schema:?} {name} {rest}").trim_end().to_string()
        };
        assert_eq!(subject("CREATE TABLE IF NOT EXISTS App.\"T\" (a int)"), "table Some(\"app\") T");
        assert_eq!(subject("CREATE UNIQUE INDEX i ON t (a)"), "unique index None i");
        assert_eq!(subject("CREATE SCHEMA s AUTHORIZATION a"), "schema None s");
        assert_eq!(
            subject("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"),
            "trigger None g on t"
        );
        assert_eq!(
            subject("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS '1'"),
            "function None f (a int)"
        );
        assert_eq!(subject("CREATE VIEW v AS SELECT 1"), "view None v");
    }
}
