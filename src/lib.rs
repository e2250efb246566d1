//! schemadiff writes, proves, runs and audits PostgreSQL migrations.
//!
//! ```text
//! source -> Catalog -> diff -> [Change] -> recipes + kinds -> Plan -> Script -> verify / apply
//! ```

pub mod check;
pub mod cli;
pub mod config;
pub mod db;
pub mod diff;
pub mod drift;
pub mod error;
pub mod kinds;
pub mod migrate;
pub mod model;
pub mod plan;
pub mod report;
pub mod revision;
pub mod scratch;
pub mod script;
pub mod source;
pub mod verify;

pub use error::{Diagnostic, Error, Result};
