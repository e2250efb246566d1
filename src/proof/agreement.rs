//! Whether two states are the same, however the server prints them.

use std::fmt::Write as _;

use crate::diff::{self, Change, Difference};
use crate::error::{Diagnostic, Result, codes};
use crate::kinds::{Attribute, ChangeMethod};
use crate::model::{Catalog, Object, Pair};
use crate::sandbox::Sandbox;

/// What differs between two states. Where an expression does, the server prints both states anew first, for
/// it prints some in another way after it has read its own print once; the states are given back so printed.
///
/// # Errors
/// When a state cannot be built on the bench.
pub async fn differences(sandbox: &Sandbox, sides: Pair<&Catalog>) -> Result<(Pair<Catalog>, Vec<Change>)> {
    let changes = diff::diff(sides);
    if !may_be_spelling(&changes) {
        return Ok((Pair { before: sides.before.clone(), after: sides.after.clone() }, changes));
    }
    let mut sides = Pair {
        before: respelled(sandbox, sides.before).await?,
        after: respelled(sandbox, sides.after).await?,
    };
    diff::adopt(&mut sides.after, &sides.before);
    let changes = diff::diff(sides.as_ref());
    Ok((sides, changes))
}

/// Fails with the first difference unless the two are the same, if need be after one more reading of what
/// the server prints.
pub(super) async fn agree(sandbox: &Sandbox, wanted: &Catalog, found: &Catalog, what: &str) -> Result<()> {
    let mut wanted = wanted.clone();
    diff::adopt(&mut wanted, found);
    let changes = diff::diff(Pair { before: &wanted, after: found });
    if changes.is_empty() {
        return Ok(());
    }
    if may_be_spelling(&changes) {
        let (again, other) = (respelled(sandbox, &wanted).await?, respelled(sandbox, found).await?);
        if diff::diff(Pair { before: &again, after: &other }).is_empty() {
            return Ok(());
        }
    }
    Err(Diagnostic::new(codes::VERIFY, format!("{what}: {}", summary(&changes)))
        .help(format!(
            "the first difference:\n{}",
            first_difference(&changes[0], Pair { before: &wanted, after: found })
        ))
        .help("nothing was written; `--no-verify` writes it without this proof")
        .into())
}

/// One difference as lines with `-` and `+`.
pub fn first_difference(change: &Change, sides: Pair<&Catalog>) -> String {
    let mut text = format!("{}\n", change.id);
    let (before, after) = (sides.before.get(&change.id), sides.after.get(&change.id));
    let names: Vec<&str> = match &change.what {
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
        Difference::Missing => text.push_str("- it is missing\n"),
        Difference::Added => text.push_str("+ it should not be there\n"),
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

/// Whether nothing differs but how expressions are printed.
fn may_be_spelling(changes: &[Change]) -> bool {
    changes.iter().any(|change| match &change.what {
        Difference::Altered(names) => {
            names.iter().any(|name| change.id.kind.get().attribute(name).is_some_and(Attribute::is_deparsed))
        }
        Difference::Missing | Difference::Added => false,
    })
}

/// A catalog as the bench's server prints it after reading it.
async fn respelled(sandbox: &Sandbox, catalog: &Catalog) -> Result<Catalog> {
    let copy = sandbox.load_catalog(catalog).await?;
    copy.database.drop_now().await?;
    let mut respelled = copy.catalog;
    diff::adopt(&mut respelled, catalog);
    respelled.roles.clone_from(&catalog.roles);
    Ok(respelled)
}

fn summary(changes: &[Change]) -> String {
    let names: Vec<String> = changes.iter().take(3).map(|change| change.id.to_string()).collect();
    let more = changes.len().saturating_sub(names.len());
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", names.join(", "))
}
