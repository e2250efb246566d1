//! Reads the renames that a target requests, with the objects that they are about.

use super::finder::ObjectFinder;
use super::sql::{LoadedFiles, StatementPart};
use super::yaml::DeclaredSchema;
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::kinds::{Identity, KindName};
use crate::model::rename::{DeclarationFormat, RequestedRename};
use crate::model::{Catalog, Directive, DirectiveKind, ObjectId, Renames};

/// Returns the renames of a target in YAML.
pub(crate) fn of_yaml(declared: &DeclaredSchema, catalog: &Catalog) -> Result<Renames> {
    let places = declared.places.iter().map(|(id, place)| (id.clone(), place.clone())).collect();
    let mut renames = Renames { format: Some(DeclarationFormat::Yaml), places, ..Renames::default() };
    let mut errors = Vec::new();
    for (id, directive) in declared.directives.iter().filter(|(_, directive)| directive.kind.is_rename()) {
        match spelled_by_server(id, catalog) {
            Some(object) => add(&mut renames, object, None, directive),
            None => errors.push(unknown_object(&directive.place)),
        }
    }
    if errors.is_empty() { Ok(renames) } else { Err(Error::Diagnostics(errors)) }
}

/// Returns the renames of a target in SQL.
pub(crate) fn of_sql(loaded: &LoadedFiles, catalog: &Catalog) -> Result<Renames> {
    let mut renames = Renames { format: Some(DeclarationFormat::Sql), ..Renames::default() };
    let mut errors = Vec::new();
    let finder = ObjectFinder::new(catalog);
    for statement in loaded.statements.iter().filter(|statement| statement.creates.is_some()) {
        let Some(id) = finder.find(statement, None) else { continue };
        for (part, span) in &statement.parts {
            if let StatementPart::Column(name) = part {
                let column = ObjectId::new(KindName::Column, &[&*id.path()[0], id.name(), name]);
                renames.places.push((column, statement.place_of(span.clone())));
            }
        }
        renames.places.push((id, statement.place.clone()));
    }
    for (statement, found) in loaded.directives().filter(|(_, found)| found.directive.kind.is_rename()) {
        match finder.find(statement, found.part.as_ref()) {
            Some(object) => add(&mut renames, object, found.part.as_ref(), &found.directive),
            None => errors.push(unknown_object(&found.directive.place)),
        }
    }
    if errors.is_empty() { Ok(renames) } else { Err(Error::Diagnostics(errors)) }
}

fn add(renames: &mut Renames, object: ObjectId, part: Option<&StatementPart>, directive: &Directive) {
    let requested = |value: Option<String>, from: Vec<String>| RequestedRename {
        object: object.clone(),
        value,
        from,
        place: directive.place.clone(),
    };
    match &directive.kind {
        DirectiveKind::RenamedFrom(from) => renames.requested.push(requested(None, from.clone())),
        DirectiveKind::RenamedValues(pairs) => renames.requested.extend(pairs.iter().map(|(new, old)| {
            let new = match part {
                Some(StatementPart::Value(value)) => value.clone(),
                Some(StatementPart::Column(_) | StatementPart::Constraint(_)) | None => new.clone(),
            };
            requested(Some(new), vec![old.clone()])
        })),
        DirectiveKind::DropConfirmed => renames.confirmed_new.push(object),
        DirectiveKind::Backfill { .. } | DirectiveKind::Using(_) => {}
    }
}

fn unknown_object(place: &Place) -> Diagnostic {
    Diagnostic::new(codes::RENAME, "this directive cannot be assigned to an object")
        .at(place.clone())
        .help("write it above the CREATE statement of one object, or at the end of the line of a column")
        .help("for one of several routines with the same name, write the argument types as the server prints them")
}

/// Returns the identity of an object as the server spells it: the argument types of a routine may be spelled
/// differently in the file.
fn spelled_by_server(id: &ObjectId, catalog: &Catalog) -> Option<ObjectId> {
    if catalog.contains(id) || id.kind.get().identity != Identity::Routine {
        return Some(id.clone());
    }
    let mut same_name =
        catalog.objects.keys().filter(|other| other.kind == id.kind && other.path()[..2] == id.path()[..2]);
    let first = same_name.next()?;
    same_name.next().is_none().then(|| first.clone())
}
