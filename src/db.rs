//! Connections to PostgreSQL.
//!
//! A [`Target`] names a database the way libpq does; a [`Session`] is one connection to it. All queries use the simple
//! query protocol: values are text, a batch may hold several statements, and nothing is prepared, because poolers in
//! transaction mode lose prepared statements.

mod connect;
mod connection;
pub(crate) mod embedded;
mod environment;
mod failure;
mod keywords;
mod parameters;
mod passfile;
mod read_settings;
mod row;
mod service;
mod session;
mod settings;
mod target;
mod tls;
mod url;
mod verifier;

pub use crate::model::PgVersion;
pub use connection::{Canceller, Notice};
pub use environment::Environment;
pub use read_settings::{READ_SETTINGS, read_settings};
pub use row::{Batch, Message, Row};
pub use session::Session;
pub use target::Target;
