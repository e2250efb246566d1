//! Names that exclude each other.

use crate::kinds::{KindName, Namespace};
use crate::model::ObjectId;

/// A name that only one object, or one value of an enum, can have. The kind is given if objects of other kinds can have
/// the same name.
pub(super) type TakenName = (Namespace, Option<KindName>, Vec<String>);

/// Returns the names that an object takes.
pub(super) fn names_of(id: &ObjectId) -> Vec<TakenName> {
    let path = || -> Vec<String> { id.path().iter().map(ToString::to_string).collect() };
    let name = |namespace: &Namespace| match namespace {
        Namespace::Own => (*namespace, Some(id.kind), path()),
        Namespace::Relations | Namespace::Types => {
            (*namespace, None, vec![id.path()[0].to_string(), id.name().to_owned()])
        }
        Namespace::Routines | Namespace::Constraints => (*namespace, None, path()),
    };
    id.kind.get().namespaces.iter().map(name).collect()
}

/// Returns the name that a value of an enum takes.
pub(super) fn name_of_value(id: &ObjectId, value: &str) -> TakenName {
    let path = id.path().iter().map(ToString::to_string).chain([value.to_owned()]);
    (Namespace::Own, Some(KindName::Enum), path.collect())
}
