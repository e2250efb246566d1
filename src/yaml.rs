//! YAML documents as trees in which every node has its range in the file.
//!
//! The tree is built from the events of the parser instead of deserialized types, so that names such as `1.10` and `no`
//! keep their spelling and every key has a place.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle};

use crate::error::{Diagnostic, Place, codes};

/// The maximum depth of a tree. A target file needs about a tenth of it.
const MAX_DEPTH: usize = 64;
/// The maximum number of nodes that all aliases of a file can add, so that a small file cannot expand to a huge tree.
const MAX_ALIASED_NODES: usize = 100_000;

/// The style of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes; it can be `null`, a number or a flag.
    Plain,
    /// In quotes.
    Quoted,
    /// An indented block.
    Block,
}

/// A node of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// The range in the file.
    pub(crate) span: Range<usize>,
    /// The number of nodes in the subtree.
    size: usize,
    /// The number of levels of the subtree.
    depth: usize,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A scalar.
    Scalar(Rc<str>, Style),
    /// A list.
    List(Rc<[Node]>),
    /// A map, in the order of the file.
    Map(Rc<[(Key, Node)]>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The text.
    pub(crate) text: Rc<str>,
    /// The range in the file.
    pub(crate) span: Range<usize>,
    /// Whether it is the merge key `<<`.
    merges: bool,
}

impl Node {
    /// Returns the text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) if !self.is_null() => Some(text),
            Value::Scalar(..) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether the node is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain) if is_null(text))
    }

    /// Returns the type of the node, for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Scalar(..) if self.is_null() => "null",
            Value::Scalar(..) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Whether an unquoted scalar is null (YAML 1.2, section 10.3.2).
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The result of parsing.
type Parsed<T> = Result<T, Box<Diagnostic>>;

/// Parses a file with one document. Returns `None` if the file is empty.
pub(crate) fn parse(file: &str, text: &Arc<str>) -> Parsed<Option<Node>> {
    let mut builder =
        Builder { file, text, stack: Vec::new(), anchors: IndexMap::new(), aliased: 0, root: None };
    let options = granit_parser::options! {
        emit_comments: false,
        // The key of a routine can list up to a hundred types.
        simple_key_max_lookahead: 1 << 16,
        block_nesting_limit: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
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
                let message = format!("invalid YAML: {}", error.info());
                return Err(Box::new(Diagnostic::new(codes::YAML, message).at(builder.place(start..start))));
            }
        }
    }
    Ok(builder.root)
}

/// A collection that has not ended.
struct OpenCollection {
    anchor: usize,
    start: usize,
    contents: PartialContents,
}

/// The contents that have been read.
enum PartialContents {
    List(Vec<Node>),
    /// With the key whose value has not been read.
    Map(Vec<(Key, Node)>, Option<Key>),
}

/// Builds a tree from the events of the parser.
struct Builder<'a> {
    file: &'a str,
    text: &'a Arc<str>,
    stack: Vec<OpenCollection>,
    anchors: IndexMap<usize, Node>,
    /// The number of nodes that aliases have added.
    aliased: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.to_owned(), text: Arc::clone(self.text), span }
    }

    fn error(&self, message: impl Into<String>, span: Range<usize>) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(codes::YAML, message).at(self.place(span)))
    }

    /// Handles an event of the parser.
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Parsed<()> {
        if let Some(tag) = event.tag()
            && !(tag.is_yaml_core_schema_tag("str") && matches!(event, Event::Scalar(..)))
        {
            return Err(self.error(format!("the tag `{}` is not supported", tag.original()), span));
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                return Err(self.error("the file has a second document; only one is supported", span));
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
                    let message = "PostgreSQL strings cannot contain the character U+0000";
                    return Err(Box::new(Diagnostic::new(codes::VALUE, message).at(self.place(span))));
                }
                let value = Value::Scalar(Rc::from(&*text), style);
                self.add(Node { value, span, size: 1, depth: 1 }, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(anchor, span.start, PartialContents::List(Vec::new()));
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor, span.start, PartialContents::Map(Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.stack.pop().expect("the parser ends only collections that it started");
                let node = self.close(open.contents, open.start..span.end.max(open.start))?;
                self.add(node, open.anchor)?;
            }
            Event::Alias(id) => {
                let Some(mut node) = self.anchors.get(&id).cloned() else {
                    return Err(self.error("this alias is inside the node that it refers to", span));
                };
                self.aliased += node.size;
                if self.aliased > MAX_ALIASED_NODES {
                    return Err(
                        self.error(format!("aliases expand to more than {MAX_ALIASED_NODES} nodes"), span)
                    );
                }
                node.span = span;
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, start: usize, contents: PartialContents) {
        self.stack.push(OpenCollection { anchor, start, contents });
    }

    fn close(&self, contents: PartialContents, span: Range<usize>) -> Parsed<Node> {
        let (value, size, depth) = match contents {
            PartialContents::List(list) => {
                let (size, depth) = measure(list.iter());
                (Value::List(list.into()), size, depth)
            }
            PartialContents::Map(map, _) => {
                let map = self.merged(map)?;
                let (size, depth) = measure(map.iter().map(|(_, node)| node));
                (Value::Map(map.into()), size, depth)
            }
        };
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested more than {MAX_DEPTH} levels deep"), span));
        }
        Ok(Node { value, span, size, depth })
    }

    /// Returns the entries with those that `<<` merges. The map's own entries take precedence.
    fn merged(&self, entries: Vec<(Key, Node)>) -> Parsed<Vec<(Key, Node)>> {
        let mut seen: IndexMap<Rc<str>, Range<usize>> = IndexMap::new();
        for (key, _) in entries.iter().filter(|(key, _)| !key.merges) {
            if let Some(first) = seen.insert(Rc::clone(&key.text), key.span.clone()) {
                let (line, _) = self.place(first).line_column();
                let message = format!("duplicate key `{}`", key.text);
                let diagnostic = Diagnostic::new(codes::DUPLICATE, message).at(self.place(key.span.clone()));
                return Err(Box::new(
                    diagnostic
                        .help(format!("it is first used on line {line}; rename or remove one of the two")),
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
                    return Err(self.error("`<<`: expected a map or a list of maps", source.span.clone()));
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

    /// Adds a complete node to the collection that contains it.
    fn add(&mut self, node: Node, anchor: usize) -> Parsed<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let invalid_key = match self.stack.last_mut().map(|open| &mut open.contents) {
            None => {
                self.root = Some(node);
                None
            }
            Some(PartialContents::List(list)) => {
                list.push(node);
                None
            }
            Some(PartialContents::Map(map, key)) => match (key.take(), &node.value) {
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
        match invalid_key {
            Some(node) => Err(self.error(format!("{} cannot be a key", node.type_name()), node.span)),
            None => Ok(()),
        }
    }
}

/// Returns the size and depth of a collection of these nodes.
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
    fn keys_and_values_have_their_ranges() {
        let text = "\u{feff}ä: 1\r\nname: \"x\"\r\n";
        let node = read(text).unwrap().unwrap();
        let Value::Map(map) = &node.value else { panic!("{node:?}") };
        let spans: Vec<&str> =
            map.iter().flat_map(|(key, node)| [&text[key.span.clone()], &text[node.span.clone()]]).collect();
        assert_eq!(spans, ["ä", "1", "name", "\"x\""]);
    }

    #[test]
    fn alias_bombs_and_deep_trees_are_rejected() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let _ = writeln!(text, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 9].join(", "));
        }
        assert!(read(&text).unwrap_err().message.contains("aliases expand to"));
        assert!(read(&"[".repeat(5000)).unwrap_err().message.contains("invalid YAML"));
        assert!(read(&"- ".repeat(5000)).is_err());
        assert!(read("a: &a [*a]").is_err());
        let mut text = String::from("a0: &a0 [x]\n");
        for i in 1..200 {
            let _ = writeln!(text, "a{i}: &a{i} [*a{}]", i - 1);
        }
        assert!(read(&text).unwrap_err().message.contains("levels"));
    }
}
