//! Helpers for syntax trees.

use std::ops::Range;

use squawk_syntax::SyntaxNode;

/// Returns the byte range of a node in the text of its statement.
pub(super) fn span(node: &SyntaxNode) -> Range<usize> {
    node.text_range().start().into()..node.text_range().end().into()
}

/// Returns the parser's message about a statement that does not parse.
pub(super) fn syntax_error(text: &str) -> Option<String> {
    let error = squawk_syntax::SourceFile::parse(text).errors().into_iter().next()?;
    Some(error.message().to_string())
}
