//! Where a state comes from: declared files, a live database, a snapshot.

pub mod live;
pub mod snapshot;
pub mod sql;
pub mod yaml;
