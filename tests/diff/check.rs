//! What is checked of each folder.

use std::collections::BTreeSet;
use std::path::Path;

use schemadiff::Error;
use schemadiff::declare::{snapshot, yaml};
use schemadiff::generate::{self, Proving};
use schemadiff::kinds::KindName;
use schemadiff::model::Migration;
use schemadiff::model::Plan;
use schemadiff::model::{Action, Catalog, ObjectId, Pair};
use schemadiff::plan::plan;
use schemadiff::proof;
use schemadiff::report::diagnostic::{Colour, render};
use schemadiff::sandbox::{self, Sandbox};
use schemadiff::sandbox::{Source, State};
use schemadiff::scratch::RoleStub;

use crate::case::Case;
use crate::rows::Common;
use crate::servers::Server;

type Outcome<T = ()> = Result<T, String>;

/// Runs a case and gives the kinds that it changes.
pub(crate) async fn run(case: &Case, server: &Server, bless: bool) -> Outcome<BTreeSet<KindName>> {
    if !case.settings.refused.is_empty() {
        return refused(case, &server.sandbox).await.map(|()| BTreeSet::new());
    }
    let states = states(case, &server.sandbox).await?;
    covered(states.as_ref())?;
    let migration = generate::migration(&server.sandbox, states.as_ref(), &case.options(Proving::Always))
        .await
        .map_err(told)?;
    proved(&migration, &server.sandbox).await?;
    if case.settings.rows.is_some_and(|rows| rows != migration.proof.rows) {
        return Err(format!("rows were made up in other tables: {}", migration.proof));
    }
    shapes(case, &migration)?;
    written(case, &states.after, &server.sandbox).await?;
    repeats(case, &server.sandbox, &migration).await?;
    rows(case, &server.sandbox, states.as_ref(), &migration).await?;
    for (name, script) in [("up", &migration.up), ("rollback", &migration.rollback)] {
        text(case, server, name, &script.render(), bless)?;
    }
    Ok(migration.changes.iter().map(|change| change.id.kind).collect())
}

/// The case ends in an error that says what it should.
async fn refused(case: &Case, sandbox: &Sandbox) -> Outcome {
    let states = states(case, sandbox).await;
    let found = match states {
        Ok(states) => {
            generate::migration(sandbox, states.as_ref(), &case.options(Proving::Always)).await.map_err(told)
        }
        Err(found) => Err(found),
    };
    let Err(found) = found else { return Err("it is not refused".into()) };
    match case.settings.refused.iter().find(|words| !found.contains(words.as_str())) {
        None => Ok(()),
        Some(words) => Err(format!("`{words}` is not in:\n{found}")),
    }
}

/// The error as a user reads it.
fn told(error: Error) -> String {
    match error {
        Error::Diagnostics(list) => render(&list, Colour::Never),
        other => other.to_string(),
    }
}

async fn states(case: &Case, sandbox: &Sandbox) -> Outcome<Pair<State>> {
    let source = |path: &Path| match path.extension().is_some_and(|extension| extension == "yaml") {
        true => Source::Yaml(path.into()),
        false => Source::Sql(path.into()),
    };
    let mut states = Pair {
        before: sandbox.read(&source(&case.folder.join("before.sql"))).await.map_err(told)?,
        after: sandbox.read(&source(&case.target())).await.map_err(told)?,
    };
    states.before.renames.recorded = case.settings.recorded.then(Vec::new);
    states.after.renames.ambiguous = case.ambiguous();
    Ok(states)
}

/// All that a case declares is modelled.
fn covered(states: Pair<&State>) -> Outcome {
    let left: Vec<&String> =
        [states.before, states.after].into_iter().flat_map(|state| &state.catalog.unmodelled).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("not covered: {left:?}")) }
}

/// A migration that does something ran up and back, and `pg_dump` saw it where there is one.
async fn proved(migration: &Migration, sandbox: &Sandbox) -> Outcome {
    let observable = sandbox.server().await.map_err(told)?.pg_dump().is_some();
    if !migration.up.is_empty() && (!migration.proof.ran || migration.proof.dump != observable) {
        return Err(format!("not proved: {:?}", migration.proof));
    }
    Ok(())
}

/// Nothing that `forbid` names is done on the way up, nor on the way back to what is there in the end: what the
/// way up creates may go.
fn shapes(case: &Case, migration: &Migration) -> Outcome {
    let Pair { before: middle, after: target } = &migration.sides;
    let sides = Pair { before: middle, after: target };
    for (way, plan) in [("up", plan(sides)), ("rollback", plan(sides.swapped()))] {
        let mut plan = plan.map_err(told)?;
        let goes = |id: &ObjectId| way == "rollback" && !middle.contains(id);
        plan.steps.retain(|step| step.action != Action::Drop || !goes(&step.object));
        for shape in &case.settings.forbid {
            if let Some(id) = has(&plan, shape)? {
                return Err(format!("{way}: `{shape}` is forbidden, and is done to {id}"));
            }
        }
    }
    Ok(())
}

/// The object to which a plan does what a shape such as `drop table` says.
fn has(plan: &Plan, shape: &str) -> Outcome<Option<String>> {
    let (verb, kind) = shape.split_once(' ').ok_or("a shape is an action and a kind")?;
    let kind = KindName::named(kind).ok_or_else(|| format!("`{kind}` is no kind"))?;
    let of = |action: Action| -> BTreeSet<String> {
        let steps = plan.steps.iter().filter(|step| step.object.kind == kind && step.action == action);
        steps.map(|step| step.object.to_string()).collect()
    };
    let found = match verb {
        "drop" => of(Action::Drop),
        "create" => of(Action::Create),
        "alter" => of(Action::Alter),
        "attach" => of(Action::Attach),
        "populate" => of(Action::Populate),
        "replace" => of(Action::Drop).intersection(&of(Action::Create)).cloned().collect(),
        _ => return Err(format!("`{verb}` is no action")),
    };
    Ok(found.into_iter().next())
}

/// What is written down of a state, in each form, reads back to the same.
async fn written(case: &Case, state: &State, sandbox: &Sandbox) -> Outcome {
    let catalog = &state.catalog;
    let text = snapshot::write(catalog);
    let read = snapshot::read("state.json", &text.into()).map_err(told)?;
    unchanged(sandbox, catalog, &read, "JSON").await?;

    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("state.yaml");
    std::fs::write(&file, yaml::write(catalog, yaml::WriteOptions::default()))
        .map_err(|error| error.to_string())?;
    let read = sandbox.read(&Source::Yaml(file)).await;
    match (read, &case.settings.not_in_yaml) {
        (Ok(read), None) => unchanged(sandbox, catalog, &read.catalog, "YAML").await?,
        (Err(error), None) => return Err(format!("as YAML: {}", told(error))),
        (Err(_), Some(_)) => {}
        (Ok(_), Some(why)) => return Err(format!("YAML says it now: take `not_in_yaml` out ({why})")),
    }

    let fresh = sandbox.empty_catalog().await.map_err(told)?;
    let whole = plan(Pair { before: fresh, after: catalog }).map_err(told)?;
    let sql = folder.path().join("sql");
    for (path, text) in schemadiff::script::by_object(&whole, catalog) {
        schemadiff::files::write(&sql.join(path), &text).map_err(told)?;
    }
    std::fs::create_dir_all(&sql).map_err(|error| error.to_string())?;
    let read = sandbox.read(&Source::Sql(sql)).await.map_err(|error| format!("as SQL: {}", told(error)))?;
    unchanged(sandbox, catalog, &read.catalog, "SQL").await
}

async fn unchanged(sandbox: &Sandbox, before: &Catalog, after: &Catalog, form: &str) -> Outcome {
    let mut after = after.clone();
    schemadiff::diff::inherit_unset(&mut after, before);
    let (sides, changes) = proof::differences(sandbox, Pair { before, after: &after }).await.map_err(told)?;
    match changes.first() {
        None => Ok(()),
        Some(first) => {
            let text = proof::first_difference(first, sides.as_ref());
            Err(format!("written as {form} and read back it is another:\n{text}"))
        }
    }
}

/// Everything again from the files gives the same bytes.
async fn repeats(case: &Case, sandbox: &Sandbox, migration: &Migration) -> Outcome {
    let states = states(case, sandbox).await?;
    let mut again =
        generate::migration(sandbox, states.as_ref(), &case.options(Proving::Skipped)).await.map_err(told)?;
    // Only the proof sees the locks that the plan does not know.
    again.up.add_observed_locks(&migration.proof.locks.up);
    again.rollback.add_observed_locks(&migration.proof.locks.rollback);
    for (first, second) in [(&migration.up, &again.up), (&migration.rollback, &again.rollback)] {
        if first.render() != second.render() {
            return Err(format!("two runs differ:\n{}", lines(&first.render(), &second.render())));
        }
    }
    Ok(())
}

/// On the declared database itself, with rows in it: the rows are there after both ways, the reached state
/// takes the probe, and nothing is left to do.
async fn rows(case: &Case, sandbox: &Sandbox, states: Pair<&State>, migration: &Migration) -> Outcome {
    let source = Source::Sql(case.folder.join("before.sql"));
    let copy = sandbox.load(&source).await.map_err(told)?;
    let (database, session) = (&copy.database, &copy.database.session);
    let roles = states.after.catalog.roles.keys().map(RoleStub::new);
    database.stub_roles(&roles.collect::<Vec<_>>()).await.map_err(told)?;
    let run = async |name: &str| match case.file(name) {
        Some(sql) => session.run(&sql).await.map_err(|error| format!("{name}: {error}")),
        None => Ok(()),
    };
    run("seed.sql").await?;
    let common = Common::of(
        Pair { before: &states.before.catalog, after: &states.after.catalog },
        &migration.names,
        &case.settings.lost,
    );
    let seeded = common.look(session, "rollback").await.map_err(told)?;
    for (way, script, goal) in
        [("up", &migration.up, states.after), ("rollback", &migration.rollback, states.before)]
    {
        sandbox::run_script(script, database).await.map_err(|error| format!("{way}: {error}"))?;
        let kept = common.look(session, way).await.map_err(told)?;
        if kept != seeded {
            return Err(format!("{way}: rows are lost or changed: {seeded:?} became {kept:?}"));
        }
        let catalog = sandbox::read_catalog(database).await.map_err(told)?;
        let mut reached = State::new(catalog, way);
        // As the head of the migration records it.
        let done = if way == "up" { migration.renames.clone() } else { Vec::new() };
        reached.renames.recorded = Some(vec![done]);
        let sides = Pair { before: &reached, after: goal };
        let rest =
            generate::migration(sandbox, sides, &case.options(Proving::Skipped)).await.map_err(told)?;
        if !rest.up.is_empty() {
            return Err(format!("{way}: a second plan is not empty:\n{}", rest.up.render()));
        }
        if way == "up" && case.file("probe.sql").is_some() {
            session.run("BEGIN").await.map_err(told)?;
            run("probe.sql").await?;
            session.run("ROLLBACK").await.map_err(told)?;
        }
    }
    copy.database.drop_now().await.map_err(told)
}

/// The text is the expected one: that of the version alone, or of all where this version is to tell.
fn text(case: &Case, server: &Server, name: &str, found: &str, bless: bool) -> Outcome {
    let own = format!("{name}.{}.sql", server.major);
    let file = match (case.folder.join(&own).exists(), server.text) {
        (true, _) => own,
        (false, true) => format!("{name}.sql"),
        (false, false) => return Ok(()),
    };
    let expected = case.file(&file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    if bless && case.settings.gap.is_none() {
        return std::fs::write(case.folder.join(&file), found).map_err(|error| error.to_string());
    }
    Err(format!("{file} is another text (`cargo bless` takes it over):\n{}", lines(&expected, found)))
}

fn lines(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after).unified_diff().context_radius(2).to_string()
}
