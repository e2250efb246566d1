//! What people and machines read.

pub mod diagnostic;
pub mod schema;
