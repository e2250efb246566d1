//! The target file `schema.yaml`: a tree that follows the kinds' own tables.
//!
//! ```yaml
//! schemas:
//!   shop:
//!     enums:
//!       order_status: [new, paid, shipped]
//!     tables:
//!       customer:
//!         columns:
//!           id: {type: bigint, identity: always, primary_key: true}
//!           email: {type: text, not_null: true, unique: true}
//!           name: text
//! ```
//!
//! An object is a map of its attributes and of the objects inside it, each under the key of its kind; one
//! attribute of many kinds may stand alone for all. Names are as they are, types and expressions are SQL.

mod declare;
mod derived;
mod directive;
mod names;
pub(crate) mod parts;
mod print;
mod relative;
#[cfg(test)]
mod roundtrip;
pub(crate) mod shape;
pub(crate) mod tree;
mod value;
mod write;

use std::sync::Arc;

use indexmap::IndexMap;

pub use directive::{Directive, DirectiveKind};
pub use write::{Visibility, WriteOptions, write};

use crate::error::{Error, Place, Result};
pub(crate) use crate::model::reserved::STANDARD_OBJECTS;
use crate::model::{Catalog, ObjectId};

/// What a file declares.
#[derive(Debug)]
pub struct DeclaredSchema {
    /// The objects, in the user's own spelling of types and expressions. Of the dependencies there are only
    /// those that an order of creation must know of, and the version is the oldest, until a server has
    /// elaborated them.
    pub catalog: Catalog,
    /// The key of each object; of those that a file need not name there is none.
    pub places: IndexMap<ObjectId, Place>,
    /// The value of each attribute that the file gives.
    pub values: IndexMap<(ObjectId, &'static str), Place>,
    /// What is said about the way there.
    pub directives: Vec<Directive>,
    /// Objects that every new database has, and that are to go.
    pub absent: Vec<ObjectId>,
    /// What is not said of objects that every database has.
    unsaid: Vec<(ObjectId, &'static str)>,
}

impl DeclaredSchema {
    /// Leaves what the file does not say of the schema `public` and the like as a new database has it.
    pub fn complete_from(&mut self, new: &Catalog) {
        for (id, attribute) in std::mem::take(&mut self.unsaid) {
            if let (Some(object), Some(value)) =
                (self.catalog.objects.get_mut(&id), new.get(&id).and_then(|object| object.get(attribute)))
            {
                object.set(attribute, value.clone());
            }
        }
    }
}

/// Reads a file, which the user calls `file`.
///
/// ```
/// use schemadiff::sandbox::yaml;
/// let text = "schemas: {shop: {tables: {customer: {columns: {id: bigint}}}}}".into();
/// let declared = yaml::read("schema.yaml", &text).unwrap();
/// assert_eq!(declared.catalog.sorted().last().unwrap().id.to_string(), "column shop.customer.id");
/// ```
///
/// # Errors
/// All that is wrong in the file, with places.
pub fn read(file: &str, text: &Arc<str>) -> Result<DeclaredSchema> {
    let root = tree::parse(file, text).map_err(|diagnostic| Error::from(*diagnostic))?;
    let mut reader = declare::Reader::new(file, text);
    if let Some(root) = &root {
        reader.file(root);
    }
    reader.finish().map_err(Error::Diagnostics)
}

/// The word for a standard object that is to go.
pub(crate) const ABSENT: &str = "absent";
