//! Runs renames on a scratch copy of the start.
//!
//! Views, expressions, keys and policies follow a rename by themselves. What the server then holds is the state from
//! which the rest of the migration is planned: the migration is the renames followed by the plan from that state, and
//! its rollback is the plan back to that state followed by the reversed renames.

use crate::diff;
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::model::{Catalog, ObjectId, Pair, Rename, RenameMap, Renames, ShadowColumn, Step, Ways};
use crate::plan::plan;
use crate::recipes;
use crate::rename;
use crate::sandbox::{self, LoadedState, Sandbox, State};

/// The start after its renames.
#[derive(Clone, Debug)]
pub(super) struct Renamed {
    /// The start under its new names.
    pub(super) catalog: Catalog,
    /// The statements of the renames.
    pub(super) steps: Ways<Vec<Step>>,
    /// All names before and after.
    pub(super) names: RenameMap,
    /// The renames that were requested or detected, with the names at the start and in the target.
    pub(super) done: Vec<Rename>,
    /// Requested renames that need no statement. See [`Migration`](crate::model::Migration::completed_renames).
    pub(super) completed: Vec<Rename>,
    /// Messages for the user.
    pub(super) notes: Vec<String>,
}

/// The maximum number of rounds. A rename can make others visible: those of an index after that of its table.
const MAX_ROUNDS: usize = 12;

/// Runs the renames from one state towards another.
///
/// # Errors
/// Returns an error if an annotation matches nothing, if a possible rename is ambiguous, or if the server rejects a
/// rename.
pub(super) async fn rename(sandbox: &Sandbox, states: Pair<&State>) -> Result<Renamed> {
    let shadow_columns = &states.before.renames.shadow_columns;
    let without_shadows = (!shadow_columns.is_empty())
        .then(|| states.before.catalog.filtered(|id| !shadow_columns.iter().any(|shadow| shadow.owns(id))));
    let start = without_shadows.as_ref().unwrap_or(&states.before.catalog);
    let renames = Pair { before: &states.before.renames, after: &states.after.renames };
    let mut renamed = run_all(sandbox, Pair { before: start, after: &states.after.catalog }, renames).await?;
    if let Some(without_shadows) = &without_shadows {
        let sides = Pair { before: &states.before.catalog, after: without_shadows };
        drop_shadow_columns(shadow_columns, sides, &mut renamed.steps)?;
    }
    Ok(renamed)
}

/// Runs requested renames, then those found by comparison, until there are no more.
async fn run_all(sandbox: &Sandbox, sides: Pair<&Catalog>, renames: Pair<&Renames>) -> Result<Renamed> {
    let Pair { before: start, after: target } = sides;
    let renamed = Renamed {
        catalog: start.clone(),
        steps: Ways::default(),
        names: RenameMap::default(),
        done: Vec::new(),
        completed: Vec::new(),
        notes: Vec::new(),
    };
    let mut run = Run { sandbox, start, target: renames.after, copy: None, renamed };
    let requested = rename::requested(sides, renames)?;
    run.renamed.completed = requested.completed;
    run.record(&requested.pending);
    run.apply(requested.pending).await?;
    for _ in 0..MAX_ROUNDS {
        let sides = Pair { before: &run.renamed.catalog, after: target };
        let identical = rename::find_identical(sides);
        if !identical.is_empty() {
            run.apply(identical).await?;
            continue;
        }
        let possible = rename::find_possible(sides, &renames.after.confirmed_new);
        let (detected, notes) =
            rename::resolve_possible(&possible, renames.after).map_err(Error::Diagnostics)?;
        run.renamed.notes.extend(notes);
        if detected.is_empty() {
            break;
        }
        run.record(&detected);
        run.apply(detected).await?;
    }
    if let Some(copy) = run.copy {
        copy.database.drop_now().await?;
    }
    Ok(run.renamed)
}

/// Drops shadow columns before the renames, because the columns take their names; the rollback adds them again after
/// the renames.
fn drop_shadow_columns(
    shadow_columns: &[ShadowColumn],
    sides: Pair<&Catalog>,
    steps: &mut Ways<Vec<Step>>,
) -> Result<()> {
    let mut drops = plan(sides)?.steps;
    for step in &mut drops {
        step.hazards.clear();
        step.reason.get_or_insert_with(|| "the renamed column takes this name".into());
    }
    steps.up.splice(0..0, drops);
    steps.rollback.extend(plan(sides.swapped())?.steps);
    steps
        .rollback
        .extend(shadow_columns.iter().flat_map(|shadow| recipes::shadow_backfill(shadow, sides.before)));
    Ok(())
}

/// Renames in progress.
struct Run<'a> {
    sandbox: &'a Sandbox,
    start: &'a Catalog,
    target: &'a Renames,
    /// The scratch copy, made for the first rename.
    copy: Option<LoadedState>,
    renamed: Renamed,
}

impl Run<'_> {
    /// Records renames under the names that the objects have at the start.
    fn record(&mut self, renames: &[Rename]) {
        for rename in renames {
            let before = self.renamed.names.old_id(&rename.object.before);
            let object = Pair { before, after: rename.object.after.clone() };
            self.renamed.done.push(Rename { object, value: rename.value.clone() });
        }
    }

    /// Runs renames between current names, all together.
    async fn apply(&mut self, renames: Vec<Rename>) -> Result<()> {
        if renames.is_empty() {
            return Ok(());
        }
        let copy = match &self.copy {
            Some(copy) => copy,
            None => self.copy.insert(self.sandbox.load_catalog(self.start).await?),
        };
        let steps = rename::steps(&renames, &self.renamed.catalog);
        for step in &steps.up {
            match copy.database.session.run(step.statement().as_str()).await {
                Err(Error::Server(error)) => {
                    let message = format!("{} cannot be renamed: {}", step.object, error.message);
                    let diagnostic = Diagnostic::new(codes::RENAME, message)
                        .help(format!("the statement was: {}", error.sql));
                    return Err(match requested_at(step, &renames, self.target) {
                        Some(place) => diagnostic.at(place.clone()),
                        None => diagnostic,
                    }
                    .into());
                }
                other => other?,
            }
        }
        let mut pairs: Vec<Pair<ObjectId>> = renames
            .iter()
            .filter(|rename| rename.value.is_none())
            .map(|rename| rename.object.clone())
            .collect();
        rename::add_derived(&mut pairs, &self.renamed.catalog);
        self.renamed.names.add(pairs);
        self.renamed.steps.up.extend(steps.up);
        self.renamed.steps.rollback.splice(0..0, steps.rollback);
        let mut catalog = sandbox::read_catalog(&copy.database).await?;
        inherit(&mut catalog, self.start, &self.renamed.names);
        let failed = |rename: &&Rename| {
            self.renamed.catalog.contains(&rename.object.before) && !catalog.contains(&rename.object.after)
        };
        if let Some(Rename { object, .. }) = renames.iter().find(failed) {
            return Err(Error::Internal(format!("{} did not become {}", object.before, object.after)));
        }
        self.renamed.catalog = catalog;
        Ok(())
    }
}

/// Returns the place of the annotation that requests the rename of a step.
fn requested_at<'a>(step: &Step, renames: &[Rename], target: &'a Renames) -> Option<&'a Place> {
    let is_of_step = |rename: &Rename, requested: &ObjectId| {
        rename.object.after == *requested && step.object.kind == rename.object.before.kind
    };
    let requested = target
        .requested
        .iter()
        .find(|requested| renames.iter().any(|rename| is_of_step(rename, &requested.object)))?;
    Some(&requested.place)
}

/// Copies attributes of the start that a scratch server does not have: owners, roles, objects that are not modelled.
fn inherit(catalog: &mut Catalog, start: &Catalog, names: &RenameMap) {
    for (id, object) in &mut catalog.objects {
        if let Some(original) = start.get(&names.old_id(id)) {
            diff::inherit_unset_attributes(object, original);
        }
    }
    catalog.user.clone_from(&start.user);
    catalog.roles.clone_from(&start.roles);
    catalog.unmodelled.clone_from(&start.unmodelled);
}
