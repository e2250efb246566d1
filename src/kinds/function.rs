//! Functions and window functions (`pg_proc`).

use super::routine::{self, ATTRIBUTES};
use super::{Identity, Kind, Namespace};
use crate::model::Step;
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "function",
    key: "functions",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: "pg_proc",
    query: |version| routine::query(version, "'f', 'w'"),
    attributes: ATTRIBUTES,
    reference: |routine| routine::reference(routine, "FUNCTION"),
    create: |routine, _| vec![Step::create(&routine.id, routine::definition(routine, "CREATE", "FUNCTION"))],
    drop: |routine, _| {
        Some(Step::drop(&routine.id, sql!("DROP {}", routine::reference(routine, "FUNCTION"))))
    },
    born_as: Some("functions"),
    ..Kind::DEFAULT
};
