//! The target file `schema.yaml`: a tree that follows the tables of the kinds.
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
//! An object is a map of its attributes and of the objects inside it, which are grouped under the key of their kind.
//! Many kinds have a short form: the value of one attribute instead of the map. Names are written without SQL quoting;
//! types and expressions are SQL.

mod declared;
mod dependencies;
mod derived;
mod directive;
mod names;
mod objects;
mod partition;
mod print;
mod reader;
mod relative;
#[cfg(test)]
mod roundtrip;
pub(crate) mod shape;
mod shorthand;
mod value;
mod write;

use std::sync::Arc;

pub use declared::DeclaredSchema;
pub use write::{Visibility, WriteOptions, write};

use crate::error::{Error, Result};
use crate::yaml;

/// Reads a target file. `file` is its name in messages.
///
/// ```
/// use schemadiff::declare::yaml;
/// let text = "schemas: {shop: {tables: {customer: {columns: {id: bigint}}}}}".into();
/// let declared = yaml::read("schema.yaml", &text).unwrap();
/// assert_eq!(declared.catalog.sorted().last().unwrap().id.to_string(), "column shop.customer.id");
/// ```
///
/// # Errors
/// Returns all errors in the file, with their places.
pub fn read(file: &str, text: &Arc<str>) -> Result<DeclaredSchema> {
    let root = yaml::parse(file, text).map_err(|diagnostic| Error::from(*diagnostic))?;
    let mut reader = reader::Reader::new(file, text);
    if let Some(root) = &root {
        objects::read_file(&mut reader, root);
    }
    objects::finish(reader).map_err(Error::Diagnostics)
}
