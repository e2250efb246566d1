//! What a statement names: roles, what it refers to, what it creates.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::class::StatementClass;

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

/// The last parts of every name that a statement refers to.
pub(crate) fn references(text: &str) -> Vec<String> {
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

/// Every role that is named: `PUBLIC` and `NONE` are no roles, even in quotes.
pub(super) fn roles(root: &SyntaxNode, class: StatementClass) -> Vec<String> {
    let mut roles: Vec<String> = root
        .descendants()
        .filter(|node| match node.kind() {
            // The grammar cannot tell a privilege that is no keyword from a granted role.
            SyntaxKind::ROLE_NAME_REF => {
                class == StatementClass::Role
                    || !node.ancestors().any(|a| a.kind() == SyntaxKind::REVOKE_COMMAND)
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

pub(super) fn subject(stmt: &SyntaxNode) -> Option<Subject> {
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
    use super::super::class::read;
    use super::*;

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
