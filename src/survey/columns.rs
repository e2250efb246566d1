//! Tries new columns and changes of type on tables of their own: whether the server rewrites the table.

use std::collections::BTreeMap;

use crate::db::Session;
use crate::error::{Error, Result};
use crate::kinds::{KindName, column};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{AttributeName, Catalog, Object, ObjectId, Pair};
use crate::recipes::{ProbeResults, default_of};
use crate::sandbox::Sandbox;
use crate::sql;

use super::subset::{dependencies_of_columns, with_roles_of_both};

/// `cannot_coerce`: there is no cast (manual, appendix A).
const NO_CAST: &str = "42846";
/// `invalid_object_definition`: an index expression is not immutable.
const NOT_IMMUTABLE: &str = "42P17";

/// Tries columns, each with whether it is new, on tables of their own.
pub(super) async fn probe_columns(
    sandbox: &Sandbox,
    columns: BTreeMap<&ObjectId, bool>,
    sides: Pair<&Catalog>,
    results: &mut ProbeResults,
) -> Result<()> {
    let needed = dependencies_of_columns(&with_roles_of_both(sides), columns.keys().copied());
    let copy = match sandbox.load_catalog(&needed).await {
        Ok(copy) => copy,
        Err(Error::Server(error)) => {
            tracing::debug!(error.message, "the dependencies of columns cannot be created by themselves");
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    let session = &copy.database.session;
    // With the time zone UTC, a change between timestamp with and without time zone does not rewrite the table. The
    // session that runs the plan may have another one.
    session.run("SET TimeZone = '<+01>-01'").await?;
    for (id, is_new) in columns {
        if let Some(trial) = trial(id, is_new, sides) {
            probe_column(session, id, &trial, results).await?;
        }
    }
    copy.database.drop_now().await
}

/// A table, and the change that is tried on it.
struct Trial<'a> {
    create_table: Sql,
    change: Sql,
    /// The type that an existing column gets.
    new_type: Option<&'a str>,
}

async fn probe_column(
    session: &Session,
    id: &ObjectId,
    trial: &Trial<'_>,
    results: &mut ProbeResults,
) -> Result<()> {
    let rewrites = async {
        create_table(session, trial).await?;
        let file = table_file(session).await?;
        session.run(trial.change.as_str()).await?;
        Ok::<_, Error>(file != table_file(session).await?)
    };
    let through = match rewrites.await {
        Ok(rewrites) => {
            if !rewrites {
                results.no_rewrite.insert(id.clone());
            }
            ""
        }
        Err(Error::Server(error)) if error.code == NO_CAST => {
            results.no_cast.insert(id.clone());
            "::text"
        }
        Err(Error::Server(error)) => {
            tracing::debug!(%id, error.message, "the change of the column could not be tried");
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    if let Some(new_type) = trial.new_type
        && !is_immutable(session, id, trial, &format!("{through}::{new_type}")).await?
    {
        results.volatile_cast.insert(id.clone());
    }
    Ok(())
}

async fn create_table(session: &Session, trial: &Trial<'_>) -> Result<()> {
    session.run(&format!("DROP TABLE IF EXISTS pg_temp.probe; {}", trial.create_table)).await
}

/// Returns the file that stores the table.
async fn table_file(session: &Session) -> Result<Option<String>> {
    let rows = session.rows("SELECT pg_catalog.pg_relation_filenode('pg_temp.probe')").await?;
    Ok(rows.first().and_then(|row| row.get(0)).map(str::to_owned))
}

/// Whether a cast gives the same value in every session. The server allows no other expression in an index (manual,
/// `CREATE INDEX`).
async fn is_immutable(session: &Session, id: &ObjectId, trial: &Trial<'_>, cast: &str) -> Result<bool> {
    let index =
        sql!("CREATE INDEX ON pg_temp.probe ((({}{}) IS NULL))", Ident(id.name()), Sql::trusted(cast));
    create_table(session, trial).await?;
    match session.run(index.as_str()).await {
        Ok(()) => Ok(true),
        Err(Error::Server(error)) => Ok(error.code != NOT_IMMUTABLE),
        Err(other) => Err(other),
    }
}

fn trial<'a>(id: &ObjectId, is_new: bool, sides: Pair<&'a Catalog>) -> Option<Trial<'a>> {
    let after = sides.after.get(id)?;
    match sides.before.get(id).filter(|_| !is_new) {
        Some(before) => type_trial(Pair { before, after }),
        None => addition_trial(after, sides.after),
    }
}

/// A trial of a new column. The other columns of its table exist, because its value may be computed from them.
fn addition_trial<'a>(column: &Object, catalog: &Catalog) -> Option<Trial<'a>> {
    let id = &column.id;
    let mut definition = column::definition(column);
    if let Some(default) =
        default_of(id, catalog).filter(|_| column.text(AttributeName::GENERATED).is_empty())
    {
        definition.push(&sql!("DEFAULT {}", Expression(default.text(AttributeName::EXPRESSION))));
    }
    let others = catalog.children(&catalog.parent(id)?).filter(|part| {
        part.id.kind == KindName::Column && part.id != *id && part.text(AttributeName::GENERATED).is_empty()
    });
    let list: Vec<Sql> = others.map(name_and_type).collect();
    Some(Trial {
        create_table: sql!("CREATE TEMP TABLE probe ({})", Sql::join(&list, ", ")),
        change: sql!("ALTER TABLE pg_temp.probe ADD COLUMN {}", definition),
        new_type: None,
    })
}

/// A trial of a change of type, if there is one. Values of a type that is replaced by another one of the same name are
/// kept as text meanwhile; that change has steps of its own.
fn type_trial(column: Pair<&Object>) -> Option<Trial<'_>> {
    let Pair { before, after } = column;
    if [AttributeName::TYPE, AttributeName::COLLATION]
        .into_iter()
        .all(|name| before.get(name) == after.get(name))
    {
        return None;
    }
    let name = Ident(before.id.name());
    let new_type = after.text(AttributeName::TYPE);
    let mut change = sql!("ALTER TABLE pg_temp.probe ALTER COLUMN {} TYPE {}", name, Expression(new_type));
    if !after.text(AttributeName::COLLATION).is_empty() {
        change.push(&sql!("COLLATE {}", Expression(after.text(AttributeName::COLLATION))));
    }
    change.push(&sql!("USING {}::{}", name, Expression(new_type)));
    let create_table = sql!("CREATE TEMP TABLE probe ({})", name_and_type(before));
    Some(Trial { create_table, change, new_type: Some(new_type) })
}

/// Returns the definition of a column with its type only.
fn name_and_type(column: &Object) -> Sql {
    let mut bare = Object::new(column.id.clone());
    for name in [AttributeName::TYPE, AttributeName::COLLATION] {
        if let Some(value) = column.get(name) {
            bare.set(name, value.clone());
        }
    }
    column::definition(&bare)
}
