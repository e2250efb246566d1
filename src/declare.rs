//! Readers of declared states: SQL, YAML and saved catalogs.

pub(crate) mod finder;
pub(crate) mod renames;
pub mod snapshot;
pub mod sql;
pub mod yaml;
