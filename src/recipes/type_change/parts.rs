//! What hangs on a column whose type changes, and what becomes of it.

use super::super::{RecipeContext, using};
use crate::kinds::{KindName, common};
use crate::model::{DependencyKind, Object, ObjectId, Pair};
use crate::sql;

/// What becomes of something that hangs on the column and goes with it.
pub(super) enum Part<'a> {
    /// An index is built under another name, and gets its own.
    Index(&'a Object),
    /// The index of a key likewise, and then the key takes it.
    Key(&'a Object, &'static str),
    /// A constraint is added anew, and validated after the swap.
    Constraint(&'a Object),
    /// So is one by which another column refers to this one, which holds it fast until it goes.
    Reference(&'a Object),
    /// A sequence is let go and taken again.
    Sequence(&'a Object),
}

/// What hangs on the column and stays, where all of it can be taken over.
pub(super) fn parts<'a>(site: &RecipeContext<'a>) -> Option<Vec<Part<'a>>> {
    let Pair { before, after } = site.sides;
    let id = &site.step.object;
    let table = site.table();
    let others: Vec<&str> = site
        .touched
        .iter()
        .filter(|other| {
            other.kind == KindName::Column && *other != id && before.parent(other).as_ref() == Some(&table)
        })
        .map(ObjectId::name)
        .collect();
    if using::wanted(site.step, &site.known)
        .is_some_and(|text| others.iter().any(|name| mentions(text, name)))
    {
        return None;
    }
    let mut parts = Vec::new();
    let own = before.children(id).map(|part| (&part.id, DependencyKind::Auto));
    let mut users: Vec<_> = before.dependents_of(id).chain(own).collect();
    users.sort_unstable();
    for (user, kind) in users {
        // What is computed from it is written anew all the same.
        if user.kind == KindName::Column {
            return None;
        }
        if site.dropped.contains(user) {
            continue;
        }
        let (was, object) = (before.get(user)?, after.get(user)?);
        if user.kind == KindName::Sequence && kind == DependencyKind::Auto {
            if was.get("owned_by") != object.get("owned_by") {
                return None;
            }
            parts.push(Part::Sequence(object));
            continue;
        }
        if site.touched.contains(user) {
            return None;
        }
        if user.kind == KindName::ForeignKey && refers(object, id) {
            parts.push(reference(object, site)?);
            continue;
        }
        if before.parent(user).as_ref() != Some(&table) {
            return None;
        }
        // What rests on it would hold it fast, and another column of it that changes would take it away.
        let mut holders = before.dependents_of(user).map(|(holder, _)| holder);
        let held = holders.any(|holder| {
            let refers = before.get(holder).is_some_and(|key| refers(key, id));
            !site.dropped.contains(holder) && !refers
        });
        // Those of the other table do not hold a foreign key.
        let own = |column: &ObjectId| {
            column.kind == KindName::Column
                && before.parent(column).as_ref() == Some(&table)
                && !(user.kind == KindName::ForeignKey && refers(object, column))
        };
        let columns = before.dependencies_of(user).map(|(column, _)| column);
        let lost =
            columns.into_iter().any(|column| own(column) && column != id && site.touched.contains(column));
        if held || lost {
            return None;
        }
        parts.push(match user.kind {
            KindName::Index => {
                site.known.probed.beside(id, user)?;
                Part::Index(object)
            }
            KindName::PrimaryKey | KindName::Unique => {
                // The second index would not wait as the first one does.
                if object.flag("deferrable") || object.flag("without_overlaps") {
                    return None;
                }
                let primary = user.kind == KindName::PrimaryKey;
                Part::Key(object, if primary { "PRIMARY KEY" } else { "UNIQUE" })
            }
            KindName::ForeignKey => {
                if object.flag("period") {
                    return None;
                }
                Part::Constraint(object)
            }
            KindName::Check => Part::Constraint(object),
            _ => return None,
        });
    }
    Some(parts)
}

/// Whether a foreign key refers to a column.
fn refers(key: &Object, column: &ObjectId) -> bool {
    let to = key.text("references") == sql!("{}", column.on()).as_str();
    to && key.list("referenced_columns").iter().any(|name| name == column.name())
}

/// A foreign key that refers to the column, where it can go and come back at once: that of a table by itself.
fn reference<'a>(key: &'a Object, site: &RecipeContext) -> Option<Part<'a>> {
    let table = common::table_of(&key.id);
    let alone = [site.sides.before, site.sides.after].iter().all(|side| side.is_plain_table(&table));
    (alone && !key.flag("period")).then_some(Part::Reference(key))
}

/// Whether an expression could name a column. Whoever has its name in another sense is taken to.
fn mentions(expression: &str, column: &str) -> bool {
    expression.contains(column) || expression.contains(&column.replace('"', "\"\""))
}
