//! The tokens of a statement.

/// The tokens of a statement, without comments, in upper case unless they are quoted.
pub(super) fn words(text: &str) -> Vec<String> {
    tokens(text)
        .into_iter()
        .map(|token| if token.starts_with('"') { token } else { token.to_uppercase() })
        .collect()
}

/// The tokens of a statement, without comments.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let end = at + token.len as usize;
        let token = &text[at..end];
        let comment = token.starts_with("--") || token.starts_with("/*");
        if !token.trim().is_empty() && !comment {
            out.push(token.to_owned());
        }
        at = end;
    }
    out
}

/// Returns true for a DO block that ends transactions, which the server only allows outside a transaction block.
pub(super) fn ends_transactions(text: &str) -> bool {
    let tokens = tokens(text);
    let is_block = tokens.first().is_some_and(|word| word.eq_ignore_ascii_case("DO"));
    let body = tokens.iter().filter(|_| is_block).find_map(|token| {
        let tag = token.strip_prefix('$')?.find('$')? + 2;
        token.get(tag..token.len().checked_sub(tag)?)
    });
    body.is_some_and(|body| words(body).iter().any(|word| matches!(word.as_str(), "COMMIT" | "ROLLBACK")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn do_blocks_that_end_transactions() {
        assert!(ends_transactions("DO $$ BEGIN PERFORM 1; COMMIT; END $$"));
        assert!(ends_transactions("do language plpgsql $a$ BEGIN rollback; END $a$"));
        assert!(!ends_transactions("DO $$ BEGIN PERFORM 'COMMIT'; -- COMMIT\n END $$"));
        assert!(!ends_transactions("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$"));
        assert!(!ends_transactions("DO 'BEGIN COMMIT; END'"));
    }

    #[test]
    fn words_without_comments() {
        assert_eq!(
            words("create /* x */ index\n\"I\" on s.t -- y"),
            ["CREATE", "INDEX", "\"I\"", "ON", "S", ".", "T"]
        );
    }
}
