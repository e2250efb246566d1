//! Watches the statements of a script on the copy: which locks they take, and which tables they write anew.

use std::collections::BTreeMap;

use crate::db::Session;
use crate::error::{Diagnostic, Result, codes};
use crate::model::{LockMode, Transaction};
use crate::scratch::ScratchDatabase;
use crate::script::{Planned, Script, Statement};

/// More statements than this are not watched one by one: such a plan builds a whole schema.
const MOST: usize = 2_000;

/// What is there before a script runs, and where it is stored.
struct Watch<'a> {
    session: &'a Session,
    /// The file of each relation with rows, by OID.
    files: BTreeMap<String, String>,
    /// The strongest lock seen in this transaction, by OID.
    held: BTreeMap<String, LockMode>,
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
    let rows = session
        .rows(
            "SELECT oid, pg_catalog.pg_relation_filenode(oid) FROM pg_catalog.pg_class \
             WHERE relkind IN ('r', 'm', 'p') AND oid >= 16384",
        )
        .await?;
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    let files: BTreeMap<String, String> =
        rows.iter().map(|row| (text(row.get(0)), text(row.get(1)))).collect();
    if files.is_empty() || script.statements.len() > MOST {
        return crate::source::bench::run(script, database).await.map(|()| Vec::new());
    }
    let mut watch = Watch { session, files, held: BTreeMap::new() };
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

impl Watch<'_> {
    async fn statement(&mut self, statement: &Statement) -> Result<Seen> {
        let sql = statement.sql.as_str();
        let Some(planned) = &statement.planned else {
            if sql == "BEGIN" {
                self.held.clear();
            }
            return self.session.run(sql).await.map(|()| None);
        };
        match planned.transaction {
            // Nothing is held afterwards that could be looked at.
            Transaction::Outside => self.session.run(sql).await.map(|()| None),
            Transaction::Apart => {
                self.held.clear();
                self.session.run("BEGIN").await?;
                self.session.run(sql).await?;
                let seen = self.look(statement, planned).await?;
                self.session.run("COMMIT").await?;
                Ok(seen)
            }
            Transaction::Shared | Transaction::CommitAfter => {
                self.session.run(sql).await?;
                self.look(statement, planned).await
            }
        }
    }

    /// Compares what the statement did with what it was planned to do.
    async fn look(&mut self, statement: &Statement, planned: &Planned) -> Result<Seen> {
        let mut seen: Seen = None;
        for row in self.session.rows(LOCKS).await? {
            let text = |column: usize| row.get(column).unwrap_or_default();
            let (oid, name, file) = (text(0).to_owned(), text(1), text(2));
            let Some(mode) = text(3).split(',').filter_map(LockMode::of_catalog).max() else { continue };
            let Some(was) = self.files.get(&oid) else { continue };
            if was != file {
                if !planned.rewrites && !was.is_empty() {
                    return Err(surprise(statement, &format!("writes {name} anew, and does not say so")));
                }
                self.files.insert(oid.clone(), file.to_owned());
            }
            let is_new = self.held.insert(oid, mode).is_none_or(|before| before < mode);
            if !is_new || mode < LockMode::ShareUpdateExclusive {
                continue;
            }
            if let Some((told, _)) = planned.lock.as_ref().filter(|(told, _)| *told < mode) {
                let what = format!("takes {mode} on {name}, and says that it takes {told}");
                return Err(surprise(statement, &what));
            }
            if seen.as_ref().is_none_or(|(strongest, _)| *strongest < mode) {
                seen = Some((mode, name.to_owned()));
            }
        }
        Ok(seen)
    }
}

/// The locks of this session on relations with rows.
const LOCKS: &str = "SELECT c.oid, c.oid::pg_catalog.regclass::text, pg_catalog.pg_relation_filenode(c.oid), \
    pg_catalog.string_agg(l.mode, ',') FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND c.oid >= 16384 \
    AND c.relkind IN ('r', 'm', 'p') AND l.granted GROUP BY c.oid ORDER BY 2";

fn surprise(statement: &Statement, what: &str) -> crate::error::Error {
    Diagnostic::new(codes::VERIFY, format!("a statement {what}"))
        .label(statement.sql.to_string())
        .help(format!(
            "this is a fault of the plan, and nothing was written; the statement was:\n{}",
            statement.sql
        ))
        .into()
}
