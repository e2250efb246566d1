//! Turns a tree into objects, by the kinds' tables.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::value::{self, Misfit, misfit};
use super::{ABSENT, DeclaredSchema, Directive, STANDARD_OBJECTS, directive, names, parts, relative, shape};
use crate::error::text::suggest;
use crate::error::{Diagnostic, Place, codes};
use crate::kinds::{Attribute, Identity, KindName, ValueType};
use crate::model::{Catalog, Object, ObjectId, Objects, PgVersion, Value};
use crate::yaml::{Key, Node, Value as Tree};

/// Reads one file.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a Arc<str>,
    pub(super) objects: Objects,
    pub(super) places: IndexMap<ObjectId, Place>,
    pub(super) values: IndexMap<(ObjectId, &'static str), Place>,
    directives: Vec<Directive>,
    unsaid: Vec<(ObjectId, &'static str)>,
    absent: Vec<ObjectId>,
    /// Where a table has the one of a kind.
    singles: IndexMap<ObjectId, Range<usize>>,
    errors: Vec<Diagnostic>,
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
            unsaid: Vec::new(),
            absent: Vec::new(),
            singles: IndexMap::new(),
            errors: Vec::new(),
        }
    }

    /// Reads the whole tree.
    pub(super) fn file(&mut self, root: &Node) {
        if root.is_null() {
            return;
        }
        let Tree::Map(entries) = &root.value else {
            return self.misfit("the file", &misfit(root, "a map of kinds of objects"));
        };
        for (key, node) in entries.iter() {
            match shape::roots().find(|kind| kind.get().key == &*key.text) {
                Some(kind) => self.kind(kind, &[], key, node),
                None => self.unknown_key(
                    key,
                    "the file",
                    &shape::roots().map(|k| k.get().key).collect::<Vec<_>>(),
                ),
            }
        }
    }

    /// What was read, or all that is wrong.
    pub(super) fn finish(mut self) -> Result<DeclaredSchema, Vec<Diagnostic>> {
        for (kind, name) in STANDARD_OBJECTS {
            self.standard(ObjectId::new(kind, &[name]));
        }
        relative::resolve(&mut self.objects);
        parts::complete(&mut self);
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let mut catalog = Catalog::new(PgVersion::V14, self.objects);
        catalog.set_dependencies(parts::dependencies(&catalog));
        Ok(DeclaredSchema {
            catalog,
            places: self.places,
            values: self.values,
            directives: self.directives,
            absent: self.absent,
            unsaid: self.unsaid,
        })
    }

    /// Adds an object that every database has, unless the file knows better.
    fn standard(&mut self, id: ObjectId) {
        if self.absent.contains(&id) {
            return;
        }
        for attribute in shape::attributes(id.kind).filter(|attribute| !attribute.unmanaged_if_unset) {
            if !self.values.contains_key(&(id.clone(), attribute.name)) {
                self.unsaid.push((id.clone(), attribute.name));
            }
        }
        self.objects.entry(id.clone()).or_insert_with(|| Object::new(id));
    }

    /// All objects of a kind inside one thing.
    fn kind(&mut self, kind: KindName, path: &[&str], key: &Key, node: &Node) {
        if shape::is_single(kind) {
            if !node.is_null() {
                self.single(kind, path, key, node);
            }
            return;
        }
        if node.is_null() {
            return;
        }
        let Tree::Map(entries) = &node.value else {
            let what = format!("`{}`", key.text);
            return self
                .misfit(&what, &misfit(node, format!("a map with the name of each {}", kind.get().name)));
        };
        for (i, (key, node)) in entries.iter().enumerate() {
            let position = if kind.get().ordered { i32::try_from(i + 1).unwrap_or(i32::MAX) } else { 0 };
            if let Some(id) = self.identity(kind, path, key) {
                self.object(id, position, &key.span, node);
            }
        }
    }

    /// The identity that a key gives inside `path`.
    fn identity(&mut self, kind: KindName, path: &[&str], key: &Key) -> Option<ObjectId> {
        let mut path = path.to_vec();
        let mut name = &*key.text;
        let mut arguments = None;
        if kind.get().identity == Identity::Routine {
            let Some((before, types)) = names::split_routine(name) else {
                let message = format!("the {} `{name}` has no argument types", kind.get().name);
                let help = format!("write `{name}()`, or `{name}(integer, text)` with the types it takes");
                self.error(Diagnostic::new(codes::VALUE, message).help(help), &key.span);
                return None;
            };
            name = before;
            arguments = Some(types);
        }
        // A cast or a table of a publication has a key of its own making, which may be longer than a name.
        let is_name =
            kind == KindName::Schema || !matches!(kind.get().identity, Identity::Global | Identity::OnGlobal);
        if let Some(why) = value::unfit_name(name).filter(|_| is_name || name.is_empty()) {
            let message = format!("a {} has {why}", kind.get().name);
            self.error(Diagnostic::new(codes::VALUE, message), &key.span);
            return None;
        }
        path.push(name);
        path.extend(arguments);
        Some(ObjectId::new(kind, &path))
    }

    /// The one object of its parent.
    fn single(&mut self, kind: KindName, path: &[&str], key: &Key, node: &Node) {
        let mut path = path.to_vec();
        let mut said = None;
        if shape::is_named_single(kind) {
            if let Tree::Map(entries) = &node.value
                && let Some((_, node)) = entries.iter().find(|(key, _)| &*key.text == shape::NAME)
            {
                match value::name(node) {
                    Ok(name) => said = Some(name),
                    Err(misfit) => return self.misfit(&format!("`{}`", shape::NAME), &misfit),
                }
            }
            said = said.or_else(|| names::default_name(kind, path[path.len() - 1], None));
            path.extend(said.as_deref());
        }
        let id = ObjectId::new(kind, &path);
        if kind.get().identity == Identity::OnRelation && !self.is_only_one(&id, &key.span) {
            return;
        }
        self.object(id, 0, &key.span, node);
    }

    /// Whether a table has no second one of what it may have only one; a mistake otherwise.
    pub(super) fn is_only_one(&mut self, id: &ObjectId, span: &Range<usize>) -> bool {
        let table = ObjectId::new(id.kind, &id.path()[..2]);
        let Some(first) = self.singles.insert(table, span.clone()) else { return true };
        let line = self.place(&first).line_column().0;
        let message = format!("the table {} has two {}s", id.on_text(), id.kind.get().name);
        let diagnostic = Diagnostic::new(codes::DUPLICATE, message)
            .help(format!("the other one is on line {line}"))
            .help("one over several columns stands at the table: `primary_key: [a, b]`");
        self.error(diagnostic, span);
        false
    }

    /// One object with what is inside it.
    fn object(&mut self, id: ObjectId, position: i32, span: &Range<usize>, node: &Node) {
        if STANDARD_OBJECTS.iter().any(|(kind, name)| *kind == id.kind && *name == id.name())
            && node.text() == Some(ABSENT)
        {
            self.absent.push(id);
            return;
        }
        let mut object = Object::new(id);
        object.position = position;
        let mut inside: Option<&[(Key, Node)]> = None;
        match &node.value {
            Tree::Map(entries) => inside = Some(entries),
            Tree::Scalar(..) if node.is_null() => {}
            Tree::Scalar(..) | Tree::List(_) => {
                let kind = object.id.kind.get();
                let Some(short) = kind.short_form.and_then(|name| kind.attribute(name)) else {
                    let wanted = format!("a map of {}", ticks(&shape::keys(object.id.kind)));
                    return self.misfit(&object.id.to_string(), &misfit(node, wanted));
                };
                self.attribute(&mut object, short, node);
            }
        }
        let id = object.id.clone();
        for (key, node) in inside.unwrap_or_default() {
            if let Some(attribute) = shape::attributes(id.kind).find(|attribute| attribute.name == &*key.text)
            {
                self.attribute(&mut object, attribute, node);
            }
        }
        let says =
            |name: &str| inside.is_some_and(|entries| entries.iter().any(|(key, _)| &*key.text == name));
        arguments(&mut object, says(ARGUMENTS), says(SIGNATURE));
        if !self.add(object, span) {
            return;
        }
        for (key, node) in inside.unwrap_or_default() {
            self.part(&id, key, node);
        }
    }

    /// A key of an object that is no attribute.
    fn part(&mut self, id: &ObjectId, key: &Key, node: &Node) {
        let is_name = shape::is_named_single(id.kind) && &*key.text == shape::NAME;
        if is_name || shape::attributes(id.kind).any(|attribute| attribute.name == &*key.text) {
            return;
        }
        let path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        if let Some(child) = shape::children(id.kind).find(|child| child.get().key == &*key.text) {
            self.kind(child, &path, key, node);
        } else if let Some(sugar) = shape::shorthands(id.kind).iter().find(|sugar| sugar.key == &*key.text) {
            parts::sugar(self, id, *sugar, &key.span, node);
        } else if let Some(wish) = shape::directives(id.kind).find(|wish| wish.key == &*key.text) {
            match directive::read(wish.key, node) {
                Ok(kind) => {
                    let place = self.place(&(key.span.start..node.span.end.max(key.span.end)));
                    self.directives.push(Directive { object: id.clone(), kind, place });
                }
                Err(misfit) => self.misfit(&format!("`{}` of {id}", wish.key), &misfit),
            }
        } else {
            self.unknown_key(key, &id.to_string(), &shape::keys(id.kind));
        }
    }

    /// Gives an object one of its attributes.
    pub(super) fn attribute(&mut self, object: &mut Object, attribute: &'static Attribute, node: &Node) {
        match value::value(attribute.value_type, node) {
            Ok(said) => {
                let said = said.filter(|value| !attribute.is_default(value));
                // A blank value takes it away.
                object.set(attribute.name, said.unwrap_or(Value::Bool(false)));
                let place = self.place(&node.span);
                self.values.insert((object.id.clone(), attribute.name), place);
            }
            Err(misfit) => self.misfit(&format!("`{}` of {}", attribute.name, object.id), &misfit),
        }
    }

    /// Adds an object, unless there is one of its name.
    pub(super) fn add(&mut self, object: Object, span: &Range<usize>) -> bool {
        if let Some(first) = self.places.get(&object.id) {
            let message = format!("{} is declared twice", object.id);
            let help = format!("it is declared on line {} too; give one another name", first.line_column().0);
            self.error(Diagnostic::new(codes::DUPLICATE, message).help(help), span);
            return false;
        }
        self.places.insert(object.id.clone(), self.place(span));
        self.objects.insert(object.id.clone(), object);
        true
    }

    /// Bytes of the file.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        Place { file: self.file.to_owned(), text: Arc::clone(self.text), span: span.clone() }
    }

    /// Remembers what is wrong.
    pub(super) fn error(&mut self, diagnostic: Diagnostic, span: &Range<usize>) {
        let place = self.place(span);
        self.errors.push(diagnostic.at(place));
    }

    /// Remembers a value that does not fit.
    pub(super) fn misfit(&mut self, what: &str, misfit: &Misfit) {
        let message = format!("{what} takes {}, not {}", misfit.wanted, misfit.found);
        self.error(Diagnostic::new(codes::VALUE, message), &misfit.span);
    }

    /// Remembers a key that means nothing.
    pub(super) fn unknown_key(&mut self, key: &Key, of: &str, keys: &[&'static str]) {
        let help = match suggest(&key.text, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys are {}", ticks(keys)),
        };
        let message = format!("unknown key `{}` in {of}", key.text);
        self.error(Diagnostic::new(codes::KEY, message).help(help), &key.span);
    }
}

/// Gives a routine what its key stands for: the types are all the arguments where no name and no default is
/// to be given, and the arguments are what statements name it by where they have no default.
fn arguments(routine: &mut Object, says_arguments: bool, says_signature: bool) {
    let Some(types) = routine.id.arguments().map(str::to_owned) else { return };
    let kind = routine.id.kind.get();
    if let (Some(attribute), false) = (kind.attribute(ARGUMENTS), says_arguments) {
        routine.set(attribute.name, Value::Text(types.clone()));
    }
    if let (Some(attribute), false) = (kind.attribute(SIGNATURE), says_signature) {
        let arguments = routine.text(ARGUMENTS);
        let defaults = arguments.contains('=') || arguments.to_uppercase().contains("DEFAULT");
        let signature = if defaults { types } else { arguments.to_owned() };
        routine.set(attribute.name, Value::Text(signature));
    }
}

/// The attribute that a routine's key can stand for.
pub(super) const ARGUMENTS: &str = "arguments";

/// The same as statements about the routine name it, where that is an attribute.
const SIGNATURE: &str = "signature";

/// Words between backticks, with commas.
fn ticks(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The attribute of an object's kind that is its data type, where it must have one.
pub(super) fn data_type(kind: KindName) -> Option<&'static Attribute> {
    kind.get()
        .attributes
        .iter()
        .find(|attribute| attribute.value_type == ValueType::DataType && attribute.name == "type")
}
