//! Parts of a statement that a directive can be written beside.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::syntax::span;

/// A part of a statement that a directive can be written beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementPart {
    /// A column of a table, or an attribute of a composite type.
    Column(String),
    /// A named constraint.
    Constraint(String),
    /// A value of an enum.
    Value(String),
}

/// Returns the parts that a statement defines, each with its range in the text.
pub(super) fn parts(root: &SyntaxNode) -> Vec<(StatementPart, Range<usize>)> {
    root.descendants().filter_map(|node| Some((part(&node)?, span(&node)))).collect()
}

fn part(node: &SyntaxNode) -> Option<StatementPart> {
    let child = |kind: SyntaxKind| node.children().find(|child| child.kind() == kind);
    let name = |kind: SyntaxKind| child(kind).map(|name| normalize_name_node(&name));
    match node.kind() {
        SyntaxKind::COLUMN | SyntaxKind::ADD_COLUMN => {
            name(SyntaxKind::COLUMN_NAME).map(StatementPart::Column)
        }
        SyntaxKind::COMPOSITE_FIELD_DEF => name(SyntaxKind::COMPOSITE_FIELD).map(StatementPart::Column),
        SyntaxKind::VARIANT => {
            let literal = ast::Literal::cast(child(SyntaxKind::LITERAL)?)?;
            Some(StatementPart::Value(literal.decoded_value()?.text().to_string()))
        }
        // Only table constraints: beside a column constraint, a directive is about the column.
        _ if node.parent().is_some_and(|parent| {
            matches!(parent.kind(), SyntaxKind::TABLE_ARG_LIST | SyntaxKind::ADD_CONSTRAINT)
        }) =>
        {
            let clause = child(SyntaxKind::CONSTRAINT_NAME_CLAUSE)?;
            let name = clause.children().find(|child| child.kind() == SyntaxKind::CONSTRAINT_NAME)?;
            Some(StatementPart::Constraint(normalize_name_node(&name)))
        }
        _ => None,
    }
}
