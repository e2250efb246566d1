//! Declared SQL: files cut into statements, with what stands beside them.
//!
//! [`split()`] cuts and classifies, [`load()`] runs the declarations on an empty
//! scratch database whatever their order, [`load_replay`] runs a migrations folder.

pub mod class;
pub mod cut;
pub mod file;
pub mod intent;
pub mod setting;
pub mod split;

pub use class::Class;
pub use file::{SourceFile, collect};
pub use intent::{Intent, IntentKind};
pub use split::{Split, Statement, roles_of, split};
