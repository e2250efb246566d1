//! The state of the reader of a target file: the objects read so far, their places, and the errors.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::shape;
use super::value::{self, Mismatch};
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, codes};
use crate::kinds::Attribute;
use crate::model::{AttributeName, Directive, Object, ObjectId, Objects, Value};
use crate::yaml::{Key, Node};

/// The state of reading one file.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a Arc<str>,
    pub(super) objects: Objects,
    pub(super) places: IndexMap<ObjectId, Place>,
    pub(super) values: IndexMap<(ObjectId, AttributeName), Place>,
    pub(super) directives: Vec<(ObjectId, Directive)>,
    pub(super) unspecified: Vec<(ObjectId, AttributeName)>,
    pub(super) absent: Vec<ObjectId>,
    /// For each table and each kind of which it can have only one object, where that is declared.
    singles: IndexMap<ObjectId, Range<usize>>,
    pub(super) errors: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a Arc<str>) -> Self {
        Self {
            file,
            text,
            objects: Objects::default(),
            places: IndexMap::new(),
            values: IndexMap::new(),
            directives: Vec::new(),
            unspecified: Vec::new(),
            absent: Vec::new(),
            singles: IndexMap::new(),
            errors: Vec::new(),
        }
    }

    /// Sets an attribute of an object.
    pub(super) fn set(&mut self, object: &mut Object, attribute: &'static Attribute, node: &Node) {
        match value::value(attribute.value_type, node) {
            Ok(given) => {
                let given = given.filter(|value| !attribute.is_default(value));
                // A default value unsets the attribute.
                object.set(attribute.name, given.unwrap_or(Value::Bool(false)));
                let place = self.place(&node.span);
                self.values.insert((object.id.clone(), attribute.name), place);
            }
            Err(mismatch) => self.mismatch(&format!("`{}` of {}", attribute.name, object.id), &mismatch),
        }
    }

    /// Adds an object. Reports an error and returns false if it is already declared.
    pub(super) fn add(&mut self, object: Object, span: &Range<usize>) -> bool {
        if let Some(first) = self.places.get(&object.id) {
            let message = format!("{} is declared twice", object.id);
            let line = first.line_column().0;
            let help = format!("it is first declared on line {line}; rename or remove one of the two");
            self.error(Diagnostic::new(codes::DUPLICATE, message).help(help), span);
            return false;
        }
        self.places.insert(object.id.clone(), self.place(span));
        self.objects.insert(object.id.clone(), object);
        true
    }

    /// Notes an object of a kind of which a table can have only one. Reports an error and returns false if it is the
    /// second.
    pub(super) fn add_single(&mut self, id: &ObjectId, span: &Range<usize>) -> bool {
        let table = ObjectId::new(id.kind, &id.path()[..2]);
        let Some(first) = self.singles.insert(table, span.clone()) else { return true };
        let line = self.place(&first).line_column().0;
        let message = format!("table {} has two {}s", id.relation_text(), id.kind.get().name);
        let diagnostic = Diagnostic::new(codes::DUPLICATE, message)
            .help(format!("the other one is on line {line}"))
            .help("to declare one over several columns, write it at the table: `primary_key: [a, b]`");
        self.error(diagnostic, span);
        false
    }

    /// Returns the place of a range of the file.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        Place { file: self.file.to_owned(), text: Arc::clone(self.text), span: span.clone() }
    }

    /// Reports an error.
    pub(super) fn error(&mut self, diagnostic: Diagnostic, span: &Range<usize>) {
        let place = self.place(span);
        self.errors.push(diagnostic.at(place));
    }

    /// Reports a value of the wrong type.
    pub(super) fn mismatch(&mut self, what: &str, mismatch: &Mismatch) {
        let message = format!("{what}: expected {}, found {}", mismatch.expected, mismatch.found);
        self.error(Diagnostic::new(codes::VALUE, message), &mismatch.span);
    }

    /// Reports an unknown key.
    pub(super) fn unknown_key(&mut self, key: &Key, of: &str, keys: &[&'static str]) {
        let help = match suggest(&key.text, keys.iter().copied()) {
            Some(similar) => format!("did you mean `{similar}`?"),
            None => format!("valid keys are {}", shape::quoted(keys)),
        };
        let message = format!("unknown key `{}` in {of}", key.text);
        self.error(Diagnostic::new(codes::KEY, message).help(help), &key.span);
    }
}
