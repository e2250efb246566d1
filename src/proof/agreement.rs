//! Compares two states, regardless of how the server prints their expressions.

use std::fmt::Write as _;

use super::failure::NOT_WRITTEN;
use crate::diff;
use crate::error::{Diagnostic, Result, codes};
use crate::kinds::{Attribute, ChangeMethod};
use crate::model::{AttributeName, Catalog, Change, Difference, Object, Pair};
use crate::sandbox::Sandbox;

/// Returns the differences between two states, and the states themselves.
///
/// A server may print an expression differently after it has read its own output once. If an expression differs, both
/// states are therefore printed again, and returned as they are printed then.
///
/// # Errors
/// Returns an error if a state cannot be created on the scratch server.
pub async fn differences(sandbox: &Sandbox, sides: Pair<&Catalog>) -> Result<(Pair<Catalog>, Vec<Change>)> {
    let changes = diff::diff(sides);
    if !may_be_spelling(&changes) {
        return Ok((Pair { before: sides.before.clone(), after: sides.after.clone() }, changes));
    }
    let mut sides = Pair {
        before: reprinted(sandbox, sides.before).await?,
        after: reprinted(sandbox, sides.after).await?,
    };
    diff::inherit_unset(&mut sides.after, &sides.before);
    let changes = diff::diff(sides.as_ref());
    Ok((sides, changes))
}

/// Checks that two states are equal. If an expression differs, both are compared again after the server has printed
/// them once more.
///
/// # Errors
/// Returns an error with the message and the first difference if the states differ.
pub async fn agree(sandbox: &Sandbox, expected: &Catalog, found: &Catalog, message: &str) -> Result<()> {
    let mut expected = expected.clone();
    diff::inherit_unset(&mut expected, found);
    let changes = diff::diff(Pair { before: &expected, after: found });
    if changes.is_empty() {
        return Ok(());
    }
    if may_be_spelling(&changes) {
        let (expected, found) = (reprinted(sandbox, &expected).await?, reprinted(sandbox, found).await?);
        if diff::diff(Pair { before: &expected, after: &found }).is_empty() {
            return Ok(());
        }
    }
    let first = first_difference(&changes[0], Pair { before: &expected, after: found });
    Err(Diagnostic::new(codes::VERIFY, format!("{message}: {}", summary(&changes)))
        .help(format!("the first difference (- expected, + found):\n{first}"))
        .help(NOT_WRITTEN)
        .into())
}

/// Returns one difference as lines that begin with `-` (before) and `+` (after).
pub fn first_difference(change: &Change, sides: Pair<&Catalog>) -> String {
    let mut text = format!("{}\n", change.id);
    let (before, after) = (sides.before.get(&change.id), sides.after.get(&change.id));
    let names: Vec<AttributeName> = match &change.what {
        Difference::Altered(names) => names.clone(),
        Difference::Missing | Difference::Added => {
            let attributes = change.id.kind.get().attributes.iter();
            attributes
                .filter(|a| !matches!(a.change_method, ChangeMethod::ReadOnly))
                .map(|a| a.name)
                .collect()
        }
    };
    match change.what {
        Difference::Missing => text.push_str("- exists\n+ does not exist\n"),
        Difference::Added => text.push_str("- does not exist\n+ exists\n"),
        Difference::Altered(_) => {}
    }
    for name in names {
        let value = |side: Option<&Object>| side.and_then(|o| o.get(name)).map(ToString::to_string);
        for (sign, value) in [('-', value(before)), ('+', value(after))] {
            if let Some(value) = value {
                let _ = writeln!(text, "{sign} {name}: {value}");
            }
        }
    }
    text
}

/// Whether an expression differs, which may be a matter of how it is printed.
fn may_be_spelling(changes: &[Change]) -> bool {
    changes.iter().any(|change| match &change.what {
        Difference::Altered(names) => {
            names.iter().any(|name| change.id.kind.get().attribute(*name).is_some_and(Attribute::is_deparsed))
        }
        Difference::Missing | Difference::Added => false,
    })
}

/// Returns a catalog as the scratch server prints it after reading it.
async fn reprinted(sandbox: &Sandbox, catalog: &Catalog) -> Result<Catalog> {
    let copy = sandbox.load_catalog(catalog).await?;
    copy.database.drop_now().await?;
    let mut reprinted = copy.catalog;
    diff::inherit_unset(&mut reprinted, catalog);
    reprinted.roles.clone_from(&catalog.roles);
    Ok(reprinted)
}

/// Returns the names of the first three changed objects.
fn summary(changes: &[Change]) -> String {
    let names: Vec<String> = changes.iter().take(3).map(|change| change.id.to_string()).collect();
    let more = changes.len().saturating_sub(names.len());
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", names.join(", "))
}
