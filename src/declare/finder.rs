//! Finds the object in a catalog that a statement, or a part of it, declares.

use std::collections::BTreeMap;

use super::sql::{CreatedObject, Statement, StatementPart, references};
use crate::kinds::{Identity, KindName};
use crate::model::{Catalog, ObjectId};

/// The objects of a catalog by name.
pub(crate) struct ObjectFinder<'a> {
    by_name: BTreeMap<&'a str, Vec<&'a ObjectId>>,
}

impl<'a> ObjectFinder<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
        for id in catalog.objects.keys() {
            by_name.entry(id.name()).or_default().push(id);
        }
        Self { by_name }
    }

    /// Returns the object that a statement, or a part of it, declares. Returns `None` if it cannot be determined.
    pub(crate) fn find(&self, statement: &Statement, part: Option<&StatementPart>) -> Option<ObjectId> {
        match (&statement.creates, part) {
            (Some(created), None | Some(StatementPart::Value(_))) => self.find_created(statement, created),
            (_, Some(StatementPart::Column(name))) => {
                self.find_part(statement, name, |id| id.kind.get().ordered)
            }
            (_, Some(StatementPart::Constraint(name))) => {
                self.find_part(statement, name, |id| id.kind.get().is_constraint())
            }
            // `ALTER TABLE … ADD COLUMN` is about the column.
            (None, None) => match statement.parts.as_slice() {
                [(part @ (StatementPart::Column(_) | StatementPart::Constraint(_)), _)] => {
                    self.find(statement, Some(part))
                }
                _ => None,
            },
            (None, Some(StatementPart::Value(_))) => None,
        }
    }

    fn find_created(&self, statement: &Statement, created: &CreatedObject) -> Option<ObjectId> {
        let kinds = kinds(&created.kind);
        let candidates =
            || self.named(&created.name).filter(|id| kinds.contains(&id.kind) && in_schema_of(created, id));
        let identified = |id: &&ObjectId| match id.kind.get().identity {
            Identity::OnRelation => {
                id.relation().is_some_and(|on| references(&statement.text).iter().any(|name| name == on))
            }
            Identity::Routine => {
                argument_types(&created.qualifier) == id.arguments().map(with_normalized_spaces)
            }
            Identity::Global
            | Identity::OnGlobal
            | Identity::InSchema
            | Identity::OfRelation
            | Identity::OfColumn => true,
        };
        only(candidates())
            .or_else(|| only(candidates().filter(identified)))
            .or_else(|| only(candidates().filter(|id| is_in_public(id))))
    }

    fn find_part(
        &self,
        statement: &Statement,
        name: &str,
        is_wanted: impl Fn(&ObjectId) -> bool,
    ) -> Option<ObjectId> {
        let is_on = |id: &ObjectId| {
            let relation = id.relation().unwrap_or_default();
            match &statement.creates {
                Some(created) => relation == created.name && in_schema_of(created, id),
                None => references(&statement.text).iter().any(|name| name == relation),
            }
        };
        let candidates = || self.named(name).filter(|id| is_wanted(id) && is_on(id));
        only(candidates()).or_else(|| only(candidates().filter(|id| is_in_public(id))))
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a ObjectId> + use<'a, '_> {
        self.by_name.get(name).into_iter().flatten().copied()
    }
}

fn only<'a>(mut ids: impl Iterator<Item = &'a ObjectId>) -> Option<ObjectId> {
    let first = ids.next()?;
    ids.next().is_none().then(|| first.clone())
}

fn in_schema_of(created: &CreatedObject, id: &ObjectId) -> bool {
    created.schema.as_deref().is_none_or(|schema| *id.path()[0] == *schema)
}

/// Whether the object is in the schema that is searched for unqualified names.
fn is_in_public(id: &ObjectId) -> bool {
    &*id.path()[0] == "public"
}

/// Returns the types of a parameter list such as `(integer, text)`, if they are written as the server prints them.
fn argument_types(list: &str) -> Option<String> {
    Some(with_normalized_spaces(list.trim().strip_prefix('(')?.strip_suffix(')')?))
}

fn with_normalized_spaces(text: &str) -> String {
    text.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}

/// Returns the kinds of object that a CREATE with these keywords can create.
fn kinds(keywords: &str) -> Vec<KindName> {
    let words: Vec<&str> = keywords
        .split_whitespace()
        .filter(|word| !["if", "not", "exists", "concurrently"].contains(word))
        .collect();
    let noun = words.join(" ");
    if words.last() == Some(&"type") {
        return vec![KindName::Enum, KindName::Composite, KindName::Range, KindName::BaseType];
    }
    let named = KindName::ALL.iter().copied().filter(|kind| {
        // `CREATE STATISTICS` creates a statistics object.
        let name = kind.get().name.trim_end_matches(" object");
        noun == name || noun.strip_suffix(name).is_some_and(|before| before.ends_with(' '))
    });
    // The longer of `foreign table` and `table` is meant.
    named.max_by_key(|kind| kind.get().name.len()).into_iter().collect()
}
