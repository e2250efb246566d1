//! The data that all other modules share: catalogs and their objects, steps and plans, scripts and migrations, SQL.

pub mod attribute_name;
pub mod catalog;
pub mod change;
pub mod direction;
pub mod directives;
pub mod fingerprint;
pub mod graft;
pub mod hierarchy;
pub mod kind;
pub mod kind_name;
pub mod migration;
pub mod object;
pub mod plan;
pub mod rename;
pub mod reserved;
pub mod script;
pub mod sql;
pub mod step;
pub mod value;
pub mod version;
pub mod ways;

pub use attribute_name::AttributeName;
pub use catalog::{Catalog, Dependency, DependencyKind, Objects, TrackingTable};
pub use change::{Change, Difference};
pub use direction::Direction;
pub use directives::{Backfill, Directive, DirectiveKind, Directives};
pub use fingerprint::Fingerprint;
pub use graft::graft;
pub use hierarchy::holds_rows;
pub use kind::{
    Alteration, Attribute, ChangeMethod, Context, Identity, Kind, KindName, Namespace, Presence, QueryCost,
    TypeChange, ValueType,
};
pub use migration::{Migration, Proof};
pub use object::{Object, ObjectId, Pair, ParentKey};
pub use plan::Plan;
pub use rename::{Rename, RenameMap, Renames, ShadowColumn};
pub use script::{LOCK_TIMEOUT, Planned, REPEATABLE_BLOCK, Script, Statement, StatementRole};
pub use step::{Action, Fold, Hazard, LockMode, Phase, Step, Transaction};
pub use value::Value;
pub use version::PgVersion;
pub use ways::Ways;
