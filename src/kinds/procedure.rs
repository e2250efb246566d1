//! Procedures (`pg_proc`).

use super::routine::{self, ATTRIBUTES};
use super::{Identity, Kind, Namespace};
use crate::model::Step;
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "procedure",
    key: "procedures",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: "pg_proc",
    query: |version| routine::query(version, "'p'"),
    attributes: ATTRIBUTES,
    reference: |routine| routine::reference(routine, "PROCEDURE"),
    create: |routine, _| vec![Step::create(&routine.id, routine::definition(routine, "CREATE", "PROCEDURE"))],
    drop: |routine, _| {
        Some(Step::drop(&routine.id, sql!("DROP {}", routine::reference(routine, "PROCEDURE"))))
    },
    born_as: Some("functions"),
    ..Kind::DEFAULT
};
