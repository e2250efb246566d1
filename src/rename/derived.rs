//! Renames that follow from others: columns of children and partitions, and sequences of a table that moves.

use crate::kinds::KindName;
use crate::model::{Catalog, DependencyKind, ObjectId, Pair, RenameMap};

/// Adds the renames that the server makes together with these: a column keeps the name of its parent's column, and
/// the sequences that a table owns move with it to another schema.
pub fn add_derived(pairs: &mut Vec<Pair<ObjectId>>, catalog: &Catalog) {
    let mut i = 0;
    while i < pairs.len() {
        let pair = pairs[i].clone();
        i += 1;
        match pair.before.kind {
            KindName::Table => pairs.extend(moved_sequences(&pair, catalog)),
            KindName::Column => {
                for derived in inherited_columns(&pair, pairs, catalog) {
                    if !pairs.contains(&derived) {
                        pairs.push(derived);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns the sequences that the columns of a table own, if the table moves to another schema.
fn moved_sequences(table: &Pair<ObjectId>, catalog: &Catalog) -> Vec<Pair<ObjectId>> {
    let schema = &*table.after.path()[0];
    if *table.before.path()[0] == *schema {
        return Vec::new();
    }
    let columns = catalog.children(&table.before).filter(|part| part.id.kind == KindName::Column);
    let dependents = columns.flat_map(|column| catalog.dependents_of(&column.id));
    let owned =
        dependents.filter(|(id, kind)| id.kind == KindName::Sequence && *kind == DependencyKind::Auto);
    owned
        .map(|(id, _)| Pair { before: id.clone(), after: ObjectId::new(id.kind, &[schema, id.name()]) })
        .collect()
}

/// Returns the columns of children and partitions that inherit a column.
fn inherited_columns(
    column: &Pair<ObjectId>,
    pairs: &[Pair<ObjectId>],
    catalog: &Catalog,
) -> Vec<Pair<ObjectId>> {
    let Some(table) = catalog.parent(&column.before) else { return Vec::new() };
    let mut inherited = Vec::new();
    for (child, _) in catalog.dependents_of(&table).filter(|(child, _)| child.path().len() == 2) {
        let of = |table: &ObjectId, name: &str| {
            ObjectId::new(KindName::Column, &[&*table.path()[0], table.name(), name])
        };
        let before = of(child, column.before.name());
        if !catalog.contains(&before) {
            continue;
        }
        let mut names = RenameMap::default();
        names.add(pairs.iter().filter(|pair| pair.before == *child).cloned().collect());
        let after = of(&names.new_id(child), column.after.name());
        inherited.push(Pair { before, after });
    }
    inherited
}
