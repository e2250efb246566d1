//! Declared SQL: files cut into statements, with what stands beside them.
//!
//! [`split()`] cuts and classifies, [`load()`] runs the declarations on an empty
//! scratch database whatever their order, [`load_replay`] runs a migrations folder.

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

pub(crate) use batch::wants_to_be_alone;
pub use class::Class;
pub use directive::{Beside, Directive, DirectiveKind};
pub(crate) use explain::applied;
pub use file::{SourceFile, collect};
pub use load::{Loaded, load};
pub use names::Subject;
pub(crate) use names::references;
pub use replay::{Replayed, load_replay};
pub use split::{Split, Statement, extensions_of, roles_of, split};
