//! The names in a statement: roles, referenced objects and the object that it creates.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::class::StatementClass;

/// The object that a statement creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedObject {
    /// The schema, if the name is qualified.
    pub schema: Option<String>,
    /// The name, as the server stores it.
    pub name: String,
    /// The rest of its identity: the table of a trigger, the parameters of a routine.
    pub qualifier: String,
    /// The keywords between CREATE and the name, in lower case, such as `unique index`.
    pub kind: String,
}

impl CreatedObject {
    /// Whether two statements may create the same object. An unqualified name may be in any schema.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        let schemas = self.schema.is_none() || other.schema.is_none() || self.schema == other.schema;
        schemas && self.name == other.name && self.qualifier == other.qualifier
    }
}

/// Returns the names of the objects that a statement refers to, without their schemas.
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

/// Returns the roles that a statement names, sorted. `PUBLIC` and `NONE` are not roles, even in quotes.
pub(super) fn roles(root: &SyntaxNode, class: StatementClass) -> Vec<String> {
    let mut roles: Vec<String> = root
        .descendants()
        .filter(|node| match node.kind() {
            // The parser cannot distinguish a privilege that is not a keyword from a role.
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

/// The children of a CREATE statement that name the created object.
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

/// The children that complete the identity of a trigger, policy, rule or routine.
const QUALIFIERS: &[SyntaxKind] = &[
    SyntaxKind::PARAM_LIST,
    SyntaxKind::ON_RELATION,
    SyntaxKind::ON_TABLE,
    SyntaxKind::RULE_ON,
    SyntaxKind::ATTRIBUTE_LIST,
];

/// Returns the object that a CREATE statement creates.
pub(super) fn created_object(stmt: &SyntaxNode) -> Option<CreatedObject> {
    if stmt.first_token()?.kind() != SyntaxKind::CREATE_KW {
        return None;
    }
    // The name of CREATE SCHEMA is one level deeper.
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
    let qualifier: Vec<String> =
        stmt.children().filter(|c| QUALIFIERS.contains(&c.kind())).map(|c| normalized_text(&c)).collect();
    Some(CreatedObject {
        schema: parts.pop(),
        name: last,
        qualifier: qualifier.join(" "),
        kind: kind.join(" "),
    })
}

fn normalized_text(node: &SyntaxNode) -> String {
    let text = node.text().to_string().to_ascii_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
