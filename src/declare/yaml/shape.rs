//! The keys that a target file can have, derived from the tables of the kinds. The reader, the writer and the JSON
//! Schema use them.

use crate::kinds::{Attribute, ChangeMethod, Identity, KindName, ValueType};
use crate::model::AttributeName;

/// Returns the kinds at the top level of a file, those that contain no other objects first.
pub(crate) fn roots() -> impl Iterator<Item = KindName> {
    let with_children = |has_children: bool| {
        let all = KindName::ALL.iter().copied().filter(|kind| kind.get().parents.is_empty());
        all.filter(move |kind| children(*kind).next().is_some() == has_children)
    };
    with_children(false).chain(with_children(true))
}

/// Returns the kinds of objects that an object of this kind can contain.
pub(crate) fn children(kind: KindName) -> impl Iterator<Item = KindName> {
    KindName::ALL.iter().copied().filter(move |child| child.get().parents.contains(&kind))
}

/// Whether a parent has at most one object of this kind. Then the key is the name of the kind, not its plural.
pub(crate) fn is_single(kind: KindName) -> bool {
    kind.get().key == kind.get().name.replace(' ', "_")
}

/// Whether a parent has at most one object of this kind, with an optional name.
pub(crate) fn is_named_single(kind: KindName) -> bool {
    is_single(kind) && kind.get().identity == Identity::OnRelation
}

/// Returns the attributes that a file can give. Read-only ones are among them because some statements need them, except
/// lists and numbers, which the server derives.
pub(crate) fn attributes(kind: KindName) -> impl Iterator<Item = &'static Attribute> {
    kind.get()
        .attributes
        .iter()
        .filter(|a| !is_read_only(a) || !matches!(a.value_type, ValueType::Texts | ValueType::Number))
}

/// Whether the attribute describes the object and is never altered by itself.
pub(crate) fn is_read_only(attribute: &Attribute) -> bool {
    matches!(attribute.change_method, ChangeMethod::ReadOnly)
}

/// A key of a column that declares a constraint or index of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shorthand {
    /// The key.
    pub(crate) key: &'static str,
    /// The kind that it declares.
    pub(crate) kind: KindName,
    /// The description in the JSON Schema.
    pub(crate) doc: &'static str,
}

/// The shorthands of a column.
pub(crate) const SHORTHANDS: &[Shorthand] = &[
    Shorthand {
        key: "primary_key",
        kind: KindName::PrimaryKey,
        doc: "Whether the column is the primary key.",
    },
    Shorthand { key: "unique", kind: KindName::Unique, doc: "Whether the column has a unique constraint." },
    Shorthand {
        key: "references",
        kind: KindName::ForeignKey,
        doc: "The table and column that a foreign key on this column references, such as `shop.customer(id)`.",
    },
    Shorthand {
        key: "check",
        kind: KindName::Check,
        doc: "The expression of a check constraint on this column.",
    },
    Shorthand {
        key: "index",
        kind: KindName::Index,
        doc: "Whether the column has an index with default options.",
    },
];

/// Returns the shorthands of objects of this kind.
pub(crate) fn shorthands(kind: KindName) -> &'static [Shorthand] {
    if kind == KindName::Column { SHORTHANDS } else { &[] }
}

/// A key that holds a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectiveKey {
    /// The key.
    pub(crate) key: &'static str,
    /// The description in the JSON Schema.
    pub(crate) doc: &'static str,
}

const RENAMED_FROM: DirectiveKey = DirectiveKey {
    key: "renamed_from",
    doc: "The former name; for a former schema and name, a list of both.",
};
const RENAMED_VALUES: DirectiveKey =
    DirectiveKey { key: "renamed_values", doc: "A map of new values to former values." };
const DROP: DirectiveKey = DirectiveKey {
    key: "drop",
    doc: "`confirmed`: this object is new, and the object that it seems to replace is dropped.",
};
const BACKFILL: DirectiveKey =
    DirectiveKey { key: "backfill", doc: "The value of the column in existing rows." };
const USING: DirectiveKey =
    DirectiveKey { key: "using", doc: "An expression that converts the old value to the new type." };

/// Returns the directives that an object of this kind can have. If an attribute has the same name, the key is the
/// attribute.
pub(crate) fn directives(kind: KindName) -> impl Iterator<Item = DirectiveKey> {
    let all: &[DirectiveKey] = match kind.get().identity {
        _ if kind == KindName::Column => &[RENAMED_FROM, BACKFILL, USING, DROP],
        _ if kind == KindName::Enum => &[RENAMED_FROM, RENAMED_VALUES, DROP],
        Identity::OfRelation | Identity::OfColumn => &[],
        Identity::Global
        | Identity::OnGlobal
        | Identity::InSchema
        | Identity::OnRelation
        | Identity::Routine => &[RENAMED_FROM, DROP],
    };
    all.iter()
        .copied()
        .filter(move |known| attributes(kind).all(|attribute| attribute.name.as_str() != known.key))
}

/// The key of the name of a single object.
pub(crate) const NAME: &str = "name";

/// Returns the keys that an object of this kind can have.
pub(crate) fn keys(kind: KindName) -> Vec<&'static str> {
    let mut keys: Vec<&'static str> = attributes(kind).map(|attribute| attribute.name.as_str()).collect();
    keys.extend(children(kind).map(|child| child.get().key));
    keys.extend(shorthands(kind).iter().map(|form| form.key));
    keys.extend(directives(kind).map(|known| known.key));
    if is_named_single(kind) {
        keys.push(NAME);
    }
    keys
}

/// The value of a standard object that the database does not have.
pub(crate) const ABSENT: &str = "absent";

/// The keys of `references` that differ from the attributes of a foreign key.
pub(crate) const REFERENCE_KEYS: [&str; 2] = ["table", "columns"];

/// Returns the attributes of a foreign key that `references` of a column can give.
pub(crate) fn reference_attributes() -> impl Iterator<Item = &'static Attribute> {
    attributes(KindName::ForeignKey).filter(|attribute| attribute.name != AttributeName::COLUMNS)
}

/// Returns the attribute that is the data type of a kind, if objects of the kind must have one.
pub(crate) fn data_type(kind: KindName) -> Option<&'static Attribute> {
    kind.get().attributes.iter().find(|attribute| {
        attribute.value_type == ValueType::DataType && attribute.name == AttributeName::TYPE
    })
}

/// Returns words between backticks, separated by commas.
pub(crate) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        for kind in KindName::ALL {
            let mut keys = keys(*kind);
            keys.sort_unstable();
            let all = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), all, "{} has a key twice", kind.get().name);
        }
    }

    #[test]
    fn kinds_with_singular_keys_are_single() {
        let singles: Vec<&str> =
            KindName::ALL.iter().filter(|kind| is_single(**kind)).map(|kind| kind.get().key).collect();
        assert_eq!(singles, ["partition", "default", "primary_key"]);
    }
}
