//! Helpers for the wording of messages: suggestions for misspelt names, counts, and the extent of an error.

use squawk_lexer::TokenKind;

/// Returns the candidate that `name` is most likely a misspelling of, if one is close enough.
///
/// ```
/// use schemadiff::error::text::suggest;
/// assert_eq!(suggest("colunms", ["columns", "checks"]), Some("columns"));
/// assert_eq!(suggest("x", ["columns", "checks"]), None);
/// ```
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong, at least one.
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A count with its noun: `1 statement`, `2 statements`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Returns the end of the word or dotted name that starts at `at`. A server reports where an error starts, but not
/// where it ends.
pub(crate) fn word_end(text: &str, at: usize) -> usize {
    let mut end = text.floor_char_boundary(at.min(text.len()));
    let mut tokens = squawk_lexer::tokenize(&text[end..]).peekable();
    while let Some(token) = tokens.next() {
        end += token.len as usize;
        let dotted =
            token.kind == TokenKind::Dot || tokens.peek().is_some_and(|next| next.kind == TokenKind::Dot);
        if !dotted {
            break;
        }
    }
    end
}

/// Returns the edit distance between two words, ignoring case. A swap of two neighbours counts as one edit.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_words_are_suggested() {
        assert_eq!(suggest("talbe", ["view", "table"]), Some("table"));
        assert_eq!(suggest("NAME", ["names", "name"]), Some("name"));
        assert_eq!(suggest("zebra", ["view", "table"]), None);
    }
}
