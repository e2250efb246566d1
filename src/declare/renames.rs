//! What a target says about renames, with the objects that it is about.

use std::collections::BTreeMap;

use super::sql::{Beside, Loaded, Statement, references};
use super::yaml::{DeclaredSchema, DirectiveKind};
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::kinds::{Identity, KindName, Namespace};
use crate::model::rename::{DeclarationFormat, RequestedRename};
use crate::model::{Catalog, ObjectId, Renames};

/// Whether a wish is about a rename.
pub(crate) fn is_one(kind: &DirectiveKind) -> bool {
    match kind {
        DirectiveKind::RenamedFrom(_) | DirectiveKind::RenamedValues(_) | DirectiveKind::DropConfirmed => {
            true
        }
        DirectiveKind::Backfill { .. } | DirectiveKind::Using(_) => false,
    }
}

/// What a file in YAML says.
pub(crate) fn of_yaml(declared: &DeclaredSchema, catalog: &Catalog) -> Result<Renames> {
    let places = declared.places.iter().map(|(id, place)| (id.clone(), place.clone())).collect();
    let mut renames = Renames { format: Some(DeclarationFormat::Yaml), places, ..Renames::default() };
    let mut wrong = Vec::new();
    for directive in declared.directives.iter().filter(|directive| is_one(&directive.kind)) {
        match spelled(&directive.object, catalog) {
            Some(object) => add(&mut renames, object, None, &directive.kind, &directive.place),
            None => wrong.push(unfound(&directive.place)),
        }
    }
    if wrong.is_empty() { Ok(renames) } else { Err(Error::Diagnostics(wrong)) }
}

/// What files in SQL say.
pub(crate) fn of_sql(loaded: &Loaded, catalog: &Catalog) -> Result<Renames> {
    let mut renames = Renames { format: Some(DeclarationFormat::Sql), ..Renames::default() };
    let mut wrong = Vec::new();
    let finder = Finder::of(catalog);
    for statement in loaded.statements.iter().filter(|statement| statement.subject.is_some()) {
        let Some(id) = finder.find(statement, None) else { continue };
        for (part, span) in &statement.parts {
            if let Beside::Column(name) = part {
                let column = ObjectId::new(KindName::Column, &[&*id.path()[0], id.name(), name]);
                renames.places.push((column, statement.place_of(span.clone())));
            }
        }
        renames.places.push((id, statement.place.clone()));
    }
    for (statement, directive) in loaded.directives().filter(|(_, directive)| is_one(&directive.kind)) {
        match finder.find(statement, directive.beside.as_ref()) {
            Some(object) => {
                add(&mut renames, object, directive.beside.as_ref(), &directive.kind, &directive.place);
            }
            None => wrong.push(unfound(&directive.place)),
        }
    }
    if wrong.is_empty() { Ok(renames) } else { Err(Error::Diagnostics(wrong)) }
}

fn add(
    renames: &mut Renames,
    object: ObjectId,
    beside: Option<&Beside>,
    kind: &DirectiveKind,
    place: &Place,
) {
    let asked = |value: Option<String>, from: Vec<String>| RequestedRename {
        object: object.clone(),
        value,
        from,
        place: place.clone(),
    };
    match kind {
        DirectiveKind::RenamedFrom(from) => renames.requested.push(asked(None, from.clone())),
        DirectiveKind::RenamedValues(pairs) => renames.requested.extend(pairs.iter().map(|(new, old)| {
            let new = match beside {
                Some(Beside::Value(value)) => value.clone(),
                Some(Beside::Column(_) | Beside::Constraint(_)) | None => new.clone(),
            };
            asked(Some(new), vec![old.clone()])
        })),
        DirectiveKind::DropConfirmed => renames.confirmed_new.push(object),
        DirectiveKind::Backfill { .. } | DirectiveKind::Using(_) => {}
    }
}

fn unfound(place: &Place) -> Diagnostic {
    Diagnostic::new(codes::RENAME, "it is not clear what this annotation is about")
        .at(place.clone())
        .help("write it above the CREATE statement of one object, or at the end of the line of a column")
        .help("routines of one name: write the types of the arguments as the server prints them")
}

/// The object as the server spells it: the types of a routine's arguments may be written in another way.
fn spelled(id: &ObjectId, catalog: &Catalog) -> Option<ObjectId> {
    if catalog.contains(id) || id.kind.get().identity != Identity::Routine {
        return Some(id.clone());
    }
    let same = |other: &&ObjectId| other.kind == id.kind && other.path()[..2] == id.path()[..2];
    only(catalog.objects.keys().filter(same))
}

fn only<'a>(mut ids: impl Iterator<Item = &'a ObjectId>) -> Option<ObjectId> {
    let first = ids.next()?;
    ids.next().is_none().then(|| first.clone())
}

/// Finds what statements declare.
pub(crate) struct Finder<'a> {
    named: BTreeMap<&'a str, Vec<&'a ObjectId>>,
}

impl<'a> Finder<'a> {
    pub(crate) fn of(catalog: &'a Catalog) -> Self {
        let mut named: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
        for id in catalog.objects.keys() {
            named.entry(id.name()).or_default().push(id);
        }
        Self { named }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a ObjectId> + use<'a, '_> {
        self.named.get(name).into_iter().flatten().copied()
    }

    /// The object that a statement, or a part of it, declares.
    pub(crate) fn find(&self, statement: &Statement, beside: Option<&Beside>) -> Option<ObjectId> {
        let names = || references(&statement.text);
        let of_schema = |id: &ObjectId| {
            let schema = statement.subject.as_ref().and_then(|subject| subject.schema.as_deref());
            schema.is_none_or(|schema| *id.path()[0] == *schema)
        };
        match (&statement.subject, beside) {
            (Some(subject), None | Some(Beside::Value(_))) => {
                let kinds = kinds(&subject.kind);
                let near = |id: &&ObjectId| match id.kind.get().identity {
                    Identity::OnRelation => {
                        id.relation().is_some_and(|on| names().iter().any(|name| name == on))
                    }
                    Identity::Routine => arguments(&subject.rest) == id.arguments().map(squeeze),
                    Identity::Global
                    | Identity::OnGlobal
                    | Identity::InSchema
                    | Identity::OfRelation
                    | Identity::OfColumn => true,
                };
                let all = || self.all(&subject.name).filter(|id| kinds.contains(&id.kind) && of_schema(id));
                only(all())
                    .or_else(|| only(all().filter(near)))
                    .or_else(|| only(all().filter(|id| is_public(id))))
            }
            (subject, Some(Beside::Column(part) | Beside::Constraint(part))) => {
                let column = matches!(beside, Some(Beside::Column(_)));
                let fits = |id: &&ObjectId| {
                    let kind = id.kind.get();
                    let this =
                        if column { kind.ordered } else { kind.namespaces.contains(&Namespace::Constraints) };
                    let on = id.relation().unwrap_or_default();
                    let here = match subject {
                        Some(subject) => on == subject.name && of_schema(id),
                        None => names().iter().any(|name| name == on),
                    };
                    this && here
                };
                let all = || self.all(part).filter(fits);
                only(all()).or_else(|| only(all().filter(|id| is_public(id))))
            }
            // `ALTER TABLE … ADD COLUMN` is about its column.
            (None, None) => match statement.parts.as_slice() {
                [(part @ (Beside::Column(_) | Beside::Constraint(_)), _)] => self.find(statement, Some(part)),
                _ => None,
            },
            (None, Some(Beside::Value(_))) => None,
        }
    }
}

/// Where a name without a schema is looked up last.
fn is_public(id: &ObjectId) -> bool {
    &*id.path()[0] == "public"
}

/// The types of a parameter list such as `(a integer, text)`, as far as they are written as the server prints them.
fn arguments(list: &str) -> Option<String> {
    Some(squeeze(list.trim().strip_prefix('(')?.strip_suffix(')')?))
}

fn squeeze(text: &str) -> String {
    text.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}

/// What a `CREATE` of these words makes.
fn kinds(words: &str) -> Vec<KindName> {
    let words: Vec<&str> = words
        .split_whitespace()
        .filter(|word| !["if", "not", "exists", "concurrently"].contains(word))
        .collect();
    let noun = words.join(" ");
    if words.last() == Some(&"type") {
        return vec![KindName::Enum, KindName::Composite, KindName::Range, KindName::BaseType];
    }
    // Of `foreign table` and `table` the longer one is meant.
    let named = KindName::ALL.iter().copied().filter(|kind| {
        // `CREATE STATISTICS` makes a statistics object.
        let name = kind.get().name.trim_end_matches(" object");
        noun == name || noun.strip_suffix(name).is_some_and(|before| before.ends_with(' '))
    });
    named.max_by_key(|kind| kind.get().name.len()).into_iter().collect()
}
