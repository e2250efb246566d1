//! What the server does with a column, tried on a table of its own: whether it writes the table anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::kinds::{KindName, column, narrowing};
use crate::model::Directives;
use crate::model::sql::{Expression, Literal, Sql};
use crate::model::{Action, Catalog, Hazard, Object, ObjectId, Pair, Step};
use crate::plan::Plan;
use crate::recipes::{Sizes, retype, using};
use crate::sandbox::Sandbox;
use crate::sql;

/// There is no such cast (SQLSTATE, manual, appendix A).
const NO_CAST: &str = "42846";

/// Columns whose coming, or change of type, does not write their table anew.
#[derive(Clone, Debug, Default)]
pub struct ProbeResults {
    harmless: BTreeSet<ObjectId>,
    no_cast: BTreeSet<ObjectId>,
    volatile_cast: BTreeSet<ObjectId>,
    bounds: BTreeMap<ObjectId, String>,
    reindexing: BTreeSet<ObjectId>,
    /// Indexes as they read over a second column, by the first one and their own name.
    beside: BTreeMap<(ObjectId, ObjectId), Object>,
}

impl ProbeResults {
    /// Whether the column's table is written anew. What could not be tried is taken for the worse.
    pub fn rewrites(&self, column: &ObjectId) -> bool {
        !self.harmless.contains(column)
    }

    /// The condition that a partition's bound puts on its rows, where a table in use becomes one.
    pub(super) fn bound(&self, partition: &ObjectId) -> Option<&str> {
        self.bounds.get(partition).map(String::as_str)
    }

    /// Asks the server what the bounds of such partitions mean.
    async fn ask_bounds(&mut self, sandbox: &Sandbox, places: &[&ObjectId], target: &Catalog) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        let copy = sandbox.load_catalog(target).await?;
        let session = &copy.database.session;
        session.run("SET search_path = ''").await?;
        for place in places {
            let table = sql!("{}", place.on()).to_string();
            let query = sql!(
                "SELECT pg_catalog.pg_get_partition_constraintdef({}::pg_catalog.regclass)",
                Literal(&table)
            );
            let rows = session.rows(query.as_str()).await?;
            if let Some(bound) = rows.first().and_then(|row| row.get(0)) {
                self.bounds.insert((*place).clone(), bound.to_owned());
            }
        }
        copy.database.drop_now().await
    }

    /// Whether the new value of the column hangs on the session that computes it, such as on its time zone.
    pub(super) fn has_volatile_cast(&self, column: &ObjectId) -> bool {
        self.volatile_cast.contains(column)
    }

    /// Whether the server has no cast for a change of the column's type.
    pub(super) fn has_no_cast(&self, column: &ObjectId) -> bool {
        self.no_cast.contains(column)
    }

    /// What a trial elsewhere told of a column.
    pub(super) fn told(&mut self, column: &ObjectId, rewrites: bool) {
        if !rewrites {
            self.harmless.insert(column.clone());
        }
    }

    /// Whether a change of the column's type that leaves the table as it is has an index built anew.
    pub(super) fn reindexes(&self, column: &ObjectId) -> bool {
        self.reindexing.contains(column)
    }

    /// What a trial told of a change that has an index built anew.
    pub(super) fn told_of_reindexing(&mut self, column: &ObjectId) {
        self.reindexing.insert(column.clone());
    }

    /// An index of a column as it reads over the second column beside it.
    pub(super) fn beside(&self, column: &ObjectId, index: &ObjectId) -> Option<&Object> {
        self.beside.get(&(column.clone(), index.clone()))
    }

    /// How the server reads an index over the second column.
    pub(super) fn told_of_index(&mut self, column: &ObjectId, index: &Object) {
        self.beside.insert((column.clone(), index.id.clone()), index.clone());
    }

    /// Tries what a plan does to columns of tables that are there and may have rows.
    ///
    /// # Errors
    /// When the scratch server fails, or has something against an expression that the target asks for.
    pub async fn ask(
        sandbox: &Sandbox,
        plan: &Plan,
        sides: Pair<&Catalog>,
        sizes: &Sizes,
        directives: &Directives,
    ) -> Result<Self> {
        let mut probed = Self::default();
        using::try_out(sandbox, plan, sides, directives, &mut probed).await?;
        let wished =
            |step: &Step| step.action == Action::Alter && directives.usings.contains_key(&step.object);
        let quiet = |step: &Step| {
            sides.before.parent(&step.object).is_some_and(|table| sizes.is_empty(&table, sides.before))
        };
        let all = plan.steps.iter().filter(|step| is_asked(step, sides));
        // The server looks for a cast whether there are rows or not.
        let steps = all.filter(|step| !quiet(step) || needs_cast(step, sides));
        let changes = steps.clone().filter(|step| using::changes_type(step) && !quiet(step));
        let changes: Vec<&Step> = changes.collect();
        let steps = steps.filter(|step| !wished(step));
        let columns: BTreeMap<&ObjectId, bool> =
            steps.map(|step| (&step.object, step.action == Action::Create)).collect();
        let attached = plan.steps.iter().filter(|step| {
            let comes = step.object.kind == KindName::Partition && step.action == Action::Create;
            comes && step.lock.is_some() && !sides.before.contains(&step.object)
        });
        let attached: Vec<&ObjectId> = attached.map(|step| &step.object).collect();
        probed.ask_bounds(sandbox, &attached, &with_roles(sides)).await?;
        if !columns.is_empty() {
            probed.try_columns(sandbox, columns, sides).await?;
        }
        retype::ask(sandbox, &changes, sides, &mut probed).await?;
        Ok(probed)
    }

    /// Tries each of some columns, new ones or with another type, on a table of its own.
    async fn try_columns(
        &mut self,
        sandbox: &Sandbox,
        columns: BTreeMap<&ObjectId, bool>,
        sides: Pair<&Catalog>,
    ) -> Result<()> {
        let needed = part(&with_roles(sides), columns.keys().copied());
        let copy = match sandbox.load_catalog(&needed).await {
            Ok(copy) => copy,
            Err(Error::Server(error)) => {
                tracing::debug!(error.message, "what columns rest on cannot be built by itself");
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let session = &copy.database.session;
        // Between timestamps with and without a time zone the server writes nothing anew while the session's is UTC,
        // which the one that runs the plan need not be.
        session.run("SET TimeZone = '<+01>-01'").await?;
        for (id, new) in columns {
            let Some(trial) = trial(id, new, sides) else { continue };
            let sql = format!("DROP TABLE IF EXISTS pg_temp.probe; {}", trial.before);
            let told = async {
                session.run(&sql).await?;
                let was = node(session).await?;
                session.run(trial.change.as_str()).await?;
                Ok::<_, Error>(was == node(session).await?)
            };
            match told.await {
                Ok(harmless) => {
                    self.told(id, !harmless);
                    if !new && !is_steady(session, id, sides, &trial, "").await? {
                        self.volatile_cast.insert(id.clone());
                    }
                }
                Err(Error::Server(error)) if error.code == NO_CAST => {
                    self.no_cast.insert(id.clone());
                    if !is_steady(session, id, sides, &trial, "::text").await? {
                        self.volatile_cast.insert(id.clone());
                    }
                }
                Err(Error::Server(error)) => tracing::debug!(%id, error.message, "not tried"),
                Err(other) => return Err(other),
            }
        }
        copy.database.drop_now().await
    }
}

/// Takes back the warning of a rewrite that does not happen.
pub(super) fn calm(step: &mut Step, sides: Pair<&Catalog>, probed: &ProbeResults) {
    if is_asked(step, sides) && !probed.rewrites(&step.object) {
        step.hazards.retain(|hazard| !matches!(hazard, Hazard::Rewrite(_)));
    }
}

/// Whether only the server knows if the step writes the table anew.
fn is_asked(step: &Step, sides: Pair<&Catalog>) -> bool {
    if step.object.kind != KindName::Column || step.lock.is_none() {
        return false;
    }
    match step.action {
        Action::Create => !is_plain(&step.object, sides.after),
        Action::Alter => step.alteration == Some("type"),
        _ => false,
    }
}

/// Whether the step changes a column's type to one to which no assignment leads that is known of.
fn needs_cast(step: &Step, sides: Pair<&Catalog>) -> bool {
    let types = |catalog: &Catalog| catalog.get(&step.object).map(|column| column.text("type").to_owned());
    let pair = types(sides.before).zip(types(sides.after));
    using::changes_type(step) && pair.is_some_and(|(before, after)| !narrowing::assigns(&before, &after))
}

/// Whether a new column is no more than a NULL in each row.
pub(super) fn is_plain(id: &ObjectId, catalog: &Catalog) -> bool {
    let Some(column) = catalog.get(id) else { return true };
    let computed = ["identity", "generated"].iter().any(|name| !column.text(name).is_empty());
    let domain = catalog.dependencies_of(id).any(|(other, _)| other.kind == KindName::Domain);
    !computed && !domain && default_of(id, catalog).is_none()
}

/// The default of a column.
pub(super) fn default_of<'a>(id: &ObjectId, catalog: &'a Catalog) -> Option<&'a Object> {
    catalog.children(id).find(|part| part.id.kind == KindName::Default)
}

/// A table, and the change that is tried on it.
struct Trial {
    before: Sql,
    change: Sql,
}

fn trial(id: &ObjectId, new: bool, sides: Pair<&Catalog>) -> Option<Trial> {
    let after = sides.after.get(id)?;
    let Some(before) = sides.before.get(id).filter(|_| !new) else {
        let mut what = column::definition(after);
        if let Some(default) = default_of(id, sides.after).filter(|_| after.text("generated").is_empty()) {
            what.push(&sql!("DEFAULT {}", Expression(default.text("expression"))));
        }
        // The others are there for what is computed from them.
        let others = sides.after.children(&sides.after.parent(id)?).filter(|part| {
            part.id.kind == KindName::Column && part.id != *id && part.text("generated").is_empty()
        });
        let list: Vec<Sql> = others.map(typed).collect();
        let before = sql!("CREATE TEMP TABLE probe ({})", Sql::join(&list, ", "));
        return Some(Trial { before, change: sql!("ALTER TABLE pg_temp.probe ADD COLUMN {}", what) });
    };
    // A type that is exchanged for another of its name: the values wait as text meanwhile.
    if ["type", "collation"].iter().all(|name| before.get(name) == after.get(name)) {
        return None;
    }
    let create = sql!("CREATE TEMP TABLE probe ({})", typed(before));
    let name = crate::model::sql::Ident(id.name());
    let mut what = sql!("TYPE {}", Expression(after.text("type")));
    if !after.text("collation").is_empty() {
        what.push(&sql!("COLLATE {}", Expression(after.text("collation"))));
    }
    let using = sql!("USING {}::{}", name, Expression(after.text("type")));
    let change = sql!("ALTER TABLE pg_temp.probe ALTER COLUMN {} {} {}", name, what, using);
    Some(Trial { before: create, change })
}

/// Whether the cast gives the same in every session: an index takes no other expression (manual, `CREATE INDEX`).
async fn is_steady(
    session: &crate::db::Session,
    id: &ObjectId,
    sides: Pair<&Catalog>,
    trial: &Trial,
    through: &str,
) -> Result<bool> {
    let Some(after) = sides.after.get(id) else { return Ok(true) };
    let name = crate::model::sql::Ident(id.name());
    let index = sql!(
        "CREATE INDEX ON pg_temp.probe ((({}{}::{}) IS NULL))",
        name,
        Sql::trusted(through),
        Expression(after.text("type"))
    );
    session.run(&format!("DROP TABLE IF EXISTS pg_temp.probe; {}", trial.before)).await?;
    match session.run(index.as_str()).await {
        Ok(()) => Ok(true),
        Err(Error::Server(error)) => Ok(error.code != "42P17"),
        Err(other) => Err(other),
    }
}

/// A column with its type and no more.
fn typed(column: &Object) -> Sql {
    let mut bare = Object::new(column.id.clone());
    for name in ["type", "collation"] {
        if let Some(value) = column.get(name) {
            bare.set(if name == "type" { "type" } else { "collation" }, value.clone());
        }
    }
    column::definition(&bare)
}

async fn node(session: &crate::db::Session) -> Result<Option<String>> {
    let rows = session.rows("SELECT pg_catalog.pg_relation_filenode('pg_temp.probe')").await?;
    Ok(rows.first().and_then(|row| row.get(0)).map(str::to_owned))
}

/// The state after, with the roles that objects have from the state before.
pub(super) fn with_roles(sides: Pair<&Catalog>) -> Catalog {
    let mut after = sides.after.clone();
    for (name, facts) in &sides.before.roles {
        after.roles.entry(name.clone()).or_insert_with(|| facts.clone());
    }
    after
}

/// The part of a catalog on which these objects rest: types, functions, sequences and what those need.
fn part<'a>(catalog: &Catalog, of: impl Iterator<Item = &'a ObjectId>) -> Catalog {
    let mut stack = Vec::new();
    for id in of {
        let table = catalog.parent(id);
        let siblings = table.iter().flat_map(|table| catalog.children(table));
        let columns = siblings.filter(|part| part.id.kind == KindName::Column).map(|part| &part.id);
        let defaults = catalog.children(id).map(|part| &part.id);
        let roots: Vec<&ObjectId> = columns.chain(defaults).collect();
        let needed = roots.iter().flat_map(|id| catalog.dependencies_of(id)).map(|(other, _)| other);
        stack.extend(needed.filter(|other| other.kind != KindName::Column).cloned());
    }
    closure(catalog, stack)
}

/// The part of a catalog that these objects are, with what is in them and what they need.
pub(super) fn closure(catalog: &Catalog, roots: Vec<ObjectId>) -> Catalog {
    let mut found = BTreeSet::new();
    let mut stack = roots;
    // A database without the schema that every new one has is read in another way.
    stack.push(ObjectId::new(KindName::Schema, &["public"]));
    while let Some(here) = stack.pop() {
        if !catalog.contains(&here) || !found.insert(here.clone()) {
            continue;
        }
        stack.extend(catalog.parent(&here));
        stack.extend(catalog.dependencies_of(&here).map(|(other, _)| other.clone()));
        let schema = here.kind == KindName::Schema;
        stack.extend(catalog.children(&here).filter(|_| !schema).map(|part| part.id.clone()));
    }
    // What every database has is not dropped for it.
    catalog.only(|id| found.contains(id) || matches!(id.kind, KindName::Schema | KindName::Extension))
}
