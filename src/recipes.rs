//! Turns what is dangerous when it is done at once into a sequence that a busy database bears.
//!
//! A recipe looks at one step of a plan that is in order already, and gives the steps that stand in its place. The
//! sequences are those of the manual's notes on `ALTER TABLE`, `CREATE INDEX` and section 13.3, tried on every version
//! since 14. What a plan creates itself, and what is known to be empty, takes the plain form.

mod attach;
mod backfill;
mod check;
mod column;
mod cost;
mod detach;
mod foreign_key;
mod index;
mod key;
mod not_null;
mod probe;
mod questions;
mod retype;
mod sequence;
mod sizes;
mod type_change;
mod using;
mod widen;

use std::collections::BTreeSet;

use crate::error::Result;
use crate::kinds::{KindName, Namespace};
use crate::model::{
    Action, Catalog, Directives, Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Step, Transaction,
};
use crate::plan::Plan;

pub(crate) use backfill::copies;
pub use probe::ProbeResults;
pub use questions::{DataViolations, ask};
pub use sizes::{Size, Sizes};

/// How much care a plan takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Each change by one statement, all in one transaction where that can be.
    Direct,
    /// Long work is done under locks that let reading and writing go on.
    #[default]
    Safe,
    /// So too, and what `generate` writes are revisions between which an old and a new program both work.
    Phased,
}

impl Policy {
    /// The names that the configuration and the command line take.
    pub const NAMES: &'static [&'static str] = &["direct", "safe", "phased"];

    /// The policy of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "safe" => Some(Self::Safe),
            "phased" => Some(Self::Phased),
            _ => None,
        }
    }
}

/// What a recipe may know beside the two states.
#[derive(Clone, Copy)]
pub struct PlanFacts<'a> {
    /// How much care is taken.
    pub policy: Policy,
    /// Whether what is quick is done in one transaction, however many tables it waits for.
    pub at_once: bool,
    /// How large the tables are, where somebody looked.
    pub sizes: &'a Sizes,
    /// What the server does with types and defaults, as tried on a table of its own.
    pub probed: &'a ProbeResults,
    /// What the target says beside its state.
    pub directives: &'a Directives,
    /// What is in the way in the rows that are there, where somebody asked.
    pub trips: Option<&'a DataViolations>,
    /// Whether it is the way back.
    pub back: bool,
}

/// A step of a plan, with what surrounds it.
pub struct RecipeContext<'a> {
    /// What the plan drops or changes, what comes back among it.
    pub touched: &'a BTreeSet<ObjectId>,
    /// What of it the plan drops.
    pub dropped: &'a BTreeSet<ObjectId>,
    /// What of it an index beside the old one could not rest on.
    pub volatile_cast: &'a BTreeSet<ObjectId>,
    /// The step.
    pub step: &'a Step,
    /// The states that the plan leads from and to.
    pub sides: Pair<&'a Catalog>,
    /// What else is known.
    pub known: PlanFacts<'a>,
}

impl RecipeContext<'_> {
    /// The object in the state that the plan leads to.
    fn after(&self) -> Option<&Object> {
        self.sides.after.get(&self.step.object)
    }

    /// The object in the state that the plan starts from.
    fn before(&self) -> Option<&Object> {
        self.sides.before.get(&self.step.object)
    }

    /// The table, or what else holds rows, that the object is part of.
    fn table(&self) -> ObjectId {
        relation_of(&self.step.object, self.sides)
    }

    fn is_partitioned(&self) -> bool {
        {
            let table = self.table();
            self.sides.after.is_partitioned(&table)
                || !self.sides.after.contains(&table) && self.sides.before.is_partitioned(&table)
        }
    }

    /// Whether the object goes and comes back in another form.
    fn is_rebuilt(&self) -> bool {
        self.before().is_some() && self.after().is_some()
    }

    /// Whether it does, and what it rests on stays as it is: then the new one can be built beside the old one.
    fn is_replaced(&self) -> bool {
        let untouched = |side: &Catalog, other: &Catalog| {
            let mut seen = BTreeSet::new();
            let mut stack = vec![&self.step.object];
            while let Some(here) = stack.pop() {
                for (needed, _) in side.dependencies_of(here) {
                    if self.volatile_cast.contains(needed) || !other.contains(needed) {
                        return false;
                    }
                    if seen.insert(needed) {
                        stack.push(needed);
                    }
                }
            }
            true
        };
        let Pair { before, after } = self.sides;
        self.is_rebuilt() && untouched(before, after) && untouched(after, before)
    }

    fn version(&self) -> PgVersion {
        self.sides.after.version
    }

    fn helper(&self, word: &str) -> String {
        helper(self.sides, word)
    }
}

/// A name for what is there only while the plan runs: one that nothing has, on either side.
pub(crate) fn helper(sides: Pair<&Catalog>, word: &str) -> String {
    let taken = |name: &str| {
        [sides.before, sides.after]
            .iter()
            .any(|side| side.objects.keys().any(|id| id.path().last().is_some_and(|part| &**part == name)))
    };
    let name = format!("schemadiff_{word}");
    let numbered = (1..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
}

/// A word for a column that no other table's column shares.
pub(crate) fn word(column: &ObjectId, position: i32) -> String {
    let table = &column.path()[1];
    let short = table.chars().filter(char::is_ascii_alphanumeric).take(20);
    let short = short.collect::<String>().to_ascii_lowercase();
    if *short == **table {
        return format!("{short}_{position}");
    }
    let hash =
        table.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{short}_{hash:08x}_{position}")
}

/// Where the steps of a recipe stand to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// What needs the object comes after the last of them.
    #[default]
    Whole,
    /// What needs it can come after the first.
    ReadyAtFirst,
    /// The change is made by the last of them that are in a transaction. What must go before it goes right before
    /// those, and what needs it comes right after.
    AtSwap,
}

/// A way to make one change.
pub struct Recipe {
    /// Its name.
    pub name: &'static str,
    /// What the statement that it replaces would do, as its first step says.
    pub refused: &'static str,
    /// Whether it is also taken where each change is to be one statement, for what the user asks for.
    pub always: bool,
    /// Where the steps stand to what needs the object, and to what the object waits for.
    pub turn: Placement,
    /// The steps, where the recipe is one for this site. None at all where another site's steps do the same.
    pub steps: fn(&RecipeContext) -> Result<Option<Vec<Step>>>,
}

/// The recipes. The first that has steps for a site is taken.
pub static RECIPES: &[&Recipe] = &[
    &index::CREATE,
    &index::DROP,
    &key::RECIPE,
    &check::RECIPE,
    &foreign_key::RECIPE,
    &not_null::RECIPE,
    &column::RECIPE,
    &type_change::RECIPE,
    &widen::RECIPE,
    &attach::RECIPE,
    &detach::RECIPE,
];

/// The plan with every step in its safe form.
///
/// # Errors
/// When a change cannot be made without an answer that only the user has.
pub fn apply(plan: Plan, sides: Pair<&Catalog>, known: PlanFacts) -> Result<Plan> {
    let Plan { steps, waits } = plan;
    let changes = steps.iter().filter(|step| step.action != Action::Attach);
    let touched: BTreeSet<ObjectId> = changes.map(|step| step.object.clone()).collect();
    let drops = steps.iter().filter(|step| step.action == Action::Drop);
    let dropped: BTreeSet<ObjectId> = drops.map(|step| step.object.clone()).collect();
    let turns = steps.iter().filter(|step| step.action != Action::Attach && !leaves_values(step));
    let volatile_cast: BTreeSet<ObjectId> = turns.map(|step| step.object.clone()).collect();
    let mut pieces = Vec::with_capacity(steps.len());
    for planned in steps {
        let mut step = planned.clone();
        let site = RecipeContext {
            touched: &touched,
            dropped: &dropped,
            volatile_cast: &volatile_cast,
            step: &planned,
            sides,
            known,
        };
        let asleep = is_quiet(&site);
        let mut found = None;
        if !asleep && step.lock.is_some() {
            for recipe in RECIPES.iter().filter(|recipe| known.policy != Policy::Direct || recipe.always) {
                if let Some(mut steps) = (recipe.steps)(&site)? {
                    if let Some(first) = steps.first_mut() {
                        first.avoided = Some(recipe.refused);
                    }
                    found = Some((steps, recipe.turn));
                    break;
                }
            }
        }
        let size = known.sizes.whole(&site.table(), sides.before);
        probe::calm(&mut step, sides, known.probed);
        retype::warn(&mut step, sides, known.probed);
        // When it is taken back there may be rows.
        step.quiet = asleep && !known.back;
        if step.quiet {
            step.hazards.retain(|hazard| matches!(hazard, Hazard::DataLoss(_)));
        }
        let safe = found.iter_mut().flat_map(|(steps, _)| steps.iter_mut());
        safe.chain([&mut step]).for_each(|step| cost::tell(step, size));
        if let Some(told) = known.trips.and_then(|trips| trips.get(&step.object)).filter(|_| !asleep) {
            // What is rounded does not fail, and says so already.
            let rounds = step.hazards.iter().any(|hazard| matches!(hazard, Hazard::DataLoss(_)));
            let told = told.as_ref();
            let first = found.iter_mut().find_map(|(steps, _)| steps.first_mut());
            let steps = first.into_iter().chain([&mut step]).filter(|_| !rounds || told.is_none());
            steps.for_each(|step| answer(step, told));
        }
        let direct = using::directly(&site, step);
        pieces.push(sequence::Piece::new(planned, direct, found, !asleep));
    }
    Ok(Plan { steps: sequence::arrange(pieces, &waits, sides, known.at_once), waits: Vec::new() })
}

/// Whether a step changes a table or a column, and leaves its values as they are.
fn leaves_values(step: &Step) -> bool {
    let of_rows = matches!(step.object.kind, KindName::Table | KindName::Column);
    of_rows && step.action == Action::Alter && step.alteration != Some("type")
}

/// Puts what the database said on a step: what it would trip over, or that no value is rounded.
fn answer(step: &mut Step, told: Option<&String>) {
    match told {
        Some(trip) => step.hazards.push(Hazard::Violation(trip.clone())),
        None if step.alteration == Some("type") => {
            step.hazards.retain(|hazard| !matches!(hazard, Hazard::DataLoss(_)));
        }
        None => {}
    }
}

/// Whether nobody can be hurt: the table is known to be empty, and its partitions too; of a type and the like every
/// table that holds it.
fn is_quiet(site: &RecipeContext) -> bool {
    let table = site.table();
    let empty = |table: &ObjectId| site.known.sizes.is_empty(table, site.sides.before);
    if table.relation().is_some() || table.kind.get().namespaces.contains(&Namespace::Relations) {
        return empty(&table);
    }
    site.sides.before.relations_using(&table).iter().all(empty)
}

/// What holds the rows that an object is about, or the object itself.
fn relation_of(id: &ObjectId, sides: Pair<&Catalog>) -> ObjectId {
    let parts_of_relation = id.relation().is_some();
    let parent = sides.after.parent(id).or_else(|| sides.before.parent(id)).filter(|_| parts_of_relation);
    parent.unwrap_or_else(|| id.clone())
}

/// A step that only reads, while reading and writing go on.
fn scan(object: &ObjectId, sql: crate::model::sql::Sql, table: &ObjectId) -> Step {
    let step = Step::alter(object, sql).lock(LockMode::ShareUpdateExclusive, table);
    step.transaction(Transaction::Apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_where_tables_do() {
        let word = |table: &str| word(&ObjectId::new(KindName::Column, &["public", table, "id"]), 2);
        assert_eq!(word("orders"), "orders_2");
        assert_ne!(word("user_data"), word("userdata"));
        assert!(word("ünïcödé and a name that is long enough to be cut off").len() < 40);
    }
}
