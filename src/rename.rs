//! Renames: objects that get another name and keep what they hold.
//!
//! A rename is done on a scratch copy of the start, and what the server has then is what the rest of the migration
//! starts from: views, expressions, keys and policies follow by themselves, as they will in the real database. The
//! migration is the renames and then the plan from there; its rollback is the plan back to there and the renames
//! undone.
//!
//! What is renamed: what the target says (`renamed_from`), what is the same under another name by its nature
//! (constraints, indexes, sequences of columns), and with `--renames detect` what is alike to one thing only.

mod ambiguous;
mod annotations;
mod order;
mod similarity;

use crate::diff;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::kinds::KindName;
use crate::model::{Catalog, DependencyKind, Names, ObjectId, Pair, Rename, ShadowColumn, Step};
use crate::plan::plan;
use crate::recipes;
use crate::sandbox::State;
use crate::sandbox::{self, LoadedState, Sandbox};

/// The start after its renames, and how that is reached.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// What is there then.
    pub middle: Catalog,
    /// The statements there, and those back.
    pub steps: Pair<Vec<Step>>,
    /// The names before and after.
    pub names: Names,
    /// What was asked for or found, with the names at the start and in the end.
    pub done: Vec<Rename>,
    /// What was asked for and is so from the start, where that could be doubted later.
    pub settled: Vec<Rename>,
    /// What is worth a word.
    pub notes: Vec<String>,
}

/// More rounds than renames of renames can take.
const ROUNDS: usize = 12;

/// Does the renames that lead from one state towards another.
///
/// # Errors
/// An annotation that fits nothing, a question that nobody answered, a rename that the server refuses.
pub async fn renamed(sandbox: &Sandbox, states: Pair<&State>) -> Result<Renamed> {
    let shadow_columns = &states.before.renames.shadow_columns;
    let bare = (!shadow_columns.is_empty())
        .then(|| states.before.catalog.only(|id| !shadow_columns.iter().any(|shadow| shadow.owns(id))));
    let (start, target) = (bare.as_ref().unwrap_or(&states.before.catalog), &states.after.catalog);
    let renames = Pair { before: &states.before.renames, after: &states.after.renames };
    let renamed = Renamed {
        middle: start.clone(),
        steps: Pair { before: Vec::new(), after: Vec::new() },
        names: Names::default(),
        done: Vec::new(),
        settled: Vec::new(),
        notes: Vec::new(),
    };
    let mut work = Work { sandbox, start, copy: None, renamed };
    let asked = annotations::answer(Pair { before: start, after: target }, renames)?;
    work.renamed.settled = asked.settled;
    work.tell(&asked.todo);
    work.apply(asked.todo, renames.after).await?;
    for _ in 0..ROUNDS {
        let sides = Pair { before: &work.renamed.middle, after: target };
        let same = similarity::find(sides);
        if !same.is_empty() {
            work.apply(same, renames.after).await?;
            continue;
        }
        let found = ambiguous::find(sides, &renames.after.confirmed);
        let (certain, notes) = ambiguous::resolve(&found, renames.after).map_err(Error::Diagnostics)?;
        work.renamed.notes.extend(notes);
        if certain.is_empty() {
            break;
        }
        work.tell(&certain);
        work.apply(certain, renames.after).await?;
    }
    if let Some(copy) = work.copy {
        copy.database.drop_now().await?;
    }
    let mut renamed = work.renamed;
    if let Some(bare) = &bare {
        free(shadow_columns, Pair { before: &states.before.catalog, after: bare }, &mut renamed.steps)?;
    }
    Ok(renamed)
}

/// Before the renames the twins of columns go, whose names these take; after them, on the way back, they come again.
fn free(shadow_columns: &[ShadowColumn], sides: Pair<&Catalog>, steps: &mut Pair<Vec<Step>>) -> Result<()> {
    let mut go = plan(sides)?.steps;
    for step in &mut go {
        step.hazards.clear();
        step.reason.get_or_insert_with(|| "the column itself takes its name".into());
    }
    steps.after.splice(0..0, go);
    steps.before.extend(plan(sides.swapped())?.steps);
    steps
        .before
        .extend(shadow_columns.iter().flat_map(|shadow| recipes::shadow_backfill(shadow, sides.before)));
    Ok(())
}

struct Work<'a> {
    sandbox: &'a Sandbox,
    start: &'a Catalog,
    copy: Option<LoadedState>,
    renamed: Renamed,
}

impl Work<'_> {
    /// Keeps what people should know of, by the names at the start.
    fn tell(&mut self, renames: &[Rename]) {
        for rename in renames {
            let before = self.renamed.names.was(&rename.object.before);
            let object = Pair { before, after: rename.object.after.clone() };
            self.renamed.done.push(Rename { object, value: rename.value.clone() });
        }
    }

    /// Does renames that name things as they are now, all at once.
    async fn apply(&mut self, renames: Vec<Rename>, target: &crate::model::Renames) -> Result<()> {
        if renames.is_empty() {
            return Ok(());
        }
        let copy = match &self.copy {
            Some(copy) => copy,
            None => self.copy.insert(self.sandbox.load_catalog(self.start).await?),
        };
        let now = &self.renamed.middle;
        let Pair { before, after } = order::steps(&renames, now);
        for step in &after {
            if let Err(Error::Server(error)) = copy.database.session.run(step.statement().as_str()).await {
                let place = target.asked.iter().find(|asked| {
                    renames.iter().any(|rename| {
                        rename.object.after == asked.object && step.object.kind == rename.object.before.kind
                    })
                });
                let told = Diagnostic::new(
                    codes::RENAME,
                    format!("{} cannot be renamed: {}", step.object, error.message),
                )
                .help(format!("the statement was: {}", error.sql));
                return Err(match place {
                    Some(asked) => told.at(asked.place.clone()),
                    None => told,
                }
                .into());
            }
        }
        let mut pairs: Vec<Pair<ObjectId>> = renames
            .iter()
            .filter(|rename| rename.value.is_none())
            .map(|rename| rename.object.clone())
            .collect();
        with_children(&mut pairs, now);
        self.renamed.names.add(pairs);
        self.renamed.steps.after.extend(after);
        let earlier = std::mem::replace(&mut self.renamed.steps.before, before);
        self.renamed.steps.before.extend(earlier);

        let mut middle = sandbox::read_catalog(&copy.database).await?;
        adopt(&mut middle, self.start, &self.renamed.names);
        let lost = |rename: &&Rename| {
            self.renamed.middle.contains(&rename.object.before) && !middle.contains(&rename.object.after)
        };
        if let Some(lost) = renames.iter().find(lost) {
            return Err(Error::Internal(format!(
                "{} did not become {}",
                lost.object.before, lost.object.after
            )));
        }
        self.renamed.middle = middle;
        Ok(())
    }
}

/// The columns of children and partitions, whose names change with the parent's, and the sequences of a table, which
/// go along to another schema.
fn with_children(pairs: &mut Vec<Pair<ObjectId>>, catalog: &Catalog) {
    let mut i = 0;
    while i < pairs.len() {
        let Pair { before, after } = pairs[i].clone();
        i += 1;
        if before.kind == KindName::Table && before.path()[0] != after.path()[0] {
            let columns = catalog.children(&before).filter(|part| part.id.kind == KindName::Column);
            let users = columns.flat_map(|column| catalog.dependents_of(&column.id));
            for (owned, _) in
                users.filter(|(user, kind)| user.kind == KindName::Sequence && *kind == DependencyKind::Auto)
            {
                let there = ObjectId::new(owned.kind, &[&*after.path()[0], owned.name()]);
                pairs.push(Pair { before: owned.clone(), after: there });
            }
        }
        if before.kind != KindName::Column {
            continue;
        }
        let Some(table) = catalog.parent(&before) else { continue };
        for (child, _) in catalog.dependents_of(&table) {
            let own = |name: &str| ObjectId::new(KindName::Column, &[&*child.path()[0], child.name(), name]);
            if child.path().len() != 2 || !catalog.contains(&own(before.name())) {
                continue;
            }
            let mut names = Names::default();
            names.add(pairs.iter().filter(|pair| pair.before == *child).cloned().collect());
            let table = names.now(child);
            let pair = Pair {
                before: own(before.name()),
                after: ObjectId::new(KindName::Column, &[&*table.path()[0], table.name(), after.name()]),
            };
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
}

/// Gives the copy what a scratch server does not know of the start: owners, roles, what is not modelled.
fn adopt(middle: &mut Catalog, start: &Catalog, names: &Names) {
    for (id, object) in &mut middle.objects {
        let Some(other) = start.get(&names.was(id)) else { continue };
        diff::inherit(object, other);
    }
    middle.user.clone_from(&start.user);
    middle.roles.clone_from(&start.roles);
    middle.unmodelled.clone_from(&start.unmodelled);
}
