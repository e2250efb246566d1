//! Cuts text into statements where `psql` would: at semicolons outside of quotes, parentheses and function bodies.
//!
//! Only tokens count, so a statement that does not parse does not affect its neighbours.

use std::ops::Range;

use squawk_lexer::{Token, TokenKind, tokenize};

/// A segment of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// A statement without its semicolon, from its first token to its last.
    Statement(Range<usize>),
    /// A comment. Comments inside a statement precede it in the list.
    Comment(Range<usize>),
    /// A psql command: a backslash and the rest of its line.
    PsqlCommand(Range<usize>),
    /// The rows after `COPY ... FROM stdin;` up to `\.`.
    Data(Range<usize>),
}

/// Cuts `text` into segments, in order.
pub(super) fn cut(text: &str) -> Vec<Segment> {
    // The lexer would treat a byte order mark as part of the first word.
    let start = if text.starts_with(squawk_lexer::BOM) { squawk_lexer::BOM.len() } else { 0 };
    let mut cutter = Cutter { text, at: start, segments: Vec::new(), current: OpenStatement::default() };
    while cutter.run() {}
    cutter.close();
    cutter.segments
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    segments: Vec<Segment>,
    current: OpenStatement,
}

/// The statement that is being read.
#[derive(Default)]
struct OpenStatement {
    span: Option<Range<usize>>,
    words: usize,
    /// The first words in lower case, enough to recognize a routine or a COPY.
    head: Vec<String>,
    /// How many of the words FROM STDIN have been read.
    from_stdin: u8,
    parens: usize,
    /// The nesting depth of `BEGIN ATOMIC` and of `CASE` inside it.
    blocks: usize,
}

impl Cutter<'_> {
    /// Reads tokens from `at`. Returns true if it skipped text and must be called again.
    fn run(&mut self) -> bool {
        let text = self.text;
        for token in tokenize(&text[self.at..]) {
            let span = self.at..self.at + token.len as usize;
            self.at = span.end;
            match token.kind {
                TokenKind::Whitespace => {}
                TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                    self.segments.push(Segment::Comment(span));
                }
                TokenKind::Semi if self.current.parens == 0 && self.current.blocks == 0 => {
                    if self.close() {
                        self.skip_data();
                        return true;
                    }
                }
                TokenKind::Unknown if text[span.clone()].starts_with('\\') => {
                    // The rest of the line belongs to psql and may contain an unbalanced quote.
                    self.at = line_end(text, span.start);
                    self.segments.push(Segment::PsqlCommand(span.start..self.at));
                    return true;
                }
                _ => self.current.add(text, &token, span),
            }
        }
        false
    }

    /// Ends the current statement. Returns true if rows of a COPY follow.
    fn close(&mut self) -> bool {
        let open = std::mem::take(&mut self.current);
        if let Some(span) = open.span {
            self.segments.push(Segment::Statement(span));
        }
        open.from_stdin == 2
    }

    /// Skips the rows of a `COPY`, up to the line `\.`.
    fn skip_data(&mut self) {
        let start = (line_end(self.text, self.at) + 1).min(self.text.len());
        let mut end = start;
        for line in self.text[start..].split_inclusive('\n') {
            end += line.len();
            if line.trim_end() == "\\." {
                break;
            }
        }
        self.segments.push(Segment::Data(start..end));
        self.at = end;
    }
}

impl OpenStatement {
    fn add(&mut self, text: &str, token: &Token, span: Range<usize>) {
        match token.kind {
            TokenKind::OpenParen => self.parens += 1,
            TokenKind::CloseParen => self.parens = self.parens.saturating_sub(1),
            TokenKind::Ident => self.word(&text[span.clone()].to_ascii_lowercase()),
            _ => {}
        }
        self.span = Some(self.span.as_ref().map_or(span.start, |open| open.start)..span.end);
    }

    /// Reads a word. BEGIN opens a block only in a routine and outside of its parameters (psqlscan.l).
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
            // The two words must be adjacent.
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
            .filter_map(|segment| match segment {
                Segment::Statement(span) => Some(&text[span]),
                Segment::Comment(_) | Segment::PsqlCommand(_) | Segment::Data(_) => None,
            })
            .collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_end_a_statement() {
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
    fn semicolons_in_bodies_do_not_end_a_statement() {
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC \
                        SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(statements(&format!("{function}; SELECT 1")), [function, "SELECT 1"]);
        let rule = "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)";
        assert_eq!(statements(&format!("{rule};BEGIN;COMMIT;")), [rule, "BEGIN", "COMMIT"]);
    }

    #[test]
    fn unknown_statement_is_one_statement() {
        assert_eq!(
            statements("FROBNICATE )) x; CREATE TABLE t ();"),
            ["FROBNICATE )) x", "CREATE TABLE t ()"]
        );
    }

    #[test]
    fn psql_commands_and_rows_are_separate_segments() {
        let text = "\\restrict a'b\nSELECT 1;\nCOPY public.t (a, b) FROM stdin;\n1\tit's;\n\\.\nSELECT 2;\n";
        let segments: Vec<String> = cut(text)
            .into_iter()
            .map(|segment| match segment {
                Segment::Statement(span) => format!("statement {}", &text[span]),
                Segment::Comment(span) => format!("comment {}", &text[span]),
                Segment::PsqlCommand(span) => format!("meta {}", &text[span]),
                Segment::Data(span) => format!("data {:?}", &text[span]),
            })
            .collect();
        assert_eq!(
            segments,
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
    fn byte_order_mark_is_skipped() {
        assert_eq!(statements("\u{feff}SELECT 1"), ["SELECT 1"]);
    }
}
