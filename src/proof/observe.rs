//! Observes the statements of a script on the scratch copy: the locks they take, and the tables they rewrite.

use std::collections::BTreeMap;

use super::failure::BUG;
use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::{LockMode, Planned, Script, Statement, StatementRole, Transaction};
use crate::scratch::ScratchDatabase;

/// The maximum number of statements that are observed one by one. A longer script creates a whole schema.
const MAX_STATEMENTS: usize = 2_000;

/// The relations that existed before the first statement, with their locks and files.
pub(super) struct Watch<'a> {
    session: &'a Session,
    /// Each relation with storage, by OID.
    relations: BTreeMap<String, Relation>,
    /// The strongest lock that the current transaction holds, by OID.
    held: BTreeMap<String, LockMode>,
}

/// A relation as it was last observed.
struct Relation {
    name: String,
    filenode: String,
}

/// The effect of a statement on an existing relation.
pub(super) struct Effect {
    /// The name of the relation.
    pub(super) relation: String,
    /// The lock on it, if it is stronger than the lock that the transaction already held.
    pub(super) lock: Option<LockMode>,
    /// Whether the relation was rewritten.
    pub(super) rewritten: bool,
    /// Whether the relation was dropped.
    pub(super) dropped: bool,
}

/// The strongest lock that a statement took on an existing relation, and the name of the relation.
pub(super) type ObservedLock = Option<(LockMode, String)>;

/// Runs a script. Returns the observed lock of each statement.
///
/// # Errors
/// Returns an error if a statement fails, takes a stronger lock on an existing relation than the plan declares, or
/// rewrites a table although the plan does not declare it.
pub(super) async fn run(script: &Script, database: &ScratchDatabase) -> Result<Vec<ObservedLock>> {
    let session = &database.session;
    let mut watch = Watch::start(session).await?;
    if watch.relations.is_empty() || script.statements.len() > MAX_STATEMENTS {
        return crate::sandbox::run_script(script, database).await.map(|()| Vec::new());
    }
    let mut locks = Vec::with_capacity(script.statements.len());
    for statement in &script.statements {
        let result = watch.run(statement).await;
        if result.is_err() {
            // Leave no failed transaction behind.
            let _ = session.run("ROLLBACK").await;
        }
        locks.push(result?);
    }
    Ok(locks)
}

impl<'a> Watch<'a> {
    /// Starts with the relations that exist now.
    pub(super) async fn start(session: &'a Session) -> Result<Self> {
        let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
        let rows = session.rows(RELATIONS).await?;
        let relations = rows
            .iter()
            .map(|row| {
                let relation = Relation { name: text(row.get(1)), filenode: text(row.get(2)) };
                (text(row.get(0)), relation)
            })
            .collect();
        Ok(Self { session, relations, held: BTreeMap::new() })
    }

    /// Forgets the locks of the previous transaction.
    pub(super) fn begin(&mut self) {
        self.held.clear();
    }

    /// Returns the strongest lock that the current transaction holds on an existing relation.
    pub(super) fn strongest_held(&self) -> ObservedLock {
        let held = self.held.iter().filter_map(|(oid, mode)| Some((*mode, &self.relations.get(oid)?.name)));
        held.max_by_key(|(mode, _)| *mode).map(|(mode, name)| (mode, name.clone()))
    }

    /// Returns the effects on existing relations since the previous call in this transaction.
    pub(super) async fn effects(&mut self) -> Result<Vec<Effect>> {
        let mut effects = Vec::new();
        for row in self.session.rows(LOCKS).await? {
            let text = |column: usize| row.get(column).unwrap_or_default();
            let oid = text(0).to_owned();
            let Some(mode) = text(3).split(',').filter_map(LockMode::of_catalog).max() else { continue };
            let Some(relation) = self.relations.get_mut(&oid) else { continue };
            let dropped = row.get(1).is_none();
            if !dropped {
                text(1).clone_into(&mut relation.name);
            }
            let rewritten = !dropped && !relation.filenode.is_empty() && relation.filenode != text(2);
            text(2).clone_into(&mut relation.filenode);
            let is_stronger = self.held.insert(oid, mode).is_none_or(|before| before < mode);
            effects.push(Effect {
                relation: relation.name.clone(),
                lock: is_stronger.then_some(mode),
                rewritten,
                dropped,
            });
        }
        Ok(effects)
    }

    async fn run(&mut self, statement: &Statement) -> Result<ObservedLock> {
        let sql = statement.sql.as_str();
        let planned = match &statement.role {
            StatementRole::Step(planned) => planned,
            StatementRole::Begin => {
                self.begin();
                return self.session.run(sql).await.map(|()| None);
            }
            StatementRole::Setting | StatementRole::Commit => {
                return self.session.run(sql).await.map(|()| None);
            }
        };
        match planned.transaction {
            // The locks are released when the statement ends, so that none can be observed.
            Transaction::Outside => self.session.run(sql).await.map(|()| None),
            Transaction::Own => {
                self.begin();
                self.session.run("BEGIN").await?;
                self.session.run(sql).await?;
                let lock = compare(statement, planned, &self.effects().await?)?;
                self.session.run("COMMIT").await?;
                Ok(lock)
            }
            Transaction::Shared | Transaction::CommitAfter => {
                self.session.run(sql).await?;
                compare(statement, planned, &self.effects().await?)
            }
        }
    }
}

/// Compares the effects of a statement with its plan. Returns the strongest lock.
fn compare(statement: &Statement, planned: &Planned, effects: &[Effect]) -> Result<ObservedLock> {
    for Effect { relation, lock, rewritten, dropped: _ } in effects {
        if *rewritten && !planned.rewrites {
            let message = format!("a statement rewrites {relation}, but the plan does not declare a rewrite");
            return Err(unplanned(statement, message));
        }
        let declared = planned.lock.as_ref().map(|(declared, _)| *declared);
        if let (Some(mode), Some(declared)) = (*lock, declared)
            && declared < mode
            && mode >= LockMode::ShareUpdateExclusive
        {
            let message = format!("a statement takes {mode} on {relation}, but the plan declares {declared}");
            return Err(unplanned(statement, message));
        }
    }
    // The lock on a dropped relation follows from the statement.
    let remaining = effects.iter().filter(|effect| !effect.dropped);
    Ok(strongest(remaining).filter(|(mode, _)| *mode >= LockMode::ShareUpdateExclusive))
}

/// Returns the strongest lock, and the first relation that has it.
pub(super) fn strongest<'a>(effects: impl DoubleEndedIterator<Item = &'a Effect>) -> ObservedLock {
    let locks = effects.filter_map(|effect| Some((effect.lock?, &effect.relation)));
    // Of several maxima `max_by_key` returns the last.
    locks.rev().max_by_key(|(mode, _)| *mode).map(|(mode, name)| (mode, name.clone()))
}

fn unplanned(statement: &Statement, message: String) -> Error {
    Diagnostic::new(codes::VERIFY, message)
        .label(statement.sql.to_string())
        .help(format!("the statement was:\n{}", statement.sql))
        .help(BUG)
        .into()
}

/// Relations with storage, and their files.
const RELATIONS: &str = "SELECT oid, oid::pg_catalog.regclass::text, pg_catalog.pg_relation_filenode(oid) \
    FROM pg_catalog.pg_class WHERE relkind IN ('r', 'm', 'p') AND oid >= 16384";

/// The locks of this session on relations with storage. The name is NULL if the relation was dropped.
const LOCKS: &str = "SELECT l.relation, c.oid::pg_catalog.regclass::text, pg_catalog.pg_relation_filenode(c.oid), \
    pg_catalog.string_agg(l.mode, ',') FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation \
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384 \
    AND (c.oid IS NULL OR c.relkind IN ('r', 'm', 'p')) AND l.granted GROUP BY l.relation, c.oid ORDER BY 2";
