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

/// The edit distance between two words, with a swap of two neighbours counted as one edit (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
