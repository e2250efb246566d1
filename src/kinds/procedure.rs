//! Procedures (`pg_proc`).

use super::common::{COMMENT, DEPENDS_ON_EXTENSIONS, GRANTS, OWNER};
use super::routine;
use crate::model::Step;
use crate::model::kind::{Identity, Kind, Namespace, Presence, SystemCatalog, TypeChange};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "procedure",
    key: "procedures",
    identity: Identity::Routine,
    namespaces: &[Namespace::Routines],
    catalog: Some(SystemCatalog::PROC),
    presence: Presence::Routines("p"),
    query: |_| routine::query(&KIND, "'p'"),
    // Other attributes of functions are not valid for procedures.
    attributes: &[
        routine::ARGUMENTS,
        routine::LANGUAGE,
        routine::BODY,
        routine::SQL_BODY,
        routine::LIBRARY,
        routine::SECURITY_DEFINER,
        routine::TRANSFORMS,
        routine::SETTINGS,
        routine::SIGNATURE,
        routine::INPUTS,
        routine::DEFAULTS,
        routine::STAND_IN,
        routine::NEEDS_ITSELF,
        OWNER,
        GRANTS,
        COMMENT,
        DEPENDS_ON_EXTENSIONS,
    ],
    reference: |routine| routine::reference(routine, "PROCEDURE"),
    rename: Some(super::common::rename),
    create: |routine, context| routine::create(routine, "PROCEDURE", context),
    before_drop: |routine, context| routine::before_drop(routine, "PROCEDURE", context),
    drop: |routine, _| {
        Some(Step::drop(&routine.id, sql!("DROP {}", routine::reference(routine, "PROCEDURE"))))
    },
    default_acl_class: Some("functions"),
    rebuilt_by: &[TypeChange::Column, TypeChange::Replacement, TypeChange::ColumnToText],
    ..Kind::DEFAULT
};
