//! Declarations in files, one for each object with its parts: `schema/kind/name.sql`. A partition stands with the
//! table of which it is one: what indexes it has of its own depends on when it was attached.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Script;
use crate::kinds::KindName;
use crate::model::{Catalog, ObjectId};
use crate::plan::Plan;

/// The files of a plan that creates all of a catalog, by their paths.
pub fn by_object(plan: &Plan, catalog: &Catalog) -> BTreeMap<PathBuf, String> {
    let mut plans: BTreeMap<PathBuf, Plan> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut names: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for step in &plan.steps {
        let whole = whole(&step.object, catalog);
        // Those of whoever runs it would be given to what comes after.
        let own = whole.kind.get().identity_for_owner.is_some()
            && catalog.get(&whole).is_some_and(|o| o.text("owner").is_empty());
        let wanted = if own { Path::new("zz_last").join(path(&whole)) } else { path(&whole) };
        let own = names.entry(wanted.clone()).or_insert_with(|| free(&wanted, &mut taken));
        plans.entry(own.clone()).or_default().steps.push(step.clone());
    }
    plans.into_iter().map(|(path, plan)| (path, Script::declarations(&plan).render())).collect()
}

/// The object of which this is a part, that stands by itself.
fn whole(id: &ObjectId, catalog: &Catalog) -> ObjectId {
    let mut here = id.clone();
    loop {
        let place = catalog.children(&here).find(|part| part.id.kind == KindName::Partition);
        let root = place.and_then(|place| catalog.dependencies_of(&place.id).next());
        let parent = catalog.parent(&here).filter(|parent| parent.kind != KindName::Schema);
        match root.map(|(root, _)| root.clone()).or(parent) {
            Some(whole) => here = whole,
            None => return here,
        }
    }
}

fn path(id: &ObjectId) -> PathBuf {
    let key = id.kind.get().key;
    match id.schema() {
        Some(schema) => Path::new(&plain(schema)).join(key).join(format!("{}.sql", plain(id.name()))),
        None if id.kind == KindName::Schema => Path::new(&plain(id.name())).join("schema.sql"),
        None => Path::new(key).join(format!("{}.sql", plain(id.name()))),
    }
}

/// A name as one part of a path: what is no letter, digit, `_` or `-` is written as `%` and two digits for
/// each of its bytes.
fn plain(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() || letter == '_' || letter == '-' {
            out.push(letter);
        } else {
            out.extend(utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        }
    }
    out
}

/// A path that no other file has: some file systems take `A` for `a`.
fn free(wanted: &Path, taken: &mut BTreeSet<String>) -> PathBuf {
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
    fn names_are_paths_of_their_own() {
        let id = |name: &str| ObjectId::new(KindName::Table, &["My Schema", name]);
        assert_eq!(path(&id("a/../b")), Path::new("My%20Schema/tables/a%2F%2E%2E%2Fb.sql"));
        let mut taken = BTreeSet::new();
        let paths = ["a", "A", "é"].map(|name| free(&path(&id(name)), &mut taken));
        let ends = paths.each_ref().map(|path| path.ends_with("a.sql"));
        assert_eq!(ends, [true, false, false]);
        assert!(paths[1].ends_with("A-2.sql") && paths[2].ends_with("é.sql"));
    }
}
