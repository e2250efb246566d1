//! The queries that read a catalog: one per kind, and some for all kinds.

use super::present::PresentKinds;
use super::{dependencies, unmodelled};
use crate::kinds::KindName;
use crate::model::PgVersion;

/// A query of the catalog.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CatalogQuery {
    /// The objects of a kind.
    Kind(KindName),
    Comments,
    Roles,
    Dependencies,
    /// Features of objects that are not modelled.
    Features,
}

impl CatalogQuery {
    /// Returns the queries that can have rows, in the order in which a catalog has its objects.
    pub(super) fn all(present: &PresentKinds) -> Vec<Self> {
        let kinds = KindName::ALL.iter().filter(|kind| present.has(**kind)).map(|kind| Self::Kind(*kind));
        kinds.chain([Self::Comments, Self::Roles, Self::Dependencies, Self::Features]).collect()
    }

    /// Returns the SQL of the query.
    pub(super) fn sql(self, version: PgVersion) -> String {
        match self {
            Self::Kind(kind) => (kind.get().query)(version),
            Self::Comments => COMMENTS.to_owned(),
            Self::Roles => ROLES.to_owned(),
            Self::Dependencies => dependencies::query(version),
            Self::Features => unmodelled::query(),
        }
    }
}

const COMMENTS: &str = "SELECT classoid, objoid, objsubid, description FROM pg_description \
    WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass AND objoid = 'public'::regnamespace";

const ROLES: &str =
    "SELECT rolname, rolsuper, rolname = current_user FROM pg_roles WHERE rolsuper OR rolname = current_user";
