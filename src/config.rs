//! The configuration file, `schemadiff.yaml`.

mod environments;
mod layout;
mod passwords;
mod read;
mod reader;
mod settings;
mod variables;

pub use environments::Database;
pub use layout::Layout;
pub use settings::{Config, FILE};
pub use variables::Variables;
