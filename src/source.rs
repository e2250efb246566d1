//! Where catalogs come from.

pub mod live;
