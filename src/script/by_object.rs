//! Prints a plan that creates a whole schema as one file for each object: `schema/kind/name.sql`.
//!
//! A partition is written to the file of its partitioned table, because the order of `ATTACH PARTITION` and `CREATE
//! INDEX` decides which indexes the partition has of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::print::append_declaration;
use crate::kinds::KindName;
use crate::model::{AttributeName, Catalog, ObjectId, Plan};

/// The folder of default privileges of the role that loads the files. They come last, because they would apply to
/// objects that are created after them.
const LAST: &str = "zz_last";

/// Returns the files of a plan that creates all objects of a catalog, by path.
pub fn by_object(plan: &Plan, catalog: &Catalog) -> BTreeMap<PathBuf, String> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut unique: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for step in &plan.steps {
        let object = standalone(&step.object, catalog);
        let of_current_role = object.kind.get().identity_for_owner.is_some()
            && catalog.get(&object).is_some_and(|object| object.text(AttributeName::OWNER).is_empty());
        let wanted = if of_current_role { Path::new(LAST).join(path(&object)) } else { path(&object) };
        let path = unique.entry(wanted.clone()).or_insert_with(|| unused(&wanted, &mut taken));
        append_declaration(files.entry(path.clone()).or_default(), step);
    }
    files
}

/// Returns the object that a part belongs to: the table of a column, the partitioned table of a partition.
fn standalone(id: &ObjectId, catalog: &Catalog) -> ObjectId {
    let mut current = id.clone();
    loop {
        let bound = catalog.partition_bound(&current);
        let partitioned = bound.and_then(|bound| catalog.dependencies_of(&bound.id).next());
        let parent = catalog.parent(&current).filter(|parent| parent.kind != KindName::Schema);
        match partitioned.map(|(table, _)| table.clone()).or(parent) {
            Some(owner) => current = owner,
            None => return current,
        }
    }
}

fn path(id: &ObjectId) -> PathBuf {
    let folder = id.kind.get().key;
    match id.schema() {
        Some(schema) => {
            Path::new(&file_name(schema)).join(folder).join(format!("{}.sql", file_name(id.name())))
        }
        None if id.kind == KindName::Schema => Path::new(&file_name(id.name())).join("schema.sql"),
        None => Path::new(folder).join(format!("{}.sql", file_name(id.name()))),
    }
}

/// Encodes a name as a component of a path: each byte of a character other than a letter, a digit, `_` or `-` becomes
/// `%` and two hexadecimal digits.
fn file_name(name: &str) -> String {
    let mut encoded = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() || character == '_' || character == '-' {
            encoded.push(character);
        } else {
            encoded.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        }
    }
    encoded
}

/// Returns a path that differs from all others even where case is ignored, as some file systems do.
fn unused(wanted: &Path, taken: &mut BTreeSet<String>) -> PathBuf {
    let stem = wanted.with_extension("");
    let mut path = wanted.to_owned();
    let mut number = 2;
    while !taken.insert(path.to_string_lossy().to_lowercase()) {
        path = PathBuf::from(format!("{}-{number}.sql", stem.display()));
        number += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_and_unique() {
        let id = |name: &str| ObjectId::new(KindName::Table, &["My Schema", name]);
        assert_eq!(path(&id("a/../b")), Path::new("My%20Schema/tables/a%2F%2E%2E%2Fb.sql"));
        let mut taken = BTreeSet::new();
        let paths = ["a", "A", "é"].map(|name| unused(&path(&id(name)), &mut taken));
        let ends = paths.each_ref().map(|path| path.ends_with("a.sql"));
        assert_eq!(ends, [true, false, false]);
        assert!(paths[1].ends_with("A-2.sql") && paths[2].ends_with("é.sql"));
    }
}
