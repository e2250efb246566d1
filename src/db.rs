//! Connections: how a server is named, reached, trusted and spoken to.
//!
//! A [`Target`] says where, as libpq would read it; a [`Session`] is one connection. Everything
//! goes over the simple query protocol: text both ways, several statements in a batch, and no
//! prepared statements, which poolers in transaction mode lose.

mod connect;
pub(crate) mod embedded;
mod environment;
mod failure;
mod keywords;
mod parameters;
mod passfile;
mod row;
mod service;
mod session;
mod settings;
mod target;
mod tls;
mod trust;
mod url;
mod version;

pub use environment::Environment;
pub use row::{Batch, Message, Row};
pub use session::{Canceller, Notice, Session};
pub use settings::{READ_SETTINGS, read_settings};
pub use target::Target;
pub use version::PgVersion;
