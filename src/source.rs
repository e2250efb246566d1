//! Where catalogs come from.

pub mod live;
pub mod snapshot;
pub mod yaml;
