//! Rehearses a migration on a scratch copy of the start: runs it up to the target and back, and observes what it does.

mod agreement;
pub mod dump;
mod failure;
mod observe;
mod plan_info;
mod preserved_rows;
mod rehearsal;
mod sample_rows;
pub mod statements;

pub use agreement::{agree, differences, first_difference};
pub use plan_info::PlanInfo;
pub use rehearsal::{MigrationSql, prove};
