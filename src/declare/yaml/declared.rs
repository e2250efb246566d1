//! The contents of a target file.

use indexmap::IndexMap;

use crate::error::Place;
use crate::model::{AttributeName, Catalog, Directive, ObjectId};

/// The contents of a target file.
#[derive(Debug)]
pub struct DeclaredSchema {
    /// The objects, with types and expressions spelled as in the file. Until a server has elaborated them, the only
    /// dependencies are those that determine an order of creation, and the version is the oldest supported one.
    pub catalog: Catalog,
    /// The place of the key of each object. Objects that a file need not name have none.
    pub places: IndexMap<ObjectId, Place>,
    /// The place of the value of each attribute in the file.
    pub values: IndexMap<(ObjectId, AttributeName), Place>,
    /// The directives, each with its object.
    pub directives: Vec<(ObjectId, Directive)>,
    /// Standard objects that are declared `absent`.
    pub absent: Vec<ObjectId>,
    /// Attributes of standard objects that the file does not give.
    pub(super) unspecified: Vec<(ObjectId, AttributeName)>,
}

impl DeclaredSchema {
    /// Sets what the file does not specify of standard objects, such as the schema `public`, as in a new database.
    pub fn complete_from(&mut self, new: &Catalog) {
        for (id, attribute) in std::mem::take(&mut self.unspecified) {
            if let (Some(object), Some(value)) =
                (self.catalog.objects.get_mut(&id), new.get(&id).and_then(|object| object.get(attribute)))
            {
                object.set(attribute, value.clone());
            }
        }
    }
}
