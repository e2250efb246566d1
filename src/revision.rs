//! Revisions: a folder of migration files with their rollbacks.

mod chain;
mod draft;
mod folder;
mod header;
mod order;
mod rename_line;
pub mod source;
mod write;

pub use chain::{ChainBreak, chain_breaks};
pub use draft::{Draft, describe};
pub use folder::{Folder, Revision};
pub use header::{Header, body};
pub use order::{Order, slug};
