//! What schemadiff prints: results on stdout, messages and progress on stderr.
//!
//! A command produces its result as data; a [`Report`] makes a document of it, and a [`Format`] prints the document.
//! Only this module writes to the terminal.

pub mod baseline;
pub mod check;
pub mod coverage;
pub mod diagnostic;
pub mod drift;
pub mod explain;
pub mod format;
pub mod formats;
pub mod output;
pub mod progress;
pub mod schema;
pub mod status;

pub use format::{Format, Report};
