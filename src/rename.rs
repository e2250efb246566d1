//! Decides which objects are renamed, and in which order.
//!
//! An object is renamed if the target says so (`renamed_from`), if it has the same definition under another name
//! (constraints, indexes, sequences of columns), and with `--renames detect` if it resembles exactly one object.

mod ambiguous;
mod annotations;
mod candidates;
mod derived;
mod identical;
mod operation;
mod order;
mod subject;
mod taken_names;

pub use ambiguous::resolve as resolve_possible;
pub use annotations::{RequestedRenames, requested};
pub use candidates::find as find_possible;
pub use derived::add_derived;
pub use identical::find as find_identical;
pub use order::steps;
