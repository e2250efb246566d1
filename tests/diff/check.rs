//! The checks of a case.

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

/// Runs a case and returns the kinds that it changes.
pub(crate) async fn run(case: &Case, server: &Server, bless: bool) -> Outcome<BTreeSet<KindName>> {
    if !case.settings.refused.is_empty() {
        return refused(case, &server.sandbox).await.map(|()| BTreeSet::new());
    }
    let states = states(case, &server.sandbox).await?;
    modelled(states.as_ref())?;
    let migration = generate::migration(&server.sandbox, states.as_ref(), &case.options(Proving::Always))
        .await
        .map_err(rendered)?;
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

/// Checks that the case ends in an error with the expected texts.
async fn refused(case: &Case, sandbox: &Sandbox) -> Outcome {
    let states = states(case, sandbox).await;
    let found = match states {
        Ok(states) => generate::migration(sandbox, states.as_ref(), &case.options(Proving::Always))
            .await
            .map_err(rendered),
        Err(found) => Err(found),
    };
    let Err(found) = found else { return Err("no error; `refused` expects one".into()) };
    match case.settings.refused.iter().find(|words| !found.contains(words.as_str())) {
        None => Ok(()),
        Some(words) => Err(format!("`{words}` is not in the error:\n{found}")),
    }
}

/// Returns the error as a user reads it.
fn rendered(error: Error) -> String {
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
        before: sandbox.read(&source(&case.folder.join("before.sql"))).await.map_err(rendered)?,
        after: sandbox.read(&source(&case.target())).await.map_err(rendered)?,
    };
    states.before.renames.recorded = case.settings.recorded.then(Vec::new);
    states.after.renames.ambiguous = case.ambiguous();
    Ok(states)
}

/// Checks that everything that the case declares is modelled.
fn modelled(states: Pair<&State>) -> Outcome {
    let left: Vec<&String> =
        [states.before, states.after].into_iter().flat_map(|state| &state.catalog.unmodelled).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("not modelled: {left:?}")) }
}

/// Checks that the migration, unless it is empty, was rehearsed, and compared by `pg_dump` if there is one.
async fn proved(migration: &Migration, sandbox: &Sandbox) -> Outcome {
    let observable = sandbox.server().await.map_err(rendered)?.pg_dump().is_some();
    if !migration.up.is_empty() && (!migration.proof.ran || migration.proof.dump != observable) {
        return Err(format!("not proved: {:?}", migration.proof));
    }
    Ok(())
}

/// Checks that neither direction has a step that `forbid` names. The rollback may drop what the migration creates.
fn shapes(case: &Case, migration: &Migration) -> Outcome {
    let Pair { before: middle, after: target } = &migration.sides;
    let sides = Pair { before: middle, after: target };
    for (direction, plan) in [("up", plan(sides)), ("rollback", plan(sides.swapped()))] {
        let mut plan = plan.map_err(rendered)?;
        let is_new = |id: &ObjectId| direction == "rollback" && !middle.contains(id);
        plan.steps.retain(|step| step.action != Action::Drop || !is_new(&step.object));
        for shape in &case.settings.forbid {
            if let Some(id) = has(&plan, shape)? {
                return Err(format!("{direction}: `{shape}` is forbidden, but a step does it to {id}"));
            }
        }
    }
    Ok(())
}

/// Returns the object of the first step of a shape such as `drop table`.
fn has(plan: &Plan, shape: &str) -> Outcome<Option<String>> {
    let (verb, kind) = shape.split_once(' ').ok_or("a shape is an action and a kind")?;
    let kind = KindName::named(kind).ok_or_else(|| format!("unknown kind `{kind}`"))?;
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
        _ => return Err(format!("unknown action `{verb}`")),
    };
    Ok(found.into_iter().next())
}

/// Checks that a state reads back equal from JSON, YAML and SQL.
async fn written(case: &Case, state: &State, sandbox: &Sandbox) -> Outcome {
    let catalog = &state.catalog;
    let text = snapshot::write(catalog);
    let read = snapshot::read("state.json", &text.into()).map_err(rendered)?;
    unchanged(sandbox, catalog, &read, "JSON").await?;

    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("state.yaml");
    std::fs::write(&file, yaml::write(catalog, yaml::WriteOptions::default()))
        .map_err(|error| error.to_string())?;
    let read = sandbox.read(&Source::Yaml(file)).await;
    match (read, &case.settings.not_in_yaml) {
        (Ok(read), None) => unchanged(sandbox, catalog, &read.catalog, "YAML").await?,
        (Err(error), None) => return Err(format!("as YAML: {}", rendered(error))),
        (Err(_), Some(_)) => {}
        (Ok(_), Some(why)) => {
            return Err(format!("YAML declares it: remove `not_in_yaml` from case.toml ({why})"));
        }
    }

    let fresh = sandbox.empty_catalog().await.map_err(rendered)?;
    let whole = plan(Pair { before: fresh, after: catalog }).map_err(rendered)?;
    let sql = folder.path().join("sql");
    for (path, text) in schemadiff::script::by_object(&whole, catalog) {
        schemadiff::files::write(&sql.join(path), &text).map_err(rendered)?;
    }
    std::fs::create_dir_all(&sql).map_err(|error| error.to_string())?;
    let read =
        sandbox.read(&Source::Sql(sql)).await.map_err(|error| format!("as SQL: {}", rendered(error)))?;
    unchanged(sandbox, catalog, &read.catalog, "SQL").await
}

async fn unchanged(sandbox: &Sandbox, before: &Catalog, after: &Catalog, form: &str) -> Outcome {
    let mut after = after.clone();
    schemadiff::diff::inherit_unset(&mut after, before);
    let (sides, changes) =
        proof::differences(sandbox, Pair { before, after: &after }).await.map_err(rendered)?;
    match changes.first() {
        None => Ok(()),
        Some(first) => {
            let text = proof::first_difference(first, sides.as_ref());
            Err(format!("written as {form} and read back, it differs:\n{text}"))
        }
    }
}

/// Checks that a second run generates the same bytes.
async fn repeats(case: &Case, sandbox: &Sandbox, migration: &Migration) -> Outcome {
    let states = states(case, sandbox).await?;
    let mut again = generate::migration(sandbox, states.as_ref(), &case.options(Proving::Skipped))
        .await
        .map_err(rendered)?;
    // Only the rehearsal observes the locks that the plan cannot know.
    again.up.add_observed_locks(&migration.proof.locks.up);
    again.rollback.add_observed_locks(&migration.proof.locks.rollback);
    for (first, second) in [(&migration.up, &again.up), (&migration.rollback, &again.rollback)] {
        if first.render() != second.render() {
            return Err(format!("two runs differ:\n{}", lines(&first.render(), &second.render())));
        }
    }
    Ok(())
}

/// Runs both directions on a database with rows: the rows are kept, the probe works on the target, and a second plan
/// is empty.
async fn rows(case: &Case, sandbox: &Sandbox, states: Pair<&State>, migration: &Migration) -> Outcome {
    let source = Source::Sql(case.folder.join("before.sql"));
    let copy = sandbox.load(&source).await.map_err(rendered)?;
    let (database, session) = (&copy.database, &copy.database.session);
    let roles = states.after.catalog.roles.keys().map(RoleStub::new);
    database.stub_roles(&roles.collect::<Vec<_>>()).await.map_err(rendered)?;
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
    let seeded = common.look(session, "rollback").await.map_err(rendered)?;
    for (direction, script, goal) in
        [("up", &migration.up, states.after), ("rollback", &migration.rollback, states.before)]
    {
        sandbox::run_script(script, database).await.map_err(|error| format!("{direction}: {error}"))?;
        let kept = common.look(session, direction).await.map_err(rendered)?;
        if kept != seeded {
            return Err(format!("{direction}: rows are lost or changed: {seeded:?} became {kept:?}"));
        }
        let catalog = sandbox::read_catalog(database).await.map_err(rendered)?;
        let mut reached = State::new(catalog, direction);
        // As the header of the migration records it.
        let done = if direction == "up" { migration.renames.clone() } else { Vec::new() };
        reached.renames.recorded = Some(vec![done]);
        let sides = Pair { before: &reached, after: goal };
        let rest =
            generate::migration(sandbox, sides, &case.options(Proving::Skipped)).await.map_err(rendered)?;
        if !rest.up.is_empty() {
            return Err(format!("{direction}: a second plan is not empty:\n{}", rest.up.render()));
        }
        if direction == "up" && case.file("probe.sql").is_some() {
            session.run("BEGIN").await.map_err(rendered)?;
            run("probe.sql").await?;
            session.run("ROLLBACK").await.map_err(rendered)?;
        }
    }
    copy.database.drop_now().await.map_err(rendered)
}

/// Compares the text with the expected one: that of the server's version if there is one, otherwise the common one.
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
    Err(format!("{file} differs (`cargo bless` rewrites it):\n{}", lines(&expected, found)))
}

fn lines(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after).unified_diff().context_radius(2).to_string()
}
