//! Finds possible renames: an object is dropped, and a similar object is added.
//!
//! Only objects with data count: tables, columns, sequences that no column owns, enum values, and schemas with tables.
//! All other objects can be created again from the target.

use std::collections::BTreeMap;

use crate::kinds::KindName;
use crate::model::rename::is_ancestor;
use crate::model::{AttributeName, Catalog, Object, ObjectId, Pair, Rename, Value};

/// The part of a path that a dropped and an added object must share.
type Group = fn(&ObjectId) -> &[Box<str>];

/// Returns all possible renames. Objects in `confirmed` are known to be new.
pub fn find(sides: Pair<&Catalog>, confirmed: &[ObjectId]) -> Vec<Rename> {
    let schema: Group = |id| &id.path()[..1];
    let name: Group = |id| &id.path()[1..];
    let table: Group = |id| &id.path()[..2];
    let mut candidates = Candidates { sides, confirmed, found: Vec::new() };
    candidates.add(KindName::Schema, |_| &[], have_similar_tables);
    for kind in [KindName::Table, KindName::ForeignTable] {
        candidates.add(kind, schema, are_similar_tables);
        // A table may have moved to another schema.
        candidates.add(kind, name, are_similar_tables);
    }
    candidates.add(KindName::Sequence, schema, are_similar_sequences);
    candidates.add(KindName::Column, table, are_similar_columns);
    candidates.add_enum_values();
    candidates.found
}

/// A search for possible renames.
struct Candidates<'a> {
    sides: Pair<&'a Catalog>,
    confirmed: &'a [ObjectId],
    found: Vec<Rename>,
}

impl Candidates<'_> {
    /// Adds the pairs of a dropped and an added object of one group that are similar. Parts of objects that may be renamed
    /// themselves are left out.
    fn add(
        &mut self,
        kind: KindName,
        group: Group,
        are_similar: fn(&ObjectId, &ObjectId, Pair<&Catalog>) -> bool,
    ) {
        let is_inside = |id: &ObjectId, end: fn(&Rename) -> &ObjectId| {
            self.found.iter().any(|rename| is_ancestor(end(rename), id))
        };
        let mut added: BTreeMap<Vec<Box<str>>, Vec<ObjectId>> = BTreeMap::new();
        for after in only_before(kind, self.sides.swapped()) {
            if !self.confirmed.contains(&after) && !is_inside(&after, |rename| &rename.object.after) {
                added.entry(group(&after).to_vec()).or_default().push(after);
            }
        }
        let mut found = Vec::new();
        for before in only_before(kind, self.sides) {
            if is_inside(&before, |rename| &rename.object.before) {
                continue;
            }
            let of_group = added.get(group(&before)).into_iter().flatten();
            let similar = of_group.filter(|after| are_similar(&before, after, self.sides));
            found.extend(similar.map(|after| Rename::of(before.clone(), after.clone())));
        }
        self.found.append(&mut found);
    }

    fn add_enum_values(&mut self) {
        let enums = self.sides.after.sorted().into_iter().filter(|ty| ty.id.kind == KindName::Enum);
        for after in enums.filter(|ty| !self.confirmed.contains(&ty.id)) {
            if let Some(before) = self.sides.before.get(&after.id) {
                self.found.extend(enum_values(before, after));
            }
        }
    }
}

/// Returns the objects of a kind that exist only in the first catalog, sorted.
fn only_before(kind: KindName, sides: Pair<&Catalog>) -> Vec<ObjectId> {
    let ids = sides.before.objects.keys().filter(|id| id.kind == kind && !sides.after.contains(id));
    let mut ids: Vec<ObjectId> = ids.cloned().collect();
    ids.sort();
    ids
}

fn have_similar_tables(before: &ObjectId, after: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let tables = |catalog: &Catalog, schema: &ObjectId| -> BTreeMap<String, String> {
        let tables = catalog.children(schema).filter(|part| part.id.kind == KindName::Table);
        tables.map(|table| (table.id.name().to_owned(), String::new())).collect()
    };
    are_similar(&tables(sides.before, before), &tables(sides.after, after))
}

/// Whether two tables have similar columns, and the same partition bound if they are partitions.
fn are_similar_tables(before: &ObjectId, after: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let columns = |catalog: &Catalog, table: &ObjectId| -> BTreeMap<String, String> {
        let columns = catalog
            .children(table)
            .filter(|part| part.id.kind == KindName::Column && !part.flag(AttributeName::SYSTEM));
        columns
            .map(|column| (column.id.name().to_owned(), column.text(AttributeName::TYPE).to_owned()))
            .collect()
    };
    let bound = |catalog: &Catalog, table: &ObjectId| -> Option<Object> {
        let mut bound = catalog.partition_bound(table)?.clone();
        bound.id = ObjectId::new(KindName::Partition, &["", ""]);
        Some(bound)
    };
    bound(sides.before, before) == bound(sides.after, after)
        && are_similar(&columns(sides.before, before), &columns(sides.after, after))
}

/// Whether two maps have at least four fifths of their entries in common.
fn are_similar(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let common = one.iter().filter(|(name, value)| other.get(*name) == Some(*value)).count();
    common > 0 && common * 5 >= one.len().max(other.len()) * 4
}

/// Whether two sequences have the same options, and no column owns them.
fn are_similar_sequences(before: &ObjectId, after: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let options = |sequence: Option<&Object>| {
        let sequence = sequence.filter(|sequence| sequence.text(AttributeName::OWNED_BY).is_empty())?;
        Some(
            [
                AttributeName::TYPE,
                AttributeName::INCREMENT,
                AttributeName::MIN,
                AttributeName::MAX,
                AttributeName::START,
                AttributeName::CYCLE,
            ]
            .map(|name| sequence.get(name).cloned()),
        )
    };
    let before = options(sides.before.get(before));
    before.is_some() && before == options(sides.after.get(after))
}

/// Whether two columns have the same type and properties. Inherited columns are renamed with those of the parent.
fn are_similar_columns(before: &ObjectId, after: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let one = column_properties(before, sides.before);
    one.is_some() && one == column_properties(after, sides.after) && !parent_drops_column(before, sides)
}

/// Returns the properties that two columns must share. `None` if the column has no values of its own.
fn column_properties(column: &ObjectId, catalog: &Catalog) -> Option<[Option<Value>; 4]> {
    let column = catalog.get(column)?;
    let has_values = column.text(AttributeName::GENERATED).is_empty()
        && !column.flag(AttributeName::SYSTEM)
        && !column.flag(AttributeName::INHERITED);
    has_values.then(|| {
        [AttributeName::TYPE, AttributeName::COLLATION, AttributeName::NOT_NULL, AttributeName::IDENTITY]
            .map(|name| column.get(name).cloned())
    })
}

/// Whether a parent table drops its column of the same name.
fn parent_drops_column(column: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let table = sides.before.parent(column);
    let mut parents = table.iter().flat_map(|table| sides.before.dependencies_of(table));
    parents.any(|(parent, _)| {
        let inherited = ObjectId::new(KindName::Column, &[&*parent.path()[0], parent.name(), column.name()]);
        sides.before.contains(&inherited) && !sides.after.contains(&inherited)
    })
}

/// Returns the possible renames of values of one enum: of values at the same position if all others are unchanged, or
/// else of each dropped value to each added value.
fn enum_values(before: &Object, after: &Object) -> Vec<Rename> {
    let (old, new) = (before.list(AttributeName::LABELS), after.list(AttributeName::LABELS));
    let dropped: Vec<&String> = old.iter().filter(|label| !new.contains(label)).collect();
    let added: Vec<&String> = new.iter().filter(|label| !old.contains(label)).collect();
    let rename = |before: &String, label: &String| Rename {
        object: Pair { before: after.id.clone(), after: after.id.clone() },
        value: Some(Pair { before: before.clone(), after: label.clone() }),
    };
    let changed: Vec<(&String, &String)> =
        old.iter().zip(new).filter(|(before, after)| before != after).collect();
    let in_place = old.len() == new.len()
        && changed.iter().all(|(before, after)| dropped.contains(before) && added.contains(after));
    if in_place {
        return changed.into_iter().map(|(before, after)| rename(before, after)).collect();
    }
    dropped.iter().flat_map(|before| added.iter().map(|after| rename(before, after))).collect()
}
