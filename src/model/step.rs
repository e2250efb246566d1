//! What a change becomes: statements with what they need, lock and risk.

mod hazard;
mod lock;

pub use hazard::Hazard;
pub use lock::{LockMode, Locked};

use std::fmt;

use super::kind::context::Context;
use super::object::{Object, ObjectId, Pair};
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

/// Makes the statements of a change in place, or returns nothing if the object must be replaced.
pub type Alter = fn(Pair<&Object>, &Context) -> Option<Vec<Step>>;

/// A change in place. Attributes with the same alteration are changed together. Alterations are compared by identity, see
/// [`Step::belongs_to`].
pub struct Alteration {
    /// A name, unique within the kind.
    pub name: &'static str,
    /// Makes the statements.
    pub steps: Alter,
}

impl fmt::Debug for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
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
    /// The alteration of the kind to which it belongs, if it changes an existing object.
    pub alteration: Option<&'static Alteration>,
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

    /// Returns whether the step belongs to the alteration.
    pub fn belongs_to(&self, alteration: &'static Alteration) -> bool {
        self.alteration.is_some_and(|own| std::ptr::eq(own, alteration))
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
