//! The treatment of each column of the system catalogs, so that none is overlooked.
//!
//! Every column of every table of `pg_catalog` of PostgreSQL 14 to 18 is modelled, derived, ignored with a reason, or a gap
//! that is reported if a database uses it. A test compares this list with the catalogs of each server, and fails if a new
//! major version has a column that is not listed.

mod database;
mod entry;
mod relations;
mod types;

pub use entry::{Column, Columns, Majors, Relation, Treatment};

/// Returns the tables of `pg_catalog`.
pub fn relations() -> impl Iterator<Item = &'static Relation> {
    relations::RELATIONS.iter().chain(types::RELATIONS).chain(database::RELATIONS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kinds::KindName;

    #[test]
    fn modelled_columns_and_attributes_correspond() {
        let mut left: BTreeSet<(&str, &str)> = BTreeSet::new();
        for kind in KindName::ALL.iter().map(|kind| kind.get()) {
            left.extend(kind.attributes.iter().map(|attribute| (kind.name, attribute.name.as_str())));
        }
        let all = left.clone();
        for relation in relations() {
            for (column, treatment) in relation.treatments() {
                for (kind, attribute) in treatment.attributes() {
                    let named = |one: &&(&str, &str)| one.1 == attribute && (kind == "*" || one.0 == kind);
                    let place = format!("{}.{}", relation.name, column.map_or("*", |column| column.name));
                    assert!(all.iter().any(|one| named(&one)), "{place}: there is no {kind}.{attribute}");
                    left.retain(|one| !named(&one));
                }
            }
        }
        assert!(left.is_empty(), "no column gives {left:?}");
    }

    #[test]
    fn entries_are_unique_and_have_reasons() {
        let mut seen = BTreeSet::new();
        for relation in relations() {
            assert!(seen.insert((relation.name, "")), "{} is duplicated", relation.name);
            for (column, treatment) in relation.treatments() {
                let column = column.map_or("*", |column| column.name);
                assert!(seen.insert((relation.name, column)), "{}.{column} is duplicated", relation.name);
                let words = treatment.text().split(' ').count();
                let attributes = treatment.attributes().count();
                let expected = treatment.text().split(", ").count();
                match treatment {
                    Treatment::Modelled(_) => assert_eq!(attributes, expected, "{}.{column}", relation.name),
                    Treatment::Derived(_) | Treatment::Ignored(_) | Treatment::Gap(_) => {
                        assert!(words > 2, "{}.{column} needs a reason", relation.name);
                    }
                }
            }
        }
    }
}
