//! What people and machines read.

pub mod diagnostic;
