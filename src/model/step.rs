//! What a change becomes: statements with what they need, lock and risk.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::object::ObjectId;
use super::sql::Sql;

/// What a step does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Takes it away.
    Drop,
    /// Makes it let go of what it is made of, before it goes.
    Release,
    /// Brings its name alone, for what it is made of (`CREATE TYPE name`).
    Declare,
    /// Brings it.
    Create,
    /// Changes what it is.
    Alter,
    /// Changes what hangs off it: owner, privileges, comment, marks.
    Attach,
    /// Fills it, after everything else.
    Populate,
}

/// When a step may come, while an old and a new program work on the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It only adds: the old program does not see it.
    Expand,
    /// It gives values to rows that are there.
    Backfill,
    /// It takes away or forbids: the old program has to be gone.
    Contract,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Contract => "contract",
        })
    }
}

/// Table-level locks, weakest first (manual, section 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LockMode {
    /// `ACCESS SHARE`, what reading takes.
    AccessShare,
    /// `ROW SHARE`.
    RowShare,
    /// `ROW EXCLUSIVE`, what writing takes.
    RowExclusive,
    /// `SHARE UPDATE EXCLUSIVE`.
    ShareUpdateExclusive,
    /// `SHARE`; writers wait.
    Share,
    /// `SHARE ROW EXCLUSIVE`; writers wait.
    ShareRowExclusive,
    /// `EXCLUSIVE`; writers and row lockers wait.
    Exclusive,
    /// `ACCESS EXCLUSIVE`; everybody waits.
    AccessExclusive,
}

impl LockMode {
    /// All of them, weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// The mode of a row of `pg_locks`.
    pub fn of_catalog(mode: &str) -> Option<Self> {
        Some(match mode {
            "AccessShareLock" => Self::AccessShare,
            "RowShareLock" => Self::RowShare,
            "RowExclusiveLock" => Self::RowExclusive,
            "ShareUpdateExclusiveLock" => Self::ShareUpdateExclusive,
            "ShareLock" => Self::Share,
            "ShareRowExclusiveLock" => Self::ShareRowExclusive,
            "ExclusiveLock" => Self::Exclusive,
            "AccessExclusiveLock" => Self::AccessExclusive,
            _ => return None,
        })
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// The name of a relation that is locked, as SQL writes it.
pub struct Locked(String);

impl From<&ObjectId> for Locked {
    /// The relation itself, or the one that the object is part of.
    fn from(id: &ObjectId) -> Self {
        Self(if id.relation().is_some() {
            id.on_text()
        } else {
            crate::sql!("{}", id.qualified()).to_string()
        })
    }
}

impl From<ObjectId> for Locked {
    fn from(id: ObjectId) -> Self {
        Self::from(&id)
    }
}

impl From<String> for Locked {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&str> for Locked {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// What may hurt. A closed set; the codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Rows or values go that cannot come back.
    DataLoss(String),
    /// The table is written anew while nobody can use it.
    Rewrite(String),
    /// The whole table is read while others wait.
    Scan(String),
    /// Rows that are there do not bear it, so that it fails.
    Violation(String),
    /// A running application that uses the old name fails.
    BreaksClients(String),
}

impl Hazard {
    /// The code of each, and what it means.
    pub const MEANINGS: &[(&str, &str)] = &[
        (
            "DataLoss",
            "Rows or values go that the rollback cannot bring back. Keep the object in the target, or take a backup \
             and allow it with `--allow DataLoss`.",
        ),
        (
            "Rewrite",
            "The table is written anew while nobody can use it, which takes as long as the table is large. Run it \
             when that can be borne.",
        ),
        (
            "Scan",
            "The whole table is read while others wait, which takes as long as the table is large. Run it when that \
             can be borne.",
        ),
        (
            "Violation",
            "Rows that are there do not bear the change, so that it fails while it runs: NULL where a value is \
             required, doubles under a key, rows that a constraint refuses or that refer to none. Mend the rows first, \
             or say with `backfill` what they are to hold.",
        ),
        (
            "BreaksClients",
            "A running application that uses the old name fails from then on. Release it together with the migration, \
             or keep the old name for a while.",
        ),
    ];

    /// The code that `--allow` takes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DataLoss(_) => "DataLoss",
            Self::Rewrite(_) => "Rewrite",
            Self::Scan(_) => "Scan",
            Self::Violation(_) => "Violation",
            Self::BreaksClients(_) => "BreaksClients",
        }
    }

    /// What exactly.
    pub fn detail(&self) -> &str {
        match self {
            Self::DataLoss(text)
            | Self::Rewrite(text)
            | Self::Scan(text)
            | Self::Violation(text)
            | Self::BreaksClients(text) => text,
        }
    }
}

/// How a step stands to transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// Among others in one.
    #[default]
    Shared,
    /// What it brings can be used only after a commit (`ALTER TYPE … ADD VALUE`).
    CommitAfter,
    /// By itself, so that what it locks is held no longer than it runs.
    Apart,
    /// In no transaction block at all.
    Outside,
}

impl Transaction {
    /// Whether it stands between transactions of several statements.
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Apart | Self::Outside)
    }
}

/// A way to say a step inside the statement that creates something else.
#[derive(Clone, Debug)]
pub struct Fold {
    /// Whose creating statement can say it.
    pub into: ObjectId,
    /// How it is said there.
    pub clause: Clause,
}

/// The place in another statement where a folded step stands.
#[derive(Clone, Debug)]
pub enum Clause {
    /// An entry in the list between the statement's parentheses.
    Entry(Sql),
    /// Words after the object's own definition.
    Suffix(Sql),
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is about.
    pub object: ObjectId,
    /// What it does to it.
    pub action: Action,
    /// The statement, or its head where it has entries; without the semicolon.
    pub sql: Sql,
    /// What stands between parentheses, for a statement that creates a list of things.
    pub entries: Option<Vec<Sql>>,
    /// What stands after the parentheses.
    pub tail: Sql,
    /// How it can be said inside another statement.
    pub fold: Option<Fold>,
    /// Objects of the state it leads to that must be there first, beside those that the catalog knows of.
    pub requires: Vec<ObjectId>,
    /// Objects whose creation, or going, waits for this step.
    pub precedes: Vec<ObjectId>,
    /// The strongest lock it takes on a table that is there already.
    pub lock: Option<(LockMode, String)>,
    /// What may hurt.
    pub hazards: Vec<Hazard>,
    /// How it stands to transactions.
    pub transaction: Transaction,
    /// The alteration of the kind that it is of, where it changes what is there.
    pub alteration: Option<&'static str>,
    /// What it is for, where the statement alone does not tell.
    pub reason: Option<String>,
    /// What would have been done without a recipe, and what that does.
    pub avoided: Option<&'static str>,
    /// When it may come, where its action alone does not tell.
    pub phase: Option<Phase>,
    /// What it may take, where it works through a table: rows, bytes, time.
    pub cost: Option<String>,
    /// Whether the table is known to have no row, so that nothing takes long.
    pub quiet: bool,
}

impl Step {
    fn new(object: &ObjectId, action: Action, sql: Sql) -> Self {
        Self {
            object: object.clone(),
            action,
            sql,
            entries: None,
            tail: Sql::default(),
            fold: None,
            requires: Vec::new(),
            precedes: Vec::new(),
            lock: None,
            hazards: Vec::new(),
            transaction: Transaction::Shared,
            alteration: None,
            reason: None,
            avoided: None,
            phase: None,
            cost: None,
            quiet: false,
        }
    }

    /// A step that brings the object.
    pub fn create(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Create, sql)
    }

    /// A step that brings the object's name alone.
    pub fn declare(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Declare, sql)
    }

    /// A step that takes the object away.
    pub fn drop(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Drop, sql)
    }

    /// A step that makes the object let go of what it is made of.
    pub fn release(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Release, sql)
    }

    /// A step that changes what the object is.
    pub fn alter(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Alter, sql)
    }

    /// A step that changes what hangs off the object.
    pub fn attach(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Attach, sql)
    }

    /// A step that fills the object when everything else is there.
    pub fn populate(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Populate, sql)
    }

    /// The same with a list between parentheses, to which folded steps add.
    #[must_use]
    pub fn entries(mut self, tail: Sql) -> Self {
        self.entries = Some(Vec::new());
        self.tail = tail;
        self
    }

    /// The same, which can also stand inside the creation of `into`.
    #[must_use]
    pub fn folds(mut self, into: ObjectId, clause: Clause) -> Self {
        self.fold = Some(Fold { into, clause });
        self
    }

    /// The same, after something of the state it leads to.
    #[must_use]
    pub fn requires(mut self, object: ObjectId) -> Self {
        self.requires.push(object);
        self
    }

    /// The same, before something comes or goes.
    #[must_use]
    pub fn precedes(mut self, object: ObjectId) -> Self {
        self.precedes.push(object);
        self
    }

    /// The same with the lock that it takes on a table.
    #[must_use]
    pub fn lock(mut self, mode: LockMode, relation: impl Into<Locked>) -> Self {
        self.lock = Some((mode, relation.into().0));
        self
    }

    /// The same with something that may hurt.
    #[must_use]
    pub fn hazard(mut self, hazard: Hazard) -> Self {
        self.hazards.push(hazard);
        self
    }

    /// The same with its place outside or at the end of a transaction.
    #[must_use]
    pub fn transaction(mut self, transaction: Transaction) -> Self {
        self.transaction = transaction;
        self
    }

    /// The same with what it is for.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The same with the phase in which it may come.
    #[must_use]
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Whether it gives rows that are there a value in a column.
    pub fn fills(&self) -> bool {
        self.action == Action::Populate && self.transaction == Transaction::Outside
    }

    /// The whole statement.
    pub fn statement(&self) -> Sql {
        let mut sql = self.sql.clone();
        if let Some(entries) = &self.entries {
            if entries.is_empty() {
                sql.push(&Sql::trusted("()"));
            } else {
                sql.push(&Sql::trusted(format!("(\n    {}\n)", Sql::join(entries, ",\n    "))));
            }
        }
        sql.push(&self.tail);
        sql
    }
}
