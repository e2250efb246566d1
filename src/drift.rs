//! Drift: what differs between a live database and the state after its last migration.

use serde::Serialize;

use crate::diff;
use crate::error::Result;
use crate::kinds::ChangeMethod;
use crate::model::{AttributeName, Catalog, Change, Difference, Hazard, Object, Pair, Script, Value};
use crate::plan::plan;
use crate::sandbox::Sandbox;

/// The differences, and the plan that reverts them.
#[derive(Debug)]
pub struct Drift {
    /// The objects that differ.
    pub differences: Vec<Deviation>,
    /// The script that reverts the database, or the reason why there is none.
    pub revert: Result<Script>,
    /// The data that the script loses.
    pub losses: Vec<String>,
}

/// An object that differs from its expected state.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// The name of its kind.
    pub kind: &'static str,
    /// The object with its kind, such as `table shop.customer`.
    pub object: String,
    /// How it differs.
    #[serde(rename = "what")]
    pub change: DriftChange,
    /// The attributes that differ.
    pub attributes: Vec<AttributeDeviation>,
}

/// How an object differs from its expected state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftChange {
    /// It exists and is not expected.
    Added,
    /// It is expected and does not exist.
    Missing,
    /// Its attributes differ.
    Altered,
}

/// An attribute that differs.
#[derive(Clone, Debug, Serialize)]
pub struct AttributeDeviation {
    /// The name of the attribute.
    pub name: &'static str,
    /// The expected value; none if the attribute is expected to be unset.
    pub expected: Option<String>,
    /// The value in the database; none if the attribute is unset.
    pub found: Option<String>,
}

/// Compares the expected state (`before`) with the live one (`after`).
///
/// If the two print an expression differently, both are printed by the scratch server before they are compared. A state
/// that cannot be built there, for example because an extension is missing, is compared as printed.
pub async fn drift(sandbox: &Sandbox, sides: Pair<&Catalog>) -> Drift {
    let printed = crate::proof::differences(sandbox, sides).await.ok();
    let (sides, changes) = match &printed {
        Some((printed, changes)) => (printed.as_ref(), changes.clone()),
        None => (sides, diff::diff(sides)),
    };
    let reported = changes.iter().filter(|change| !diff::follows_from_parent(change, &changes));
    let differences = reported.map(|change| deviation(change, sides)).collect();
    let revert = plan(sides.swapped());
    let hazards = revert.iter().flat_map(|plan| &plan.steps).flat_map(|step| &step.hazards);
    let losses = hazards.filter(|hazard| matches!(hazard, Hazard::DataLoss(_)));
    let losses = losses.map(|hazard| hazard.detail().to_owned()).collect();
    Drift { differences, revert: revert.map(|plan| Script::of(&plan)), losses }
}

fn deviation(change: &Change, sides: Pair<&Catalog>) -> Deviation {
    let kind = change.id.kind.get();
    let objects = Pair { before: sides.before.get(&change.id), after: sides.after.get(&change.id) };
    let (drift_change, names): (DriftChange, Vec<AttributeName>) = match &change.what {
        Difference::Missing => (DriftChange::Missing, Vec::new()),
        Difference::Added => (DriftChange::Added, Vec::new()),
        Difference::Altered(names) => (DriftChange::Altered, names.clone()),
    };
    let text = |object: Option<&Object>, name: AttributeName| {
        object.and_then(|object| object.get(name)).map(Value::to_string)
    };
    let attributes = names
        .into_iter()
        .filter(|name| {
            let attribute = kind.attribute(*name);
            attribute.is_some_and(|attribute| !matches!(attribute.change_method, ChangeMethod::ReadOnly))
        })
        .map(|name| AttributeDeviation {
            name: name.as_str(),
            expected: text(objects.before, name),
            found: text(objects.after, name),
        })
        .collect();
    Deviation { kind: kind.name, object: change.id.to_string(), change: drift_change, attributes }
}

/// Counts the objects that differ, without a scratch server.
pub fn count_differences(sides: Pair<&Catalog>) -> usize {
    let changes = diff::diff(sides);
    changes.iter().filter(|change| !diff::follows_from_parent(change, &changes)).count()
}
