//! Declared SQL: files cut into statements, with what stands beside them.
//!
//! [`split()`] cuts and classifies, [`load()`] runs the declarations on an empty
//! scratch database whatever their order, [`replay_files`] runs a migrations folder.

mod batch;
mod class;
mod cut;
mod directive;
mod explain;
mod file;
mod load;
mod names;
mod refuse;
mod replay;
mod setting;
mod split;

pub(crate) use batch::must_run_alone;
pub use class::StatementClass;
pub use directive::{Beside, Directive, DirectiveKind};
pub(crate) use explain::statement_error;
pub use file::{SourceFile, read_files};
pub use load::{Loaded, load};
pub use names::Subject;
pub(crate) use names::references;
pub use replay::{ReplaySummary, replay_files};
pub use split::{Split, Statement, extensions_of, roles_of, split};
