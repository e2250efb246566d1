//! Turns the tree of a target file into objects, by the tables of the kinds.

use std::ops::Range;

use super::declared::DeclaredSchema;
use super::reader::Reader;
use super::shape::{self, ABSENT};
use super::value::{self, mismatch};
use super::{dependencies, directive, names, partition, relative, shorthand};
use crate::error::{Diagnostic, codes};
use crate::kinds::{Identity, KindName};
use crate::model::reserved::STANDARD_OBJECTS;
use crate::model::{AttributeName, Catalog, Directive, Object, ObjectId, PgVersion, Value};
use crate::yaml::{Key, Node, Value as Tree};

/// Reads the tree of a file.
pub(super) fn read_file(reader: &mut Reader<'_>, root: &Node) {
    if root.is_null() {
        return;
    }
    let Tree::Map(entries) = &root.value else {
        return reader.mismatch("the file", &mismatch(root, "a map of kinds of objects"));
    };
    for (key, node) in entries.iter() {
        match shape::roots().find(|kind| kind.get().key == &*key.text) {
            Some(kind) => reader.objects_of_kind(kind, &[], key, node),
            None => reader.unknown_key(
                key,
                "the file",
                &shape::roots().map(|kind| kind.get().key).collect::<Vec<_>>(),
            ),
        }
    }
}

/// Completes the objects and returns them, or all errors.
pub(super) fn finish(mut reader: Reader<'_>) -> Result<DeclaredSchema, Vec<Diagnostic>> {
    for (kind, name) in STANDARD_OBJECTS {
        reader.add_standard_object(ObjectId::new(kind, &[name]));
    }
    relative::resolve(&mut reader.objects);
    partition::complete(&mut reader);
    if !reader.errors.is_empty() {
        return Err(reader.errors);
    }
    let mut catalog = Catalog::new(PgVersion::V14, reader.objects);
    catalog.set_dependencies(dependencies::dependencies(&catalog));
    Ok(DeclaredSchema {
        catalog,
        places: reader.places,
        values: reader.values,
        directives: reader.directives,
        absent: reader.absent,
        unspecified: reader.unspecified,
    })
}

impl Reader<'_> {
    /// Adds an object that every database has, unless the file declares it.
    fn add_standard_object(&mut self, id: ObjectId) {
        if self.absent.contains(&id) {
            return;
        }
        for attribute in shape::attributes(id.kind).filter(|attribute| !attribute.unmanaged_if_unset) {
            if !self.values.contains_key(&(id.clone(), attribute.name)) {
                self.unspecified.push((id.clone(), attribute.name));
            }
        }
        self.objects.entry(id.clone()).or_insert_with(|| Object::new(id));
    }

    /// Reads the objects of a kind inside the object at `path`.
    fn objects_of_kind(&mut self, kind: KindName, path: &[&str], key: &Key, node: &Node) {
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
            let expected = format!("a map with the name of each {}", kind.get().name);
            return self.mismatch(&format!("`{}`", key.text), &mismatch(node, expected));
        };
        for (i, (key, node)) in entries.iter().enumerate() {
            let position = if kind.get().ordered { i32::try_from(i + 1).unwrap_or(i32::MAX) } else { 0 };
            if let Some(id) = self.identity(kind, path, key) {
                self.object(id, position, &key.span, node);
            }
        }
    }

    /// Returns the identity of the object with a key inside the object at `path`.
    fn identity(&mut self, kind: KindName, path: &[&str], key: &Key) -> Option<ObjectId> {
        let mut path = path.to_vec();
        let mut name = &*key.text;
        let mut arguments = None;
        if kind.get().identity == Identity::Routine {
            let Some((before, types)) = names::split_routine(name) else {
                let message = format!("{} `{name}` has no argument types", kind.get().name);
                let help =
                    format!("write `{name}()`, or the types of its arguments: `{name}(integer, text)`");
                self.error(Diagnostic::new(codes::VALUE, message).help(help), &key.span);
                return None;
            };
            name = before;
            arguments = Some(types);
        }
        // The key of a cast or of a table of a publication is not an identifier and may be longer.
        let is_name =
            kind == KindName::Schema || !matches!(kind.get().identity, Identity::Global | Identity::OnGlobal);
        if let Some(expected) = value::invalid_name(name).filter(|_| is_name || name.is_empty()) {
            let message = format!("key of a {}: expected {expected}", kind.get().name);
            self.error(Diagnostic::new(codes::VALUE, message), &key.span);
            return None;
        }
        path.push(name);
        path.extend(arguments);
        Some(ObjectId::new(kind, &path))
    }

    /// Reads an object of a kind of which its parent has only one.
    fn single(&mut self, kind: KindName, path: &[&str], key: &Key, node: &Node) {
        let mut path = path.to_vec();
        let mut name = None;
        if shape::is_named_single(kind) {
            if let Tree::Map(entries) = &node.value
                && let Some((_, node)) = entries.iter().find(|(key, _)| &*key.text == shape::NAME)
            {
                match value::name(node) {
                    Ok(given) => name = Some(given),
                    Err(mismatch) => return self.mismatch(&format!("`{}`", shape::NAME), &mismatch),
                }
            }
            name = name.or_else(|| names::default_name(kind, path[path.len() - 1], None));
            path.extend(name.as_deref());
        }
        let id = ObjectId::new(kind, &path);
        if kind.get().identity == Identity::OnRelation && !self.add_single(&id, &key.span) {
            return;
        }
        self.object(id, 0, &key.span, node);
    }

    /// Reads one object and the objects inside it.
    fn object(&mut self, id: ObjectId, position: i32, span: &Range<usize>, node: &Node) {
        if STANDARD_OBJECTS.iter().any(|(kind, name)| *kind == id.kind && *name == id.name())
            && node.text() == Some(ABSENT)
        {
            self.absent.push(id);
            return;
        }
        let mut object = Object::new(id);
        object.position = position;
        let mut entries: &[(Key, Node)] = &[];
        match &node.value {
            Tree::Map(map) => entries = map,
            Tree::Scalar(..) if node.is_null() => {}
            Tree::Scalar(..) | Tree::List(_) => {
                let kind = object.id.kind.get();
                let Some(short) = kind.short_form.and_then(|name| kind.attribute(name)) else {
                    let mismatch = mismatch(node, "a map");
                    let message = format!("{}: expected a map, found {}", object.id, mismatch.found);
                    let help = format!("valid keys are {}", shape::quoted(&shape::keys(object.id.kind)));
                    return self.error(Diagnostic::new(codes::VALUE, message).help(help), &mismatch.span);
                };
                self.set(&mut object, short, node);
            }
        }
        let id = object.id.clone();
        for (key, node) in entries {
            if let Some(attribute) =
                shape::attributes(id.kind).find(|attribute| attribute.name.as_str() == &*key.text)
            {
                self.set(&mut object, attribute, node);
            }
        }
        let has_key = |name: AttributeName| entries.iter().any(|(key, _)| &*key.text == name.as_str());
        set_arguments(&mut object, has_key(AttributeName::ARGUMENTS), has_key(AttributeName::SIGNATURE));
        if !self.add(object, span) {
            return;
        }
        for (key, node) in entries {
            self.other_key(&id, key, node);
        }
    }

    /// Reads a key of an object, unless it is an attribute.
    fn other_key(&mut self, id: &ObjectId, key: &Key, node: &Node) {
        let is_name = shape::is_named_single(id.kind) && &*key.text == shape::NAME;
        if is_name || shape::attributes(id.kind).any(|attribute| attribute.name.as_str() == &*key.text) {
            return;
        }
        let path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        if let Some(child) = shape::children(id.kind).find(|child| child.get().key == &*key.text) {
            self.objects_of_kind(child, &path, key, node);
        } else if let Some(form) = shape::shorthands(id.kind).iter().find(|form| form.key == &*key.text) {
            shorthand::read(self, id, *form, &key.span, node);
        } else if let Some(known) = shape::directives(id.kind).find(|known| known.key == &*key.text) {
            match directive::read(known.key, node) {
                Ok(kind) => {
                    let place = self.place(&(key.span.start..node.span.end.max(key.span.end)));
                    self.directives.push((id.clone(), Directive { kind, place }));
                }
                Err(mismatch) => self.mismatch(&format!("`{}` of {id}", known.key), &mismatch),
            }
        } else {
            self.unknown_key(key, &id.to_string(), &shape::keys(id.kind));
        }
    }
}

/// Sets the attributes of a routine that follow from its key, unless the file gives them. The types in the key are the
/// arguments if these have no names and no defaults; the signature, by which statements name the routine, is the
/// arguments if these have no defaults.
fn set_arguments(routine: &mut Object, has_arguments: bool, has_signature: bool) {
    let Some(types) = routine.id.arguments().map(str::to_owned) else { return };
    let kind = routine.id.kind.get();
    if let (Some(attribute), false) = (kind.attribute(AttributeName::ARGUMENTS), has_arguments) {
        routine.set(attribute.name, Value::Text(types.clone()));
    }
    if let (Some(attribute), false) = (kind.attribute(AttributeName::SIGNATURE), has_signature) {
        let arguments = routine.text(AttributeName::ARGUMENTS);
        let defaults = arguments.contains('=') || arguments.to_uppercase().contains("DEFAULT");
        let signature = if defaults { types } else { arguments.to_owned() };
        routine.set(attribute.name, Value::Text(signature));
    }
}
