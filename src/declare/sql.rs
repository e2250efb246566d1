//! Declarations and migrations in SQL.
//!
//! [`split()`] splits a file into statements and classifies them, [`load()`] runs declarations in any order on an
//! empty scratch database, and [`replay_files`] runs migrations in order.

mod analyze;
mod batch;
mod class;
mod cut;
mod directive;
mod explain;
mod file;
mod load;
mod names;
mod part;
mod refuse;
mod replay;
mod setting;
mod split;
mod syntax;

pub(crate) use batch::must_run_alone;
pub use class::StatementClass;
pub use directive::StatementDirective;
pub(crate) use explain::statement_error;
pub use file::{SourceFile, read_files};
pub use load::{LoadedFiles, load};
pub use names::CreatedObject;
pub(crate) use names::references;
pub use part::StatementPart;
pub use replay::{ReplaySummary, replay_files};
pub use split::{Split, Statement, extensions_of, roles_of, split};
