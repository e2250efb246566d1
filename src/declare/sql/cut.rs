//! Cuts text where `psql` would: at semicolons outside of quotes, parentheses and bodies.
//!
//! Works on tokens alone, so that one statement the grammar does not know leaves
//! its neighbours whole.

use std::ops::Range;

use squawk_lexer::{Token, TokenKind, tokenize};

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement without its semicolon, from its first token to its last.
    Statement(Range<usize>),
    /// A comment, wherever it stands; those inside of a statement come before it.
    Comment(Range<usize>),
    /// A line that starts with a backslash: a command of psql's.
    Meta(Range<usize>),
    /// The lines after `COPY ... FROM stdin;` up to `\.`.
    Data(Range<usize>),
}

/// Cuts `text` into pieces, in order.
pub(super) fn cut(text: &str) -> Vec<Piece> {
    // The lexer would make a byte order mark the head of the first word.
    let start = if text.starts_with(squawk_lexer::BOM) { squawk_lexer::BOM.len() } else { 0 };
    let mut cutter = Cutter { text, at: start, pieces: Vec::new(), current: Open::default() };
    while cutter.run() {}
    cutter.close();
    cutter.pieces
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    pieces: Vec<Piece>,
    current: Open,
}

/// The statement in hand.
#[derive(Default)]
struct Open {
    span: Option<Range<usize>>,
    words: usize,
    /// Its first words in lower case: as many as tell a routine or a COPY.
    head: Vec<String>,
    from_stdin: u8,
    parens: usize,
    /// Depth of `BEGIN ATOMIC` and of the `CASE`s in it.
    blocks: usize,
}

impl Cutter<'_> {
    /// Reads tokens from `at` on; true when it left the token stream and must start again.
    fn run(&mut self) -> bool {
        let text = self.text;
        for token in tokenize(&text[self.at..]) {
            let span = self.at..self.at + token.len as usize;
            self.at = span.end;
            match token.kind {
                TokenKind::Whitespace => {}
                TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                    self.pieces.push(Piece::Comment(span));
                }
                TokenKind::Semi if self.current.parens == 0 && self.current.blocks == 0 => {
                    if self.close() {
                        self.skip_data();
                        return true;
                    }
                }
                TokenKind::Unknown if text[span.clone()].starts_with('\\') => {
                    // The rest of the line is psql's, and may hold half of a quote.
                    self.at = line_end(text, span.start);
                    self.pieces.push(Piece::Meta(span.start..self.at));
                    return true;
                }
                _ => self.current.add(text, &token, span),
            }
        }
        false
    }

    /// Ends the statement in hand; true when lines of data follow it.
    fn close(&mut self) -> bool {
        let open = std::mem::take(&mut self.current);
        if let Some(span) = open.span {
            self.pieces.push(Piece::Statement(span));
        }
        open.from_stdin == 2
    }

    /// Takes the lines of a `COPY` up to the one that is `\.` alone.
    fn skip_data(&mut self) {
        let start = (line_end(self.text, self.at) + 1).min(self.text.len());
        let mut end = start;
        for line in self.text[start..].split_inclusive('\n') {
            end += line.len();
            if line.trim_end() == "\\." {
                break;
            }
        }
        self.pieces.push(Piece::Data(start..end));
        self.at = end;
    }
}

impl Open {
    fn add(&mut self, text: &str, token: &Token, span: Range<usize>) {
        match token.kind {
            TokenKind::OpenParen => self.parens += 1,
            TokenKind::CloseParen => self.parens = self.parens.saturating_sub(1),
            TokenKind::Ident => self.word(&text[span.clone()].to_ascii_lowercase()),
            _ => {}
        }
        self.span = Some(self.span.as_ref().map_or(span.start, |open| open.start)..span.end);
    }

    /// A BEGIN opens a block only in a routine, and only outside of its parameters (psqlscan.l).
    fn word(&mut self, word: &str) {
        self.words += 1;
        if self.head.len() < 4 {
            self.head.push(word.to_string());
        }
        if self.parens > 0 {
            return;
        }
        if self.is_routine() {
            match word {
                "begin" => self.blocks += 1,
                "case" if self.blocks > 0 => self.blocks += 1,
                "end" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        } else if self.head[0] == "copy" {
            // FROM and STDIN next to each other: 1, then 2.
            self.from_stdin = match (self.from_stdin, word) {
                (0, "from") => 1,
                (1, "stdin") | (2, _) => 2,
                _ => 0,
            };
        }
    }

    fn is_routine(&self) -> bool {
        let head: Vec<&str> = self.head.iter().map(String::as_str).collect();
        matches!(
            head.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        )
    }
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |length| from + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        cut(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Statement(span) => Some(&text[span]),
                Piece::Comment(_) | Piece::Meta(_) | Piece::Data(_) => None,
            })
            .collect()
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        assert_eq!(
            statements("a ';' ; b \";\" ; c $$;$$; d $x$ $$;$$ $x$;"),
            ["a ';'", "b \";\"", "c $$;$$", "d $x$ $$;$$ $x$"]
        );
        assert_eq!(
            statements("a /* ; /* ; */ ; */ b; -- ;\nc E'\\';' ; d 'it''s;'"),
            ["a /* ; /* ; */ ; */ b", "c E'\\';'", "d 'it''s;'"]
        );
        assert_eq!(statements("a$b$c; d$b$e; U&\"x;\";"), ["a$b$c", "d$b$e", "U&\"x;\""]);
        assert_eq!(statements(";; ;-- only\n"), Vec::<&str>::new());
    }

    #[test]
    fn bodies_keep_their_semicolons() {
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC \
                        SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(statements(&format!("{function}; SELECT 1")), [function, "SELECT 1"]);
        let rule = "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)";
        assert_eq!(statements(&format!("{rule};BEGIN;COMMIT;")), [rule, "BEGIN", "COMMIT"]);
    }

    #[test]
    fn what_the_grammar_does_not_know_stays_one_statement() {
        assert_eq!(
            statements("FROBNICATE )) x; CREATE TABLE t ();"),
            ["FROBNICATE )) x", "CREATE TABLE t ()"]
        );
    }

    #[test]
    fn lines_of_psql_and_data_are_apart() {
        let text = "\\restrict a'b\nSELECT 1;\nCOPY public.t (a, b) FROM stdin;\n1\tit's;\n\\.\nSELECT 2;\n";
        let pieces: Vec<String> = cut(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Statement(span) => format!("statement {}", &text[span]),
                Piece::Comment(span) => format!("comment {}", &text[span]),
                Piece::Meta(span) => format!("meta {}", &text[span]),
                Piece::Data(span) => format!("data {:?}", &text[span]),
            })
            .collect();
        assert_eq!(
            pieces,
            [
                "meta \\restrict a'b",
                "statement SELECT 1",
                "statement COPY public.t (a, b) FROM stdin",
                "data \"1\\tit's;\\n\\\\.\\n\"",
                "statement SELECT 2",
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_word() {
        assert_eq!(statements("\u{feff}SELECT 1"), ["SELECT 1"]);
    }
}
