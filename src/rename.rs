//! Decides which objects are renamed, and in which order.
//!
//! An object is renamed if the target says so (`renamed_from`), if it has the same definition under another name
//! (constraints, indexes, sequences of columns), and with `--renames detect` if it resembles exactly one object.

mod ambiguous;
mod annotations;
mod derived;
mod order;
mod similarity;

pub use ambiguous::{find as find_ambiguous, resolve as resolve_ambiguous};
pub use annotations::{RequestedRenames, requested};
pub use derived::add_derived;
pub use order::steps;
pub use similarity::find as find_identical;
