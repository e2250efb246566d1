//! Errors in annotated renames.

use super::request::Request;
use crate::error::{Diagnostic, codes};
use crate::model::rename::RequestedRename;
use crate::model::sql::Ident;
use crate::model::{Catalog, ObjectId};
use crate::sql;

/// The kind of object has no rename.
pub(super) fn not_supported(annotation: &RequestedRename) -> Diagnostic {
    let kind = annotation.object.kind.get().name;
    Diagnostic::new(codes::RENAME, format!("{} cannot be renamed", annotation.object))
        .at(annotation.place.clone())
        .help(format!("remove the annotation: the {kind} is dropped and created under its new name"))
}

/// Neither the old nor the new name exists.
pub(super) fn neither_exists(request: &Request, start: &Catalog) -> Diagnostic {
    let diagnostic = error(request, format!("{} does not exist, and cannot be renamed", request.old));
    let old = &request.old.object;
    let is_other_kind = |id: &&ObjectId| id.kind != old.kind && id.path() == old.path();
    let other = start.objects.keys().find(is_other_kind).filter(|_| request.old.value.is_none());
    let diagnostic = match other {
        Some(other) => {
            let kind = request.new.object.kind.get().name;
            diagnostic.help(format!("{other} exists, but cannot become a {kind}"))
        }
        None => diagnostic,
    };
    let name = request.annotation.from.last().map(String::as_str).unwrap_or_default();
    diagnostic.help(format!("correct the name `{}`, or remove the annotation", sql!("{}", Ident(name))))
}

/// Both names exist, and no other rename explains it.
pub(super) fn both_exist(request: &Request) -> Diagnostic {
    let message = format!("{} cannot be renamed to {}: both exist", request.old, request.new);
    error(request, message).help(
        "remove the annotation if the rename has run; otherwise rename or drop the object with the new name in an \
         earlier migration",
    )
}

/// Both names of a swap exist, and it may have run or not.
pub(super) fn ambiguous_swap(request: &Request) -> Diagnostic {
    let message = format!(
        "{} and {} swap their names, and it cannot be determined whether they have done so already",
        request.old, request.new
    );
    error(request, message).help(
        "remove the annotations if they have; `schemadiff generate` records renames in the headers of migrations",
    )
}

fn error(request: &Request, message: String) -> Diagnostic {
    Diagnostic::new(codes::RENAME, message).at(request.annotation.place.clone())
}
