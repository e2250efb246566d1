//! schemadiff writes, proves, runs and audits PostgreSQL migrations.
//!
//! ```text
//! source -> Catalog -> diff -> [Change] -> kinds -> Plan -> Script -> verify / apply
//! ```
//!
//! Only PostgreSQL understands PostgreSQL: every state, declared or live, becomes a [`model::Catalog`] that a real
//! server described, and nothing is trusted until it ran.
//!
//! - [`source`] reads a state: a database ([`catalog`]), SQL in any order ([`declare::sql`]), YAML
//!   ([`declare::yaml`]), a snapshot. [`sandbox`] is the workbench: a scratch server on which declarations become
//!   catalogs and plans are tried. [`scratch`] finds that server, and [`db`] connects.
//! - [`diff`](mod@diff) compares two catalogs and knows no kind of object.
//! - [`kinds`] says of each kind how it is read, compared, created, changed and dropped: one file each, one line in the
//!   table that everything else works from. A new kind of object belongs there and nowhere else.
//! - [`plan`] widens the changes to what they touch, and orders the steps in one graph over both sides'
//!   dependencies; [`script`] prints them.
//! - [`park`] puts tables aside that the target has no more, instead of dropping them.
//! - [`rename`] gives the start the names of the target, so that what is left is told by name.
//! - [`verify`] proves a migration: up to the target and back to the start, on a copy.
//! - [`revision`] keeps migrations on disk, [`migrate`] runs and records them, [`drift`] finds what was changed by
//!   hand, [`check`] is the job before a merge.
//! - [`cli`] has a file per command, [`report`] prints, [`config`] reads `schemadiff.yaml`.
//!
//! [`model`] has the words that all of them share; [`error`] the codes of what can go wrong.

pub mod allow;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod coverage;
pub mod db;
pub mod declare;
pub mod diff;
pub mod drift;
mod duration;
pub mod error;
pub mod files;
pub mod generate;
pub mod kinds;
pub mod manage;
pub mod migrate;
pub mod model;
pub mod park;
pub mod plan;
pub mod proof;
pub mod recipes;
pub mod rename;
pub mod report;
pub mod revision;
pub mod sandbox;
pub mod scratch;
pub mod script;
pub mod survey;
pub(crate) mod yaml;

pub use error::{Diagnostic, Error, Result};
