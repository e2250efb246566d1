//! What people and machines read.

pub mod diagnostic;
pub mod findings;
pub mod progress;
pub mod schema;
