//! Steps: the statements of a plan, with their locks, hazards and dependencies.

mod hazard;
mod lock;

pub use hazard::Hazard;
pub use lock::{LockMode, LockedRelation};

use std::fmt;

use super::kind::context::Context;
use super::object::{Object, ObjectId, Pair};
use super::sql::Sql;

/// What a step does with its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Drops it.
    Drop,
    /// Removes its references to other objects, before they or the object itself are dropped.
    Release,
    /// Creates its name only (`CREATE TYPE name`), for the objects that it is made of.
    Declare,
    /// Creates it.
    Create,
    /// Alters its definition.
    Alter,
    /// Changes what is attached to it: owner, privileges, comment, storage settings.
    Attach,
    /// Fills it with data, after everything else.
    Populate,
}

/// When a step may run while old and new versions of an application use the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// At any time: it only adds, and the old version does not notice.
    Expand,
    /// At any time: it fills existing rows.
    Backfill,
    /// After the old version is gone: it drops something or adds a constraint.
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

/// The transaction in which a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// One that it shares with other steps.
    #[default]
    Shared,
    /// One that is committed after it, because later steps can use its result only then (`ALTER TYPE … ADD VALUE`).
    CommitAfter,
    /// One of its own, so that its locks are held no longer than it runs.
    Own,
    /// None: it cannot run inside a transaction block.
    Outside,
}

impl Transaction {
    /// Whether the step shares no transaction with other steps.
    pub fn runs_alone(self) -> bool {
        matches!(self, Self::Own | Self::Outside)
    }
}

/// How a step can be a part of the statement that creates another object.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The other object.
    pub into: ObjectId,
    /// The part of the statement.
    pub clause: Clause,
}

/// The part of a `CREATE` statement that replaces a step.
#[derive(Clone, Debug)]
pub enum Clause {
    /// An entry in the list between the statement's parentheses.
    Entry(Sql),
    /// A clause after the definition of the object itself.
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

/// One statement of a plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The object that it changes.
    pub object: ObjectId,
    /// What it does with the object.
    pub action: Action,
    /// The statement without its semicolon; if it has entries, the part before them.
    pub sql: Sql,
    /// The list between parentheses, if the statement has one.
    pub entries: Option<Vec<Sql>>,
    /// The part after the list.
    pub tail: Sql,
    /// How it can be a part of another statement.
    pub fold: Option<Fold>,
    /// Objects that must be created first, in addition to those that the catalog's dependencies name.
    pub requires: Vec<ObjectId>,
    /// Objects that must be created or dropped after this step.
    pub precedes: Vec<ObjectId>,
    /// The strongest lock that it takes on an existing relation.
    pub lock: Option<(LockMode, String)>,
    /// Its hazards.
    pub hazards: Vec<Hazard>,
    /// The transaction in which it runs.
    pub transaction: Transaction,
    /// The alteration of the object's kind that it belongs to, if it changes an existing object.
    pub alteration: Option<&'static Alteration>,
    /// What it is for, if the statement does not show it.
    pub reason: Option<String>,
    /// The direct statement that a recipe avoids, and its risk.
    pub avoided: Option<&'static str>,
    /// When it may run, if its action does not say so.
    pub phase: Option<Phase>,
    /// An estimate of what it takes, if it works through a table: rows, bytes, time.
    pub cost: Option<String>,
    /// Whether the table is known to have no row, so that the step takes no time.
    pub on_empty_table: bool,
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
            on_empty_table: false,
        }
    }

    /// Returns a step that creates the object.
    pub fn create(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Create, sql)
    }

    /// Returns a step that creates only the object's name.
    pub fn declare(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Declare, sql)
    }

    /// Returns a step that drops the object.
    pub fn drop(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Drop, sql)
    }

    /// Returns a step that removes the object's references to other objects.
    pub fn release(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Release, sql)
    }

    /// Returns a step that alters the object's definition.
    pub fn alter(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Alter, sql)
    }

    /// Returns a step that changes what is attached to the object.
    pub fn attach(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Attach, sql)
    }

    /// Returns a step that fills the object after everything else.
    pub fn populate(object: &ObjectId, sql: Sql) -> Self {
        Self::new(object, Action::Populate, sql)
    }

    /// Adds a list between parentheses, for the entries of folded steps.
    #[must_use]
    pub fn entries(mut self, tail: Sql) -> Self {
        self.entries = Some(Vec::new());
        self.tail = tail;
        self
    }

    /// Allows the step to be a part of the statement that creates `into`.
    #[must_use]
    pub fn folds(mut self, into: ObjectId, clause: Clause) -> Self {
        self.fold = Some(Fold { into, clause });
        self
    }

    /// Adds an object that must be created first.
    #[must_use]
    pub fn requires(mut self, object: ObjectId) -> Self {
        self.requires.push(object);
        self
    }

    /// Adds an object that must be created or dropped after this step.
    #[must_use]
    pub fn precedes(mut self, object: ObjectId) -> Self {
        self.precedes.push(object);
        self
    }

    /// Sets the lock that it takes on a relation.
    #[must_use]
    pub fn lock(mut self, mode: LockMode, relation: impl Into<LockedRelation>) -> Self {
        self.lock = Some((mode, relation.into().0));
        self
    }

    /// Adds a hazard.
    #[must_use]
    pub fn hazard(mut self, hazard: Hazard) -> Self {
        self.hazards.push(hazard);
        self
    }

    /// Sets the transaction in which it runs.
    #[must_use]
    pub fn transaction(mut self, transaction: Transaction) -> Self {
        self.transaction = transaction;
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets the phase.
    #[must_use]
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Returns whether the step belongs to the alteration.
    pub fn belongs_to(&self, alteration: &'static Alteration) -> bool {
        self.alteration.is_some_and(|own| std::ptr::eq(own, alteration))
    }

    /// Whether it is a backfill of existing rows.
    pub fn fills(&self) -> bool {
        self.action == Action::Populate && self.transaction == Transaction::Outside
    }

    /// Returns the complete statement, without its semicolon.
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
