//! Watches the statements of a script on the copy: which locks they take, and which tables they write anew.

use std::collections::BTreeMap;

use crate::db::Session;
use crate::error::{Diagnostic, Result, codes};
use crate::model::{LockMode, Transaction};
use crate::scratch::ScratchDatabase;
use crate::script::{Planned, Script, Statement};

/// More statements than this are not watched one by one: such a plan builds a whole schema.
const MOST: usize = 2_000;

/// What is there before statements run, and where it is stored.
pub(super) struct Watch<'a> {
    session: &'a Session,
    /// Each relation with rows, by OID.
    files: BTreeMap<String, Stored>,
    /// The strongest lock seen in this transaction, by OID.
    held: BTreeMap<String, LockMode>,
}

/// A relation as it was last seen.
struct Stored {
    name: String,
    file: String,
}

/// What a statement did with a relation that was there.
pub(super) struct Touch {
    /// The relation.
    pub(super) name: String,
    /// The lock on it, where it is stronger than what its transaction held already.
    pub(super) lock: Option<LockMode>,
    /// Whether it was written anew.
    pub(super) rewritten: bool,
    /// Whether it is there no more.
    pub(super) gone: bool,
}

/// The strongest lock that a statement was seen to take on what was there, and on what.
pub(super) type Seen = Option<(LockMode, String)>;

/// Runs a script, and fails where a statement does more than it was planned to. Tells what was seen of each.
///
/// # Errors
/// When a statement fails, takes a stronger lock on what was there than it says, or writes a table anew and does not
/// say so.
pub(super) async fn run(script: &Script, database: &ScratchDatabase) -> Result<Vec<Seen>> {
    let session = &database.session;
    let mut watch = Watch::start(session).await?;
    if watch.files.is_empty() || script.statements.len() > MOST {
        return crate::sandbox::run_script(script, database).await.map(|()| Vec::new());
    }
    let mut seen = Vec::with_capacity(script.statements.len());
    for statement in &script.statements {
        let result = watch.statement(statement).await;
        if result.is_err() {
            // Whoever looks at the database next finds no broken transaction.
            let _ = session.run("ROLLBACK").await;
        }
        seen.push(result?);
    }
    Ok(seen)
}

impl<'a> Watch<'a> {
    /// Takes down what is there now.
    pub(super) async fn start(session: &'a Session) -> Result<Self> {
        let rows = session.rows(FILES).await?;
        let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
        let stored = |name, file| Stored { name: text(name), file: text(file) };
        let files = rows.iter().map(|row| (text(row.get(0)), stored(row.get(1), row.get(2)))).collect();
        Ok(Self { session, files, held: BTreeMap::new() })
    }

    /// Another transaction begins, which holds nothing yet.
    pub(super) fn begin(&mut self) {
        self.held.clear();
    }

    /// The strongest lock that the transaction holds on what was there, and on what.
    pub(super) fn strongest_held(&self) -> Seen {
        let held = self.held.iter().filter_map(|(oid, mode)| Some((*mode, &self.files.get(oid)?.name)));
        held.max_by_key(|(mode, _)| *mode).map(|(mode, name)| (mode, name.clone()))
    }

    /// What was done with what was there, since this was last called in this transaction.
    pub(super) async fn look(&mut self) -> Result<Vec<Touch>> {
        let mut touches = Vec::new();
        for row in self.session.rows(LOCKS).await? {
            let text = |column: usize| row.get(column).unwrap_or_default();
            let oid = text(0).to_owned();
            let Some(mode) = text(3).split(',').filter_map(LockMode::of_catalog).max() else { continue };
            let Some(stored) = self.files.get_mut(&oid) else { continue };
            let gone = row.get(1).is_none();
            if !gone {
                text(1).clone_into(&mut stored.name);
            }
            let rewritten = !gone && !stored.file.is_empty() && stored.file != text(2);
            text(2).clone_into(&mut stored.file);
            let is_new = self.held.insert(oid, mode).is_none_or(|before| before < mode);
            touches.push(Touch { name: stored.name.clone(), lock: is_new.then_some(mode), rewritten, gone });
        }
        Ok(touches)
    }

    async fn statement(&mut self, statement: &Statement) -> Result<Seen> {
        let sql = statement.sql.as_str();
        let Some(planned) = &statement.planned else {
            if sql == "BEGIN" {
                self.begin();
            }
            return self.session.run(sql).await.map(|()| None);
        };
        match planned.transaction {
            // Nothing is held afterwards that could be looked at.
            Transaction::Outside => self.session.run(sql).await.map(|()| None),
            Transaction::Apart => {
                self.begin();
                self.session.run("BEGIN").await?;
                self.session.run(sql).await?;
                let seen = compare(statement, planned, &self.look().await?)?;
                self.session.run("COMMIT").await?;
                Ok(seen)
            }
            Transaction::Shared | Transaction::CommitAfter => {
                self.session.run(sql).await?;
                compare(statement, planned, &self.look().await?)
            }
        }
    }
}

/// Compares what the statement did with what it was planned to do.
fn compare(statement: &Statement, planned: &Planned, touches: &[Touch]) -> Result<Seen> {
    for Touch { name, lock, rewritten, gone: _ } in touches {
        if *rewritten && !planned.rewrites {
            return Err(surprise(statement, &format!("writes {name} anew, and does not say so")));
        }
        let told = planned.lock.as_ref().map(|(told, _)| *told);
        if let (Some(mode), Some(told)) = (*lock, told)
            && told < mode
            && mode >= LockMode::ShareUpdateExclusive
        {
            let what = format!("takes {mode} on {name}, and says that it takes {told}");
            return Err(surprise(statement, &what));
        }
    }
    // That what goes is locked goes without saying.
    let stays = touches.iter().filter(|touch| !touch.gone);
    Ok(strongest(stays).filter(|(mode, _)| *mode >= LockMode::ShareUpdateExclusive))
}

/// The strongest lock, and the first relation on which it is.
pub(super) fn strongest<'a>(touches: impl DoubleEndedIterator<Item = &'a Touch>) -> Seen {
    let locks = touches.filter_map(|touch| Some((touch.lock?, &touch.name)));
    // Of equals `max_by_key` takes the last.
    locks.rev().max_by_key(|(mode, _)| *mode).map(|(mode, name)| (mode, name.clone()))
}

/// Relations with rows, and their files.
const FILES: &str = "SELECT oid, oid::pg_catalog.regclass::text, pg_catalog.pg_relation_filenode(oid) \
    FROM pg_catalog.pg_class WHERE relkind IN ('r', 'm', 'p') AND oid >= 16384";

/// The locks of this session on relations with rows; no name where the relation is gone.
const LOCKS: &str = "SELECT l.relation, c.oid::pg_catalog.regclass::text, pg_catalog.pg_relation_filenode(c.oid), \
    pg_catalog.string_agg(l.mode, ',') FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation \
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384 \
    AND (c.oid IS NULL OR c.relkind IN ('r', 'm', 'p')) AND l.granted GROUP BY l.relation, c.oid ORDER BY 2";

fn surprise(statement: &Statement, what: &str) -> crate::error::Error {
    Diagnostic::new(codes::VERIFY, format!("a statement {what}"))
        .label(statement.sql.to_string())
        .help(format!(
            "this is a fault of the plan, and nothing was written; the statement was:\n{}",
            statement.sql
        ))
        .into()
}
