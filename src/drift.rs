//! What a database is against what the last migration left.

use serde::Serialize;

use crate::diff;
use crate::error::Result;
use crate::kinds::ChangeMethod;
use crate::model::Script;
use crate::model::{Catalog, Hazard, Pair, Value};
use crate::model::{Change, Difference};
use crate::plan::plan;
use crate::sandbox::Sandbox;

/// What differs, and the way back.
#[derive(Debug)]
pub struct Drift {
    /// Each difference once.
    pub differences: Vec<Deviation>,
    /// What reverts the database; why there is nothing, where it cannot be planned.
    pub revert: Result<Script>,
    /// What that loses.
    pub losses: Vec<String>,
}

/// An object that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// Its kind.
    pub kind: &'static str,
    /// The object with its kind, for people.
    pub object: String,
    /// What happened.
    pub what: What,
    /// What differs of it.
    pub attributes: Vec<Detail>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is there and should not be.
    Added,
    /// It should be there.
    Missing,
    /// It is another.
    Altered,
}

/// An attribute that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Detail {
    /// Its name.
    pub name: &'static str,
    /// What it should be.
    pub expected: Option<String>,
    /// What it is.
    pub found: Option<String>,
}

/// Compares what a database should be (`before`) with what it is (`after`).
///
/// Where the two differ only in how expressions are printed, a server prints both anew; where they come from
/// servers of two majors, both were told by one already.
///
/// A state that no bench can build, for want of an extension say, is compared as it is printed.
pub async fn drift(sandbox: &Sandbox, sides: Pair<&Catalog>) -> Drift {
    let printed = crate::proof::differences(sandbox, sides).await.ok();
    let (sides, changes) = match &printed {
        Some((printed, changes)) => (printed.as_ref(), changes.clone()),
        None => (sides, diff::diff(sides)),
    };
    let told = changes.iter().filter(|change| !diff::follows_from_parent(change, &changes));
    let differences = told.map(|change| deviation(change, sides)).collect();
    let revert = plan(sides.swapped());
    let hazards = revert.iter().flat_map(|plan| &plan.steps).flat_map(|step| &step.hazards);
    let losses = hazards.filter(|hazard| matches!(hazard, Hazard::DataLoss(_)));
    let losses = losses.map(|hazard| hazard.detail().to_owned()).collect();
    Drift { differences, revert: revert.map(|plan| Script::of(&plan)), losses }
}

fn deviation(change: &Change, sides: Pair<&Catalog>) -> Deviation {
    let objects = Pair { before: sides.before.get(&change.id), after: sides.after.get(&change.id) };
    let (what, names): (What, Vec<&'static str>) = match &change.what {
        Difference::Missing => (What::Missing, Vec::new()),
        Difference::Added => (What::Added, Vec::new()),
        Difference::Altered(names) => (What::Altered, names.clone()),
    };
    let text = |object: Option<&crate::model::Object>, name: &str| {
        object.and_then(|object| object.get(name)).map(Value::to_string)
    };
    let attributes = names
        .into_iter()
        .filter(|name| {
            change
                .id
                .kind
                .get()
                .attribute(name)
                .is_some_and(|a| !matches!(a.change_method, ChangeMethod::ReadOnly))
        })
        .map(|name| Detail { name, expected: text(objects.before, name), found: text(objects.after, name) })
        .collect();
    Deviation { kind: change.id.kind.get().name, object: change.id.to_string(), what, attributes }
}

/// Whether anything differs, without a server's help.
pub fn any(sides: Pair<&Catalog>) -> usize {
    let changes = diff::diff(sides);
    changes.iter().filter(|change| !diff::follows_from_parent(change, &changes)).count()
}
