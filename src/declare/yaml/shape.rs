//! Which keys may stand where: read off the kinds' tables by the reader, the writer and the JSON Schema.

use crate::kinds::{Attribute, ChangeMethod, Identity, KindName, ValueType};

/// Kinds at the top of the file, those with nothing inside first.
pub(crate) fn roots() -> impl Iterator<Item = KindName> {
    let with_parts = |parts: bool| {
        let all = KindName::ALL.iter().copied().filter(|kind| kind.get().parents.is_empty());
        all.filter(move |kind| children(*kind).next().is_some() == parts)
    };
    with_parts(false).chain(with_parts(true))
}

/// Kinds whose objects stand inside one of this kind.
pub(crate) fn children(kind: KindName) -> impl Iterator<Item = KindName> {
    KindName::ALL.iter().copied().filter(move |child| child.get().parents.contains(&kind))
}

/// Whether there is one of its parent, as the key says: it is the kind's own name and no plural.
pub(crate) fn is_single(kind: KindName) -> bool {
    kind.get().key == kind.get().name.replace(' ', "_")
}

/// Whether there is one of its parent, with a name that may be left out.
pub(crate) fn is_named_single(kind: KindName) -> bool {
    is_single(kind) && kind.get().identity == Identity::OnRelation
}

/// Attributes that a file may give. Some statements need notes too, but lists and numbers among them only
/// follow from what is created.
pub(crate) fn attributes(kind: KindName) -> impl Iterator<Item = &'static Attribute> {
    kind.get()
        .attributes
        .iter()
        .filter(|a| !is_note(a) || !matches!(a.value_type, ValueType::Texts | ValueType::Number))
}

/// Whether the attribute only tells of the object.
pub(crate) fn is_note(attribute: &Attribute) -> bool {
    matches!(attribute.change_method, ChangeMethod::ReadOnly)
}

/// A part of a table that stands in the column it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shorthand {
    /// The key in the column.
    pub(crate) key: &'static str,
    /// What it declares.
    pub(crate) kind: KindName,
    /// One sentence for editors.
    pub(crate) doc: &'static str,
}

/// What a column may say of itself that is an object of the table's.
pub(crate) const SHORTHANDS: &[Shorthand] = &[
    Shorthand {
        key: "primary_key",
        kind: KindName::PrimaryKey,
        doc: "Whether the column is the primary key.",
    },
    Shorthand { key: "unique", kind: KindName::Unique, doc: "Whether values must differ." },
    Shorthand {
        key: "references",
        kind: KindName::ForeignKey,
        doc: "The table and column that values come from, such as `shop.customer(id)`.",
    },
    Shorthand { key: "check", kind: KindName::Check, doc: "What must hold of every value." },
    Shorthand { key: "index", kind: KindName::Index, doc: "Whether there is a plain index on the column." },
];

/// The same for objects of this kind.
pub(crate) fn shorthands(kind: KindName) -> &'static [Shorthand] {
    if kind == KindName::Column { SHORTHANDS } else { &[] }
}

/// What a file says about the way to an object rather than about the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The key.
    pub(crate) key: &'static str,
    /// One sentence for editors.
    pub(crate) doc: &'static str,
}

const RENAMED_FROM: Wish =
    Wish { key: "renamed_from", doc: "The name that it had; with a schema, a list of both." };
const RENAMED_VALUES: Wish = Wish { key: "renamed_values", doc: "New values with the names that they had." };
const DROP: Wish = Wish { key: "drop", doc: "`confirmed` where what this seems to replace is to go." };
const BACKFILL: Wish = Wish { key: "backfill", doc: "The value for rows that are there." };
const USING: Wish = Wish { key: "using", doc: "How the old value becomes one of the new type." };

/// The wishes that an object of this kind may have; an attribute of the same name is the attribute.
pub(crate) fn directives(kind: KindName) -> impl Iterator<Item = Wish> {
    let all: &[Wish] = match kind.get().identity {
        _ if kind == KindName::Column => &[RENAMED_FROM, BACKFILL, USING, DROP],
        _ if kind == KindName::Enum => &[RENAMED_FROM, RENAMED_VALUES, DROP],
        Identity::OfRelation | Identity::OfColumn => &[],
        Identity::Global
        | Identity::OnGlobal
        | Identity::InSchema
        | Identity::OnRelation
        | Identity::Routine => &[RENAMED_FROM, DROP],
    };
    all.iter().copied().filter(move |wish| attributes(kind).all(|attribute| attribute.name != wish.key))
}

/// The key for the name of the one of its parent.
pub(crate) const NAME: &str = "name";

/// Every key that an object of this kind may have.
pub(crate) fn keys(kind: KindName) -> Vec<&'static str> {
    let mut keys: Vec<&'static str> = attributes(kind).map(|attribute| attribute.name).collect();
    keys.extend(children(kind).map(|child| child.get().key));
    keys.extend(shorthands(kind).iter().map(|sugar| sugar.key));
    keys.extend(directives(kind).map(|wish| wish.key));
    if is_named_single(kind) {
        keys.push(NAME);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        for kind in KindName::ALL {
            let mut keys = keys(*kind);
            keys.sort_unstable();
            let all = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), all, "{} has a key twice", kind.get().name);
        }
    }

    #[test]
    fn singles_are_told_by_their_keys() {
        let singles: Vec<&str> =
            KindName::ALL.iter().filter(|kind| is_single(**kind)).map(|kind| kind.get().key).collect();
        assert_eq!(singles, ["partition", "default", "primary_key"]);
    }
}
