//! Runs revisions on a database and records them there.

mod before;
mod expected;
mod failure;
mod file_run;
mod interrupt;
mod journal;
mod lock;
mod migrator;
mod options;
mod outside;
mod pending;
pub mod record;
mod recovery;
mod revision_status;
mod run_file;
mod run_unit;
mod stamp;
mod tables;
mod tokens;
mod undo;
mod unit;
mod worker;

pub use expected::expected_after;
pub use interrupt::Interrupt;
pub use migrator::{Migrator, RunResult};
pub use options::{Options, UnknownOutcome};
pub use pending::pending;
pub use record::Record;
pub use revision_status::{
    RevisionStatus, StatusLine, check_pending, compare, status, status_errors, unfinished,
};
pub use stamp::{check_unstamp, has_no_history, to_stamp};
pub use undo::start_of;
