//! The fingerprint of a catalog: a hash that is equal for two catalogs if a diff finds no difference between them.

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::ChangeMethod;
use super::{Catalog, Value};

/// The hash of a catalog, and the major version of the server that printed it. Two major versions may print one
/// expression differently, so hashes of two major versions cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The SHA-256 of the catalog, in hexadecimal.
    pub hash: String,
    /// The major version of the server.
    pub major: u32,
}

impl Fingerprint {
    /// The fingerprint of a catalog.
    pub fn of(catalog: &Catalog) -> Self {
        Self { hash: hash(catalog), major: catalog.version.major() }
    }

    /// Returns true if the two catalogs are known to differ.
    pub fn differs(&self, other: &Self) -> bool {
        self.major == other.major && self.hash != other.hash
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (hash, rest) = text.split_once(" (PostgreSQL ")?;
        let major = rest.strip_suffix(')')?.parse().ok()?;
        let valid = hex::decode_to_slice(hash, &mut [0; 32]).is_ok();
        valid.then(|| Self { hash: hash.to_owned(), major })
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (PostgreSQL {})", self.hash, self.major)
    }
}

/// The SHA-256 of a catalog, in hexadecimal.
///
/// It covers what a diff compares. Notes, positions, dependencies, the server's version, and attributes that may
/// be left undeclared, such as owners, are left out.
pub fn hash(catalog: &Catalog) -> String {
    let mut hasher = Sha256::new();
    for object in catalog.sorted() {
        let kind = object.id.kind.get();
        let mut attributes: Vec<(&str, Json)> = kind
            .attributes
            .iter()
            .filter(|attribute| {
                !matches!(attribute.change_method, ChangeMethod::ReadOnly) && !attribute.unmanaged_if_unset
            })
            .filter_map(|attribute| Some((attribute.name.as_str(), json_of(object.get(attribute.name)?))))
            .collect();
        // In the order of their names, so that a new attribute in a kind's table leaves existing hashes as they are.
        attributes.sort_by_key(|(name, _)| *name);
        let path: Vec<&str> = object.id.path().iter().map(|part| &**part).collect();
        hasher.update(json!([kind.name, path, attributes]).to_string());
        hasher.update(b"\n");
    }
    hex::encode(hasher.finalize())
}

/// A value as JSON.
pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(list) => list.iter().map(|text| Json::from(text.as_str())).collect(),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), json_of(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KindName;
    use crate::model::AttributeName;
    use crate::model::{Object, ObjectId, Objects, PgVersion};

    #[test]
    fn hash_covers_what_a_diff_compares() {
        let table = ObjectId::new(KindName::Table, &["s", "t"]);
        let column = ObjectId::new(KindName::Column, &["s", "t", "a"]);
        let mut objects = Objects::default();
        for id in [&table, &column] {
            objects.insert(id.clone(), Object::new(id.clone()));
        }
        objects[&table].set(AttributeName::OWNER, Value::Text("o".into()));
        objects[&column].set(AttributeName::TYPE, Value::Text("integer".into()));
        let mut catalog = Catalog::new(PgVersion::V14, objects);
        catalog.set_dependencies(Vec::new());
        let before = hash(&catalog);
        catalog.objects[&table].unset(AttributeName::OWNER);
        catalog.objects[&column].position = 7;
        catalog.objects[&column].set(AttributeName::INHERITED, Value::Bool(true));
        assert_eq!(hash(&catalog), before);
        catalog.objects[&column].set(AttributeName::NOT_NULL, Value::Bool(true));
        assert_ne!(hash(&catalog), before);
    }

    #[test]
    fn fingerprints_read_back() {
        let print = Fingerprint { hash: "a".repeat(64), major: 15 };
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_eq!(Fingerprint::parse("abc (PostgreSQL 15)"), None);
    }
}
