//! A file of mutations.

use std::collections::BTreeSet;
use std::path::Path;

use schemadiff::kinds::{ChangeMethod, KindName};

use crate::servers::Server;

/// An attribute of a kind.
pub(crate) type Mark = (KindName, String);

/// The mutations of a kind.
pub(crate) struct File {
    /// The kind.
    pub(crate) kind: KindName,
    /// The statements that create the database to mutate.
    pub(crate) base: String,
    /// Its mutations, each of one attribute.
    pub(crate) mutations: Vec<Mutation>,
    /// Extensions that the server must have.
    extensions: Vec<String>,
    /// The first major version that has the kind.
    from: Option<u32>,
}

/// A change of one attribute.
#[derive(Default)]
pub(crate) struct Mutation {
    /// The attribute.
    pub(crate) attribute: String,
    /// Words that distinguish it from other mutations of the attribute.
    words: String,
    /// Other attributes that differ.
    pub(crate) also: Vec<Mark>,
    from: Option<u32>,
    until: Option<u32>,
    /// Statements that extend the start.
    pub(crate) start: String,
    /// The statements of the change.
    pub(crate) sql: String,
}

impl File {
    /// Reads the file of a kind; a kind without one has no mutations.
    pub(crate) fn read(kind: KindName) -> Self {
        let name = kind.get().name.replace(' ', "-") + ".sql";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mutations").join(&name);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut file =
            Self { kind, base: String::new(), mutations: Vec::new(), extensions: Vec::new(), from: None };
        for line in text.lines() {
            let word = line.strip_prefix("-- ").and_then(|rest| rest.split_once(": "));
            match (word, file.mutations.last_mut()) {
                (Some(("mutate", what)), _) => file.mutations.push(Mutation::of(what)),
                (Some(("extensions", names)), None) => {
                    file.extensions.extend(names.split(", ").map(str::to_owned));
                }
                (Some(("from", major)), None) => file.from = Some(number(&name, major)),
                (Some(("also", list)), Some(mutation)) => {
                    mutation.also.extend(list.split(", ").map(|what| mark(what, kind)));
                }
                (Some(("from", major)), Some(mutation)) => mutation.from = Some(number(&name, major)),
                (Some(("until", major)), Some(mutation)) => mutation.until = Some(number(&name, major)),
                (_, Some(mutation)) if line == "-- then" => {
                    mutation.start = std::mem::take(&mut mutation.sql);
                }
                (_, Some(mutation)) => mutation.sql.extend([line, "\n"]),
                (_, None) => file.base.extend([line, "\n"]),
            }
        }
        for mutation in &file.mutations {
            let attribute = kind.get().attribute_named(&mutation.attribute);
            assert!(attribute.is_some(), "{name}: unknown attribute `{}`", mutation.attribute);
        }
        file
    }

    /// Whether a server can run the base statements.
    pub(crate) fn runs_on(&self, server: &Server) -> bool {
        !self.base.is_empty()
            && self.from.is_none_or(|from| server.major >= from)
            && self.extensions.iter().all(|name| server.extensions.contains(name))
    }

    /// The attributes without a mutation.
    pub(crate) fn missing(&self) -> impl Iterator<Item = String> {
        let mutated: BTreeSet<&str> = self.mutations.iter().map(|mutation| &*mutation.attribute).collect();
        let kind = self.kind.get();
        let wanted = kind
            .attributes
            .iter()
            .filter(|attribute| !matches!(attribute.change_method, ChangeMethod::ReadOnly));
        let missing = wanted.filter(move |attribute| !mutated.contains(attribute.name.as_str()));
        missing.map(|attribute| format!("{}.{}", kind.name, attribute.name))
    }
}

impl Mutation {
    fn of(what: &str) -> Self {
        let (attribute, words) = what.split_once(", ").unwrap_or((what, ""));
        Self { attribute: attribute.into(), words: words.into(), ..Self::default() }
    }

    /// The name of its test.
    pub(crate) fn name(&self, kind: KindName) -> String {
        let words = if self.words.is_empty() { String::new() } else { format!(", {}", self.words) };
        format!("{}: {}{words}", kind.get().name, self.attribute)
    }

    /// Whether a server can run it.
    pub(crate) fn runs_on(&self, server: &Server) -> bool {
        self.from.is_none_or(|from| server.major >= from)
            && self.until.is_none_or(|until| server.major <= until)
    }

    /// All attributes that differ.
    pub(crate) fn marks(&self, kind: KindName) -> BTreeSet<Mark> {
        self.also.iter().cloned().chain([(kind, self.attribute.clone())]).collect()
    }
}

fn mark(what: &str, kind: KindName) -> Mark {
    match what.split_once('.') {
        None => (kind, what.into()),
        Some((other, attribute)) => {
            (KindName::named(other).unwrap_or_else(|| panic!("unknown kind `{other}`")), attribute.into())
        }
    }
}

fn number(file: &str, text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{file}: `{text}` is not a version"))
}
