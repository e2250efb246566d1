//! Prints YAML, with quotes only where they are needed and blocks only where they preserve every byte.

use std::fmt::Write as _;
use std::sync::Arc;

use super::value::can_trim_newlines;
use crate::yaml::{self, Style, Value};

/// The maximum width of a list or map on one line.
const WIDTH: usize = 100;

/// A value to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    /// A flag or number, printed as it is.
    Bare(String),
    /// A string. It is quoted if a reader could take it for another type.
    Text(String),
    /// SQL, in which numbers and flags need no quotes.
    Sql(String),
    /// A list.
    List(Vec<Yaml>),
    /// A map, on one line if it fits.
    Map(Vec<(String, Yaml)>),
    /// A map with one line per entry.
    Block(Vec<(String, Yaml)>),
}

/// Prints a file.
pub(super) fn print(entries: &[(String, Yaml)]) -> String {
    let mut out = String::new();
    print_block(&mut out, entries, 0);
    out
}

/// Prints a map with one line per entry.
fn print_block(out: &mut String, entries: &[(String, Yaml)], indent: usize) {
    for (key, value) in entries {
        let head = format!("{}{}:", " ".repeat(indent), scalar(key, Context::Block, false));
        out.push_str(&head);
        print_value(out, value, indent, head.chars().count());
    }
}

/// Prints a value after its key or dash, including the newline.
fn print_value(out: &mut String, value: &Yaml, indent: usize, used: usize) {
    let one_line = match value {
        Yaml::Bare(text) => Some(text.clone()),
        Yaml::Text(text) | Yaml::Sql(text) if !text.contains('\n') => {
            Some(scalar(text, Context::Block, matches!(value, Yaml::Sql(_))))
        }
        Yaml::Text(_) | Yaml::Sql(_) => None,
        Yaml::Block(entries) if !entries.is_empty() => None,
        Yaml::List(_) | Yaml::Map(_) | Yaml::Block(_) => {
            flow(value).filter(|text| used + 1 + text.chars().count() <= WIDTH || text.len() == 2)
        }
    };
    if let Some(text) = one_line {
        out.push(' ');
        out.push_str(&text);
        out.push('\n');
        return;
    }
    match value {
        Yaml::Map(entries) | Yaml::Block(entries) => {
            out.push('\n');
            print_block(out, entries, indent + 2);
        }
        Yaml::List(items) => {
            out.push('\n');
            for item in items {
                let head = format!("{}-", " ".repeat(indent + 2));
                out.push_str(&head);
                print_value(out, item, indent + 2, head.len());
            }
        }
        Yaml::Text(text) => print_lines(out, text, literal(text, indent)),
        Yaml::Sql(text) => print_lines(out, text, literal_sql(text, indent)),
        Yaml::Bare(_) => {}
    }
}

/// Prints a text with several lines: as a block, or in double quotes.
fn print_lines(out: &mut String, text: &str, block: Option<String>) {
    out.push(' ');
    out.push_str(&block.unwrap_or_else(|| double_quoted(text) + "\n"));
}

/// Returns a literal block of SQL, if it reads back as the same text. The reader drops the newlines at its end.
fn literal_sql(text: &str, indent: usize) -> Option<String> {
    if !can_trim_newlines(text) {
        literal(text, indent)
    } else if text.ends_with('\n') {
        None
    } else {
        literal(&format!("{text}\n"), indent)
    }
}

/// Returns a literal block, if it reads back as the same text.
fn literal(text: &str, indent: usize) -> Option<String> {
    if text.chars().any(|c| c != '\n' && c != '\t' && is_special(c)) {
        return None;
    }
    let (body, end) = match text.trim_end_matches('\n') {
        "" => return None,
        body if body.len() == text.len() => (text, "-"),
        body if body.len() + 1 == text.len() => (body, ""),
        _ => (text.strip_suffix('\n')?, "+"),
    };
    // The indentation indicator is needed if the first line starts with white space.
    let indicator = if body.starts_with([' ', '\t', '\n']) { "2" } else { "" };
    let mut block = format!("|{indicator}{end}\n");
    for line in body.split('\n') {
        if !line.is_empty() {
            block.push_str(&" ".repeat(indent + 2));
            block.push_str(line);
        }
        block.push('\n');
    }
    // The block is read back instead of relying on the rules of block scalars.
    let document: Arc<str> = format!("{0}k: {block}{0}z: 1\n", " ".repeat(indent)).into();
    let node = yaml::parse("", &document).ok()??;
    let Value::Map(entries) = &node.value else { return None };
    let same = entries.len() == 2
        && matches!(&entries[0].1.value, Value::Scalar(read, Style::Block) if &**read == text);
    same.then_some(block)
}

/// Returns a value on one line, if it can be written so.
fn flow(value: &Yaml) -> Option<String> {
    Some(match value {
        Yaml::Bare(text) => text.clone(),
        Yaml::Text(text) | Yaml::Sql(text) if text.contains('\n') => return None,
        Yaml::Text(text) => scalar(text, Context::Flow, false),
        Yaml::Sql(text) => scalar(text, Context::Flow, true),
        Yaml::List(items) => format!("[{}]", items.iter().map(flow).collect::<Option<Vec<_>>>()?.join(", ")),
        Yaml::Block(entries) if !entries.is_empty() => return None,
        Yaml::Map(entries) | Yaml::Block(entries) => {
            let pair = |(key, value): &(String, Yaml)| {
                Some(format!("{}: {}", scalar(key, Context::Flow, false), flow(value)?))
            };
            format!("{{{}}}", entries.iter().map(pair).collect::<Option<Vec<_>>>()?.join(", "))
        }
    })
}

/// Where a scalar is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Block,
    Flow,
}

/// Returns a scalar on one line.
fn scalar(text: &str, context: Context, is_sql: bool) -> String {
    let plain =
        is_plain(text, context) && if is_sql { !yaml::is_null(text) } else { !resolves_to_other_type(text) };
    if plain || is_sql && is_number(text) {
        return text.to_owned();
    }
    if text.chars().any(|c| is_special(c) || is_invisible(c)) || !text.contains(['"', '\\']) {
        return double_quoted(text);
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a text needs no quotes (YAML 1.2, section 7.3.3, and a little stricter).
fn is_plain(text: &str, context: Context) -> bool {
    let valid_start = !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c));
    valid_start
        && !text.is_empty()
        && text.trim() == text
        && !text.starts_with("...")
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.chars().any(|c| is_special(c) || is_invisible(c))
        && (context == Context::Block || !text.contains([',', '[', ']', '{', '}']))
}

/// Whether a reader of YAML 1.1 or 1.2 takes an unquoted text for something other than a string.
fn resolves_to_other_type(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", ".nan"];
    let lower = text.to_lowercase();
    let digits = text.trim_start_matches(['+', '-', '.']);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_hexdigit() || "+-.:_xXoOtTzZ ".contains(c));
    yaml::is_null(text) || WORDS.contains(&lower.as_str()) || numeric
}

/// Whether a text is a number in both SQL and YAML.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [integer, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a character must be escaped.
fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a character is invisible and is escaped for legibility.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_special(c) || is_invisible(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] = &[
        "",
        " ",
        "a",
        "null",
        "~",
        "yes",
        "No",
        "123",
        "1.10",
        "1e3",
        "0x1f",
        "12:30",
        "2024-01-01",
        "-",
        "- a",
        "-1",
        "?",
        "a: b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        "''",
        "\"",
        "\\",
        "'\"\\",
        "{a",
        "a}",
        "[",
        "a,b",
        "|",
        ">",
        "=",
        "<<",
        "...",
        "---",
        " a",
        "a ",
        "\ta",
        "a\tb",
        "é",
        "😀",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{7f}",
        "\u{1}",
        "numeric(10,2)",
        "'x'::text",
        "a::b",
        "true",
        ".inf",
    ];

    const LINES: &[&str] = &[
        "a\nb",
        "a\nb\n",
        "a\nb\n\n",
        "\n",
        "\n\n",
        "\na",
        "  a\nb",
        "\n  a",
        "\n\n  a\n b\n",
        "a\n  ",
        "a\n  \nb",
        "a  \nb\t\n",
        "\ta\nb",
        "a\r\nb\r\n",
        "a\rb\n",
        "a\n\tb",
        "a\n# b\n",
        "a\n---\nb",
        "a\n...\n",
        "- a\n- b\n",
        "a: b\nc: d",
        "😀\né",
        "a\u{85}b\n",
        " \n \n",
        "\t\n",
        "%a\n",
        "a\n\n\n\nb\n\n\n",
        "   \n  a\n",
        "SELECT 1 -- c\n",
        "SELECT 1\n-- c",
        "a\n\u{feff}",
    ];

    fn back(entries: &[(String, Yaml)]) -> Vec<(String, String)> {
        let text: Arc<str> = print(entries).into();
        let node = yaml::parse("t", &text).unwrap_or_else(|e| panic!("{}\n{text}", e.message)).unwrap();
        let Value::Map(map) = &node.value else { panic!("{text}") };
        let text_of = |node: &yaml::Node| match &node.value {
            Value::Scalar(text, _) => text.to_string(),
            Value::List(list) => list[0].text().map_or_else(|| panic!("{text}"), str::to_owned),
            Value::Map(map) => map[0].1.text().map_or_else(|| panic!("{text}"), str::to_owned),
        };
        map.iter().map(|(key, node)| (key.text.to_string(), text_of(node))).collect()
    }

    #[test]
    fn every_text_reads_back_in_every_position() {
        for text in HOSTILE.iter().chain(LINES) {
            let value = Yaml::Text((*text).to_owned());
            for value in [
                value.clone(),
                Yaml::List(vec![value.clone()]),
                Yaml::Map(vec![("k".into(), value.clone())]),
                Yaml::Block(vec![("k".into(), value.clone())]),
            ] {
                let key = text.replace('\n', "_");
                let entries = [(key.clone(), value), ("after".into(), Yaml::Text("x".into()))];
                let read = back(&entries);
                assert_eq!(read[0], (key, (*text).to_owned()));
                assert_eq!(read.len(), 2);
            }
        }
    }

    #[test]
    fn text_is_quoted_only_if_needed() {
        let entries: Vec<(String, Yaml)> = vec![
            ("slug(text, integer)".into(), Yaml::Text("plain text".into())),
            ("no".into(), Yaml::Sql("0".into())),
            ("b".into(), Yaml::Sql("-1.5".into())),
            ("c".into(), Yaml::Sql("'x'::text".into())),
            ("d".into(), Yaml::Sql("NULL".into())),
            ("e".into(), Yaml::Text("true".into())),
            ("f".into(), Yaml::Map(vec![("type".into(), Yaml::Sql("numeric(10,2)".into()))])),
            ("g".into(), Yaml::Sql("SELECT 1\nFROM t".into())),
            ("h".into(), Yaml::Text("a\nb".into())),
            ("i".into(), Yaml::Block(vec![])),
        ];
        assert_eq!(
            print(&entries),
            "slug(text, integer): plain text\n\"no\": 0\nb: -1.5\nc: \"'x'::text\"\nd: \"NULL\"\ne: \"true\"\n\
             f: {type: \"numeric(10,2)\"}\ng: |\n  SELECT 1\n  FROM t\nh: |-\n  a\n  b\ni: {}\n"
        );
    }
}
