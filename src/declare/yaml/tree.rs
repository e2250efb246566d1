//! A YAML document as a tree whose every node knows its bytes in the file.
//!
//! The parser's events are read rather than types deserialized: a name such as `1.10` or `no` keeps the
//! letters that the user wrote, and each key has its place.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle};

use crate::error::{Diagnostic, Place, codes};

/// How deep a tree may be; a schema needs a tenth of it.
const DEPTH: usize = 64;
/// How many nodes aliases may stand for in all, so that a small file cannot become a huge one.
const ALIASED: usize = 100_000;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Bare, so that it may mean `null`, a number or a flag.
    Plain,
    /// Between quotes.
    Quoted,
    /// As an indented block.
    Block,
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) value: Value,
    /// Its bytes.
    pub(crate) span: Range<usize>,
    /// How many nodes it stands for, itself included.
    size: usize,
    /// How many levels it has.
    depth: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text.
    Scalar(Rc<str>, Style),
    /// Nodes in order.
    List(Rc<[Node]>),
    /// Nodes by key, in order.
    Map(Rc<[(Key, Node)]>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its text, whatever it looks like.
    pub(crate) text: Rc<str>,
    /// Its bytes.
    pub(crate) span: Range<usize>,
    /// Whether it is the plain `<<`.
    merges: bool,
}

impl Node {
    /// The text of a scalar that is not `null`.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) if !self.is_null() => Some(text),
            Value::Scalar(..) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether nothing is said.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain) if is_null(text))
    }

    /// What the node is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match &self.value {
            Value::Scalar(..) if self.is_null() => "nothing",
            Value::Scalar(..) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Whether a plain scalar says nothing (YAML 1.2, section 10.3.2).
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A result of reading.
type Parsed<T> = Result<T, Box<Diagnostic>>;

/// Reads a file of one document; none where the file is empty.
pub(crate) fn parse(file: &str, text: &Arc<str>) -> Parsed<Option<Node>> {
    let mut builder =
        Builder { file, text, stack: Vec::new(), anchors: IndexMap::new(), aliased: 0, root: None };
    let options = granit_parser::options! {
        emit_comments: false,
        // A routine's key names up to a hundred types.
        simple_key_max_lookahead: 1 << 16,
        block_nesting_limit: DEPTH,
        flow_nesting_limit: DEPTH,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let end = text.len();
                let span = span.byte_range().unwrap_or(end..end);
                builder.event(event, span)?;
            }
            Err(error) => {
                let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                let start = text.floor_char_boundary(start);
                let message = format!("this is not YAML: {}", error.info());
                return Err(Box::new(Diagnostic::new(codes::YAML, message).at(builder.place(start..start))));
            }
        }
    }
    Ok(builder.root)
}

/// A collection whose end is yet to come.
struct Open {
    anchor: usize,
    start: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// With the key whose value is yet to come.
    Map(Vec<(Key, Node)>, Option<Key>),
}

struct Builder<'a> {
    file: &'a str,
    text: &'a Arc<str>,
    stack: Vec<Open>,
    anchors: IndexMap<usize, Node>,
    aliased: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.to_owned(), text: Arc::clone(self.text), span }
    }

    fn wrong(&self, message: impl Into<String>, span: Range<usize>) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(codes::YAML, message).at(self.place(span)))
    }

    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Parsed<()> {
        if let Some(tag) = event.tag()
            && !(tag.is_yaml_core_schema_tag("str") && matches!(event, Event::Scalar(..)))
        {
            return Err(self.wrong(format!("the tag `{}` has no meaning here", tag.original()), span));
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                return Err(self.wrong("a second document begins; a file holds one", span));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain if tag.is_none() => Style::Plain,
                    ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        Style::Quoted
                    }
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                if text.contains('\0') {
                    let message = "PostgreSQL has no text with the character U+0000";
                    return Err(Box::new(Diagnostic::new(codes::VALUE, message).at(self.place(span))));
                }
                let value = Value::Scalar(Rc::from(&*text), style);
                self.add(Node { value, span, size: 1, depth: 1 }, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, span.start, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor, span.start, Content::Map(Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.stack.pop().expect("the parser ends only what it began");
                let node = self.close(open.content, open.start..span.end.max(open.start))?;
                self.add(node, open.anchor)?;
            }
            Event::Alias(id) => {
                let Some(mut node) = self.anchors.get(&id).cloned() else {
                    return Err(self.wrong("this alias is part of what it stands for", span));
                };
                self.aliased += node.size;
                if self.aliased > ALIASED {
                    return Err(self.wrong(format!("aliases stand for more than {ALIASED} nodes"), span));
                }
                node.span = span;
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, start: usize, content: Content) {
        self.stack.push(Open { anchor, start, content });
    }

    fn close(&self, content: Content, span: Range<usize>) -> Parsed<Node> {
        let (value, size, depth) = match content {
            Content::List(list) => {
                let (size, depth) = measure(list.iter());
                (Value::List(list.into()), size, depth)
            }
            Content::Map(map, _) => {
                let map = self.merged(map)?;
                let (size, depth) = measure(map.iter().map(|(_, node)| node));
                (Value::Map(map.into()), size, depth)
            }
        };
        if depth > DEPTH {
            return Err(self.wrong(format!("more than {DEPTH} levels"), span));
        }
        Ok(Node { value, span, size, depth })
    }

    /// The entries with those that `<<` brings; what a map says itself comes first.
    fn merged(&self, entries: Vec<(Key, Node)>) -> Parsed<Vec<(Key, Node)>> {
        let mut seen: IndexMap<Rc<str>, Range<usize>> = IndexMap::new();
        for (key, _) in entries.iter().filter(|(key, _)| !key.merges) {
            if let Some(first) = seen.insert(Rc::clone(&key.text), key.span.clone()) {
                let (line, _) = self.place(first).line_column();
                let message = format!("the key `{}` stands twice", key.text);
                let diagnostic = Diagnostic::new(codes::DUPLICATE, message).at(self.place(key.span.clone()));
                return Err(Box::new(
                    diagnostic.label("here again").help(format!("it stands on line {line} too")),
                ));
            }
        }
        if entries.iter().all(|(key, _)| !key.merges) {
            return Ok(entries);
        }
        let mut all = Vec::new();
        for (key, node) in entries {
            if !key.merges {
                all.push((key, node));
                continue;
            }
            let sources: &[Node] = match &node.value {
                Value::List(list) => list,
                Value::Scalar(..) | Value::Map(_) => std::slice::from_ref(&node),
            };
            for source in sources {
                let Value::Map(map) = &source.value else {
                    return Err(self.wrong("`<<` takes a map or a list of maps", source.span.clone()));
                };
                for (key, node) in map.iter() {
                    if !seen.contains_key(&key.text) {
                        seen.insert(Rc::clone(&key.text), key.span.clone());
                        all.push((key.clone(), node.clone()));
                    }
                }
            }
        }
        Ok(all)
    }

    /// Puts a whole node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Parsed<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let wrong = match self.stack.last_mut().map(|open| &mut open.content) {
            None => {
                self.root = Some(node);
                None
            }
            Some(Content::List(list)) => {
                list.push(node);
                None
            }
            Some(Content::Map(map, key)) => match (key.take(), &node.value) {
                (Some(key), _) => {
                    map.push((key, node));
                    None
                }
                (None, Value::Scalar(text, style)) => {
                    let merges = &**text == "<<" && *style == Style::Plain;
                    *key = Some(Key { text: Rc::clone(text), span: node.span, merges });
                    None
                }
                (None, Value::List(_) | Value::Map(_)) => Some(node),
            },
        };
        match wrong {
            Some(node) => Err(self.wrong(format!("{} cannot be a key", node.what()), node.span)),
            None => Ok(()),
        }
    }
}

/// Size and depth of a collection of these nodes.
fn measure<'a>(nodes: impl Iterator<Item = &'a Node>) -> (usize, usize) {
    nodes.fold((1, 1), |(size, depth), node| (size.saturating_add(node.size), depth.max(node.depth + 1)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn read(text: &str) -> Parsed<Option<Node>> {
        parse("t.yaml", &Arc::from(text))
    }

    fn show(node: &Node) -> String {
        match &node.value {
            Value::Scalar(text, Style::Plain) => text.to_string(),
            Value::Scalar(text, Style::Quoted | Style::Block) => format!("{text:?}"),
            Value::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", ")),
            Value::Map(map) => {
                let entries = map.iter().map(|(key, node)| format!("{}: {}", key.text, show(node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn anchors_aliases_and_merges_are_resolved() {
        let text = "a: &a {x: 1.10, y: no}\nb: {<<: *a, y: '2'}\nc: [*a, !!str 5]\n";
        let node = read(text).unwrap().unwrap();
        assert_eq!(
            show(&node),
            "{a: {x: 1.10, y: no}, b: {x: 1.10, y: \"2\"}, c: [{x: 1.10, y: no}, \"5\"]}"
        );
    }

    #[test]
    fn keys_and_values_know_their_bytes() {
        let text = "\u{feff}ä: 1\r\nname: \"x\"\r\n";
        let node = read(text).unwrap().unwrap();
        let Value::Map(map) = &node.value else { panic!("{node:?}") };
        let spans: Vec<&str> =
            map.iter().flat_map(|(key, node)| [&text[key.span.clone()], &text[node.span.clone()]]).collect();
        assert_eq!(spans, ["ä", "1", "name", "\"x\""]);
    }

    #[test]
    fn bombs_are_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let _ = writeln!(text, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 9].join(", "));
        }
        assert!(read(&text).unwrap_err().message.contains("aliases stand for"));
        assert!(read(&"[".repeat(5000)).unwrap_err().message.contains("not YAML"));
        assert!(read(&"- ".repeat(5000)).is_err());
        assert!(read("a: &a [*a]").is_err());
        let mut text = String::from("a0: &a0 [x]\n");
        for i in 1..200 {
            let _ = writeln!(text, "a{i}: &a{i} [*a{}]", i - 1);
        }
        assert!(read(&text).unwrap_err().message.contains("levels"));
    }
}
