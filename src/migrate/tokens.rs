//! The tokens of a statement.

use std::ops::Range;

use crate::model::REPEATABLE_BLOCK;

/// The tokens of a statement, without comments, in upper case unless they are quoted.
pub(super) fn words(text: &str) -> Vec<String> {
    tokens(text)
        .into_iter()
        .map(|token| if token.starts_with('"') { token } else { token.to_uppercase() })
        .collect()
}

/// The tokens of a statement, without comments.
pub(super) fn tokens(text: &str) -> Vec<String> {
    spans(text).into_iter().map(|span| text[span].to_owned()).collect()
}

/// The places of the tokens of a statement, without comments.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let is_comment = |text: &str| text.starts_with("--") || text.starts_with("/*");
    let is_token =
        |span: &Range<usize>| !text[span.clone()].trim().is_empty() && !is_comment(&text[span.clone()]);
    all_spans(text).filter(is_token).collect()
}

/// The places of the tokens of a statement, with comments and spaces.
fn all_spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    squawk_lexer::tokenize(text).map(move |token| {
        let start = at;
        at += token.len as usize;
        start..at
    })
}

/// Returns true for a DO block that ends transactions, which the server only allows outside a transaction block.
pub(super) fn ends_transactions(text: &str) -> bool {
    let body = block_body(text);
    body.is_some_and(|body| words(&body).iter().any(|word| matches!(word.as_str(), "COMMIT" | "ROLLBACK")))
}

/// Returns true for a DO block that continues where it stopped if it is run again: its text has a comment that says so,
/// or it is a backfill of version 0.1.
pub(super) fn is_repeatable_block(text: &str) -> bool {
    let Some(body) = block_body(text) else { return false };
    let marked = all_spans(&body).any(|span| body[span].trim_end() == REPEATABLE_BLOCK);
    let words = words(&body);
    let has = |word: &str| words.iter().any(|other| other == word);
    marked || BACKFILL_0_1.iter().all(|word| has(word))
}

/// Variables of the backfills of version 0.1.
const BACKFILL_0_1: [&str; 4] = ["SD_MORE", "SD_BATCH_ROWS", "SD_PASS_ROWS", "SD_IDLE_PASSES"];

/// The text of a DO block, without its dollar quotes.
fn block_body(text: &str) -> Option<String> {
    let tokens = tokens(text);
    let is_block = tokens.first().is_some_and(|word| word.eq_ignore_ascii_case("DO"));
    tokens.iter().filter(|_| is_block).find_map(|token| {
        let tag = token.strip_prefix('$')?.find('$')? + 2;
        token.get(tag..token.len().checked_sub(tag)?).map(str::to_owned)
    })
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
    fn repeatable_blocks() {
        assert!(is_repeatable_block("DO $$\n-- schemadiff: repeatable\nBEGIN COMMIT; END $$"));
        assert!(!is_repeatable_block("-- schemadiff: repeatable\nDO $$ BEGIN COMMIT; END $$"));
        assert!(!is_repeatable_block("DO $$ BEGIN PERFORM '-- schemadiff: repeatable'; COMMIT; END $$"));
        assert!(is_repeatable_block(
            "DO $a$ DECLARE sd_more boolean; BEGIN sd_batch_rows := 0; sd_pass_rows := sd_idle_passes; COMMIT; END $a$"
        ));
        assert!(!is_repeatable_block("DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$"));
    }

    #[test]
    fn words_without_comments() {
        assert_eq!(
            words("create /* x */ index\n\"I\" on s.t -- y"),
            ["CREATE", "INDEX", "\"I\"", "ON", "S", ".", "T"]
        );
    }
}
