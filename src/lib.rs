//! schemadiff writes, proves, runs and audits PostgreSQL migrations.
//!
//! ```text
//! source -> Catalog -> diff -> [Change] -> recipes + kinds -> Plan -> Script -> verify / apply
//! ```

pub mod db;
pub mod error;
pub mod model;
pub mod report;
pub mod scratch;
pub mod source;

pub use error::{Diagnostic, Error, Result};
