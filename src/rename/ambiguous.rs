//! What goes while something alike comes, and nobody said whether the two are one.
//!
//! Only what holds data is asked about: tables, columns, sequences that no column owns, values of enums, and schemas
//! with tables in them. All else is made again from what the target says of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Diagnostic, Place, codes};
use crate::kinds::KindName;
use crate::model::rename::{AmbiguousRenames, Form, holds};
use crate::model::sql::{Ident, Literal};
use crate::model::{Catalog, Object, ObjectId, Pair, Rename, Renames};
use crate::sql;

/// Two that may be one.
pub fn find(sides: Pair<&Catalog>, confirmed: &[ObjectId]) -> Vec<Rename> {
    let only = |kind: KindName, sides: Pair<&Catalog>| -> Vec<ObjectId> {
        let ids = sides.before.objects.keys().filter(|id| id.kind == kind && !sides.after.contains(id));
        let mut ids: Vec<ObjectId> = ids.cloned().collect();
        ids.sort();
        ids
    };
    let mut found: Vec<Rename> = Vec::new();
    // Only those of one group are compared: of one table, of one schema.
    let mut ask = |kind: KindName,
                   group: fn(&ObjectId) -> &[Box<str>],
                   alike: &dyn Fn(&ObjectId, &ObjectId) -> bool| {
        let inside =
            |id: &ObjectId, end: fn(&Rename) -> &ObjectId| found.iter().any(|one| holds(end(one), id));
        let mut new: BTreeMap<Vec<Box<str>>, Vec<ObjectId>> = BTreeMap::new();
        for after in only(kind, sides.swapped()) {
            if !confirmed.contains(&after) && !inside(&after, |rename| &rename.object.after) {
                new.entry(group(&after).to_vec()).or_default().push(after);
            }
        }
        let mut more = Vec::new();
        for before in only(kind, sides) {
            let Some(near) =
                new.get(group(&before)).filter(|_| !inside(&before, |rename| &rename.object.before))
            else {
                continue;
            };
            let pairs = near.iter().filter(|after| alike(&before, after));
            more.extend(pairs.map(|after| Rename::of(before.clone(), after.clone())));
        }
        found.append(&mut more);
    };
    ask(KindName::Schema, |_| &[], &|before, after| {
        let tables = |catalog: &Catalog, schema: &ObjectId| -> BTreeMap<String, String> {
            let tables = catalog.children(schema).filter(|part| part.id.kind == KindName::Table);
            tables.map(|table| (table.id.name().to_owned(), String::new())).collect()
        };
        alike(&tables(sides.before, before), &tables(sides.after, after))
    });
    // A table may have gone to another schema, too.
    let schema: fn(&ObjectId) -> &[Box<str>] = |id| &id.path()[..1];
    let name: fn(&ObjectId) -> &[Box<str>] = |id| &id.path()[1..];
    for kind in [KindName::Table, KindName::ForeignTable] {
        for group in [schema, name] {
            ask(kind, group, &|before, after| {
                place(before, sides.before) == place(after, sides.after)
                    && alike(&columns(sides.before, before), &columns(sides.after, after))
            });
        }
    }
    ask(KindName::Sequence, schema, &|before, after| {
        let free = |sequence: Option<&Object>| {
            sequence.filter(|one| one.text("owned_by").is_empty()).map(|one| {
                ["type", "increment", "min", "max", "start", "cycle"].map(|name| one.get(name).cloned())
            })
        };
        let (one, other) = (free(sides.before.get(before)), free(sides.after.get(after)));
        one.is_some() && one == other
    });
    let table: fn(&ObjectId) -> &[Box<str>] = |id| &id.path()[..2];
    ask(KindName::Column, table, &|before, after| {
        let one = shape(before, sides.before);
        one.is_some() && one == shape(after, sides.after) && !is_a_parents(before, sides)
    });
    let enums = sides.after.sorted().into_iter().filter(|ty| ty.id.kind == KindName::Enum);
    for after in enums.filter(|ty| !confirmed.contains(&ty.id)) {
        if let Some(before) = sides.before.get(&after.id) {
            found.extend(values(before, after));
        }
    }
    found
}

/// Whether four of five are in both.
fn alike(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let common = one.iter().filter(|(name, value)| other.get(*name) == Some(*value)).count();
    common > 0 && common * 5 >= one.len().max(other.len()) * 4
}

/// The types of a table's columns by name.
fn columns(catalog: &Catalog, table: &ObjectId) -> BTreeMap<String, String> {
    let columns =
        catalog.children(table).filter(|part| part.id.kind == KindName::Column && !part.flag("system"));
    columns.map(|column| (column.id.name().to_owned(), column.text("type").to_owned())).collect()
}

/// The place of a partition. Partitions come and go, and two of other bounds are two.
fn place(table: &ObjectId, catalog: &Catalog) -> Option<Object> {
    let place = catalog.children(table).find(|part| part.id.kind == KindName::Partition)?;
    let mut place = place.clone();
    place.id = ObjectId::new(KindName::Partition, &["", ""]);
    Some(place)
}

/// What two columns have alike that may be one; none of one that holds no values of its own.
fn shape(column: &ObjectId, catalog: &Catalog) -> Option<[Option<crate::model::Value>; 4]> {
    let column = catalog.get(column)?;
    let computed = !column.text("generated").is_empty() || column.flag("system") || column.flag("inherited");
    (!computed).then(|| ["type", "collation", "not_null", "identity"].map(|name| column.get(name).cloned()))
}

/// Whether a parent's column of the name goes too.
fn is_a_parents(column: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let table = sides.before.parent(column);
    let mut parents = table.iter().flat_map(|table| sides.before.dependencies_of(table));
    parents.any(|(parent, _)| {
        let above = ObjectId::new(KindName::Column, &[&*parent.path()[0], parent.name(), column.name()]);
        sides.before.contains(&above) && !sides.after.contains(&above)
    })
}

/// Values of an enum that go while others come: one with the one in its place, where all have one.
fn values(before: &Object, after: &Object) -> Vec<Rename> {
    let (was, is) = (before.list("labels"), after.list("labels"));
    let gone: Vec<&String> = was.iter().filter(|label| !is.contains(label)).collect();
    let new: Vec<&String> = is.iter().filter(|label| !was.contains(label)).collect();
    let rename = |before: &String, label: &String| Rename {
        object: Pair { before: after.id.clone(), after: after.id.clone() },
        value: Some(Pair { before: before.clone(), after: label.clone() }),
    };
    let places: Vec<(&String, &String)> = was.iter().zip(is).filter(|(one, other)| one != other).collect();
    let in_place =
        was.len() == is.len() && places.iter().all(|(one, other)| gone.contains(one) && new.contains(other));
    if in_place {
        return places.into_iter().map(|(one, other)| rename(one, other)).collect();
    }
    gone.iter().flat_map(|one| new.iter().map(|other| rename(one, other))).collect()
}

/// Those of which each end is alike to no other.
fn certain(found: &[Rename]) -> Vec<Rename> {
    let ends = |rename: &Rename| {
        let end = |id: &ObjectId, value: Option<&String>| (id.clone(), value.cloned());
        let value = rename.value.as_ref();
        Pair {
            before: end(&rename.object.before, value.map(|value| &value.before)),
            after: end(&rename.object.after, value.map(|value| &value.after)),
        }
    };
    let alone = |rename: &&Rename| {
        let (mine, others) = (ends(rename), found.iter().filter(|other| other != rename).map(ends));
        others.into_iter().all(|other| other.before != mine.before && other.after != mine.after)
    };
    found.iter().filter(alone).cloned().collect()
}

/// Each new thing with what it may be, as an error that tells both answers.
fn ask(found: &[Rename], target: &Renames) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut seen = BTreeSet::new();
    for rename in found {
        let new = (rename.object.after.clone(), rename.value.as_ref().map(|value| value.after.clone()));
        if !seen.insert(new.clone()) {
            continue;
        }
        let olds: Vec<&Rename> = found
            .iter()
            .filter(|other| {
                other.object.after == new.0
                    && other.value.as_ref().map(|value| &value.after) == new.1.as_ref()
            })
            .collect();
        told.push(question(&new, &olds, target));
    }
    told
}

fn question(new: &(ObjectId, Option<String>), olds: &[&Rename], target: &Renames) -> Diagnostic {
    let names: Vec<String> = olds
        .iter()
        .map(|rename| words(&rename.object.before, rename.value.as_ref().map(|v| &v.before)))
        .collect();
    let verb = if names.len() == 1 { "goes" } else { "go" };
    let coming = words(&new.0, new.1.as_ref());
    let what = format!("{} {verb} and {coming} comes, which is alike: is it a rename?", names.join(" and "));
    let mut told = Diagnostic::new(codes::UNANSWERED, what);
    let place: Option<&Place> = target.places.iter().find(|(id, _)| *id == new.0).map(|(_, place)| place);
    if let Some(place) = place {
        told = told.at(place.clone());
    }
    let Some(form) = target.form else {
        return told
            .help("if it is: `--renames detect` renames what is alike to one thing only")
            .help("if they are two: `--renames drop`, and the old one goes with its data");
    };
    for rename in olds {
        told = told.help(format!("if it is, write {}", annotation(rename, form)));
    }
    let two = match form {
        _ if new.1.is_some() => String::new(),
        Form::Yaml => "write `drop: confirmed` beside the new one, or ".to_owned(),
        Form::Sql => "write `-- schemadiff: drop: confirmed` beside the new one, or ".to_owned(),
    };
    told.help(format!(
        "if they are two, {two}use `--renames drop` for this run: the old one goes with its data"
    ))
}

/// How the target says that it is a rename.
fn annotation(rename: &Rename, form: Form) -> String {
    let Pair { before, after } = &rename.object;
    let moved = before.path().len() == 2 && before.path()[0] != after.path()[0];
    match (form, &rename.value) {
        (Form::Yaml, Some(value)) => {
            format!("`renamed_values: {{{}: {}}}` beside the values", yaml(&value.after), yaml(&value.before))
        }
        (Form::Sql, Some(value)) => {
            let old = sql!("{}", Literal(&value.before));
            format!("`-- schemadiff: renamed_from: {old}` at the end of the line of the new value")
        }
        (Form::Yaml, None) if moved => {
            format!("`renamed_from: [{}, {}]` beside it", yaml(&before.path()[0]), yaml(before.name()))
        }
        (Form::Yaml, None) => format!("`renamed_from: {}` beside it", yaml(before.name())),
        (Form::Sql, None) => {
            let name = if moved { sql!("{}", before.qualified()) } else { sql!("{}", Ident(before.name())) };
            let at = if before.kind == KindName::Column {
                "at the end of its line"
            } else {
                "above its statement"
            };
            format!("`-- schemadiff: renamed_from: {name}` {at}")
        }
    }
}

/// A name as YAML has it.
fn yaml(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let word =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&&*name.to_ascii_lowercase());
    if plain && !word { name.to_owned() } else { format!("{name:?}") }
}

fn words(id: &ObjectId, value: Option<&String>) -> String {
    match value {
        Some(value) => format!("the value '{value}' of {id}"),
        None => id.to_string(),
    }
}

/// What a run does of what nobody answered: what is a rename, what is an error, and what is worth a word.
pub fn resolve(found: &[Rename], target: &Renames) -> Result<(Vec<Rename>, Vec<String>), Vec<Diagnostic>> {
    if found.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    match (target.unanswered, target.form) {
        (Some(AmbiguousRenames::Drop), _) => Ok((Vec::new(), Vec::new())),
        (Some(AmbiguousRenames::Detect), _) => {
            let certain = certain(found);
            if certain.is_empty() { Err(ask(found, target)) } else { Ok((certain, Vec::new())) }
        }
        (Some(AmbiguousRenames::Error), _) | (None, Some(_)) => Err(ask(found, target)),
        // Where nobody can write an answer, the hazard stands in the migration.
        (None, None) => {
            let tell = |rename: &Rename| {
                let value = rename.value.as_ref();
                format!(
                    "warning: {} goes and {} comes, which is alike; they are taken for two (`--renames detect` takes them for one)",
                    words(&rename.object.before, value.map(|value| &value.before)),
                    words(&rename.object.after, value.map(|value| &value.after)),
                )
            };
            Ok((Vec::new(), found.iter().map(tell).collect()))
        }
    }
}
