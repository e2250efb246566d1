//! The words of the program: objects, catalogs, steps and the SQL they are made of.

pub mod catalog;
pub mod graft;
pub mod object;
pub mod rename;
pub mod sql;
pub mod step;
pub mod value;
pub mod version;

pub use catalog::{Catalog, Dependency, DependencyKind, Objects};
pub use graft::graft;
pub use object::{Object, ObjectId, Pair, Whole};
pub use rename::{Names, Rename, Renames, Twin};
pub use step::{Action, Fold, Hazard, LockMode, Phase, Step, Transaction};
pub use value::Value;
pub use version::PgVersion;
