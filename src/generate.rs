//! Makes a migration out of two states: renames, plan, recipes, script, proof.

mod migration;
mod options;
mod phases;
mod plans;
mod renames;

pub use migration::migration;
pub use options::{MigrationOptions, Proving};
pub use phases::{PhaseMigration, PhasedMigration, phased};
