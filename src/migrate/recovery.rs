//! Determines whether a statement outside a transaction was executed, and removes what it left half done (manual,
//! "Building Indexes Concurrently" and `ALTER TABLE … DETACH PARTITION`).
//!
//! What existed before the statement is never taken for its result, nor removed.

use super::before::Before;
use super::outside::{CreateIndex, OutsideStatement};
use crate::db::Session;
use crate::error::{Error, Result};
use crate::model::sql::{Expression, Ident, Literal, QualifiedName, Sql};
use crate::sql;

/// The outcome of a statement whose connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementOutcome {
    /// It was executed.
    Done,
    /// It was not executed, or what it left was removed: it can run again.
    Again,
    /// The system catalogs do not show it.
    Unknown,
}

/// A statement outside a transaction, with what existed before it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) statement: OutsideStatement,
    /// None if version 0.1 ran it.
    pub(super) before: Option<Before>,
}

/// The connection that consults the system catalogs.
pub(super) struct Recovery<'a> {
    pub(super) session: &'a Session,
    /// Shows a message to the user.
    pub(super) message: &'a dyn Fn(&str),
}

impl Recovery<'_> {
    /// Determines the outcome of a statement to which there was no answer, and removes what it left.
    ///
    /// # Errors
    /// Returns an error if the server returns one, or the connection is lost.
    pub(super) async fn outcome(&self, attempt: &Attempt) -> Result<StatementOutcome> {
        let before = attempt.before.as_ref();
        match &attempt.statement {
            OutsideStatement::CreateIndex(index) => self.created_index(index, before).await,
            OutsideStatement::DropIndex { name } => self.dropped_index(name, before).await,
            OutsideStatement::Detach { table, partition } => self.detached(table, partition, before).await,
            OutsideStatement::Reindex => {
                self.clean_up(attempt).await?;
                Ok(StatementOutcome::Again)
            }
            OutsideStatement::Block { repeatable: true } | OutsideStatement::Repeatable => {
                Ok(StatementOutcome::Again)
            }
            OutsideStatement::Block { repeatable: false } | OutsideStatement::Other => {
                Ok(StatementOutcome::Unknown)
            }
        }
    }

    /// Removes what a statement left that the server answered with an error. Returns [`StatementOutcome::Done`] if it was
    /// completed instead.
    ///
    /// # Errors
    /// Returns an error if the server returns one, or the connection is lost.
    pub(super) async fn clean_up(&self, attempt: &Attempt) -> Result<StatementOutcome> {
        let Some(before) = &attempt.before else { return Ok(StatementOutcome::Again) };
        match &attempt.statement {
            OutsideStatement::CreateIndex(index) => {
                for new in self.new_indexes(index, before).await?.iter().filter(|new| !new.valid) {
                    self.drop_index(new).await?;
                }
            }
            OutsideStatement::Reindex => {
                for new in self.new_copies(before).await? {
                    self.drop_index(&new).await?;
                }
            }
            OutsideStatement::Detach { table, partition } => {
                let outcome = self.detached(table, partition, Some(before)).await?;
                let completed = before.attached && outcome == StatementOutcome::Done;
                return Ok(if completed { StatementOutcome::Done } else { StatementOutcome::Again });
            }
            OutsideStatement::DropIndex { .. }
            | OutsideStatement::Block { .. }
            | OutsideStatement::Repeatable
            | OutsideStatement::Other => {}
        }
        Ok(StatementOutcome::Again)
    }

    /// Drops an invalid index that `IF NOT EXISTS` has accepted. Returns true if there was one.
    ///
    /// # Errors
    /// Returns an error if the server returns one, or the connection is lost.
    pub(super) async fn drop_accepted_invalid_index(&self, index: &CreateIndex) -> Result<bool> {
        let found = self.namesake(index).await?;
        let invalid = found.filter(|found| !found.valid && index.if_not_exists);
        if let Some(invalid) = &invalid {
            self.drop_index(invalid).await?;
        }
        Ok(invalid.is_some())
    }

    async fn created_index(&self, index: &CreateIndex, before: Option<&Before>) -> Result<StatementOutcome> {
        let found = match before {
            Some(before) => self.new_indexes(index, before).await?,
            // Version 0.1 did not store what existed before.
            None if index.name.is_none() => return Ok(StatementOutcome::Unknown),
            None => self.namesake(index).await?.into_iter().collect(),
        };
        let mut outcome = StatementOutcome::Again;
        for new in &found {
            if !new.valid {
                self.drop_index(new).await?;
                continue;
            }
            match self.has_definition(index, new).await? {
                Some(true) => return Ok(StatementOutcome::Done),
                Some(false) => {}
                None => outcome = StatementOutcome::Unknown,
            }
        }
        Ok(outcome)
    }

    /// The indexes that did not exist before the statement and may be its result.
    async fn new_indexes(&self, index: &CreateIndex, before: &Before) -> Result<Vec<FoundIndex>> {
        let Some(table) = before.relation else { return Ok(Vec::new()) };
        if index.name.is_some() && before.namesake.is_some() {
            return Ok(Vec::new());
        }
        let named = match &index.name {
            Some(name) => sql!("c.relname = (pg_catalog.parse_ident({}))[1]", Literal(name)),
            None => sql!("true"),
        };
        let condition = sql!("i.indrelid = {} AND {}{}", table, named, except(&before.indexes));
        let mut found = self.indexes(&condition).await?;
        if index.name.is_none() {
            let mut same = Vec::new();
            for new in found {
                if self.has_definition(index, &new).await? != Some(false) {
                    same.push(new);
                }
            }
            found = same;
        }
        Ok(found)
    }

    /// The invalid copies of indexes that a REINDEX has left, unless another session is making them.
    async fn new_copies(&self, before: &Before) -> Result<Vec<FoundIndex>> {
        let condition = sql!(
            "NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'{} AND NOT EXISTS ( \
             SELECT FROM pg_catalog.pg_locks l WHERE l.relation = i.indrelid \
             AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid())",
            except(&before.indexes)
        );
        self.indexes(&condition).await
    }

    /// The index of that name.
    async fn namesake(&self, index: &CreateIndex) -> Result<Option<FoundIndex>> {
        let Some(name) = &index.name else { return Ok(None) };
        let condition = sql!(
            "i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]",
            Literal(&index.table),
            Literal(name),
        );
        Ok(self.indexes(&condition).await?.pop())
    }

    async fn indexes(&self, condition: &Sql) -> Result<Vec<FoundIndex>> {
        let select = sql!(
            "SELECT c.oid, n.nspname, c.relname, i.indisvalid FROM pg_catalog.pg_index i \
             JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {} ORDER BY c.oid",
            condition
        );
        let rows = self.session.rows(select.as_str()).await?;
        Ok(rows
            .iter()
            .map(|row| FoundIndex {
                oid: row.get(0).and_then(|oid| oid.parse().ok()).unwrap_or(0),
                schema: row.get(1).unwrap_or_default().to_owned(),
                name: row.get(2).unwrap_or_default().to_owned(),
                valid: row.get(3) == Some("t"),
            })
            .collect())
    }

    async fn drop_index(&self, index: &FoundIndex) -> Result<()> {
        let name = &index.name;
        (self.message)(&format!("dropping the index {name}, left invalid by an interrupted build"));
        let name = QualifiedName { schema: &index.schema, name };
        self.session.run(sql!("DROP INDEX CONCURRENTLY {}", name).as_str()).await
    }

    /// Returns true if an index has the definition of the statement, which is built on an empty copy of the table. Returns
    /// None if that cannot be done.
    async fn has_definition(&self, index: &CreateIndex, found: &FoundIndex) -> Result<Option<bool>> {
        let result = self.compare_definitions(index, found).await;
        self.session.run("ROLLBACK").await?;
        match result {
            Ok(same) => Ok(same),
            Err(Error::Server(error)) => {
                tracing::debug!(%error, "cannot compare the definition of an index");
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    async fn compare_definitions(&self, index: &CreateIndex, found: &FoundIndex) -> Result<Option<bool>> {
        let table = sql!(
            "BEGIN; SELECT n.nspname, c.relname FROM pg_catalog.pg_index i \
             JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indexrelid = {}",
            found.oid
        );
        let rows = self.session.rows(table.as_str()).await?;
        let Some((schema, name)) = rows.first().and_then(|row| row.get(0).zip(row.get(1))) else {
            return Ok(None);
        };
        // Expressions may name the table.
        let copy = QualifiedName { schema: "pg_temp", name };
        let build = sql!(
            "CREATE TEMPORARY TABLE {} (LIKE {}); CREATE {}INDEX ON {}{}",
            Ident(name),
            QualifiedName { schema, name },
            Sql::trusted(if index.unique { "UNIQUE " } else { "" }),
            copy,
            Sql::trusted(&index.definition),
        );
        self.session.run(build.as_str()).await?;
        let definition = |condition: Sql| {
            sql!(
                "(SELECT ROW(indisunique, substring(pg_catalog.pg_get_indexdef(indexrelid) FROM ' USING .*$')) \
                 FROM pg_catalog.pg_index WHERE {})",
                condition
            )
        };
        let compare = sql!(
            "SELECT {} = {}",
            definition(sql!("indexrelid = {}", found.oid)),
            definition(sql!("indrelid = pg_catalog.to_regclass({})", Literal(sql!("{}", copy).as_str()))),
        );
        let rows = self.session.rows(compare.as_str()).await?;
        Ok(rows.first().and_then(|row| row.get(0)).map(|same| same == "t"))
    }

    async fn dropped_index(&self, name: &str, before: Option<&Before>) -> Result<StatementOutcome> {
        let exists = match before {
            Some(Before { relation: Some(oid), .. }) => self.exists(&sql!("c.oid = {}", oid)).await?,
            // There was nothing to drop.
            Some(Before { relation: None, .. }) => true,
            None => {
                let named = sql!("c.oid = pg_catalog.to_regclass({})", Literal(name));
                if !self.exists(&named).await? {
                    return Ok(StatementOutcome::Unknown);
                }
                true
            }
        };
        Ok(if exists { StatementOutcome::Again } else { StatementOutcome::Done })
    }

    async fn exists(&self, condition: &Sql) -> Result<bool> {
        let select = sql!("SELECT 1 FROM pg_catalog.pg_class c WHERE {}", condition);
        Ok(!self.session.rows(select.as_str()).await?.is_empty())
    }

    async fn detached(
        &self,
        table: &str,
        partition: &str,
        before: Option<&Before>,
    ) -> Result<StatementOutcome> {
        let statement = OutsideStatement::Detach { table: table.to_owned(), partition: partition.to_owned() };
        let now = Before::read(self.session, &statement).await?;
        let same = |before: &Before| before.relation.is_some() && before.relation == now.relation;
        match before {
            _ if now.detach_pending && before.is_none_or(|before| !before.detach_pending) => {
                (self.message)(&format!("finishing the interrupted DETACH of the partition {partition}"));
                let finish = sql!(
                    "ALTER TABLE {} DETACH PARTITION {} FINALIZE",
                    Expression(table),
                    Expression(partition)
                );
                self.session.run(finish.as_str()).await?;
                Ok(StatementOutcome::Done)
            }
            _ if now.attached => Ok(StatementOutcome::Again),
            Some(before) if before.attached && same(before) => Ok(StatementOutcome::Done),
            Some(_) => Ok(StatementOutcome::Again),
            None if now.relation.is_none() => Ok(StatementOutcome::Again),
            None => Ok(StatementOutcome::Unknown),
        }
    }
}

/// An index of the database.
#[derive(Clone, Debug)]
struct FoundIndex {
    oid: u32,
    schema: String,
    name: String,
    valid: bool,
}

/// The condition that an index is none of these.
fn except(indexes: &[u32]) -> Sql {
    let list: Vec<String> = indexes.iter().map(u32::to_string).collect();
    Sql::trusted(if list.is_empty() {
        String::new()
    } else {
        format!(" AND c.oid NOT IN ({})", list.join(", "))
    })
}
