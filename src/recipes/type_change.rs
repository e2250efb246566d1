//! A type that would write the table anew is given to a second column beside the first, which then takes its place.

mod identity;
mod parts;
mod plain;

use std::collections::BTreeSet;

use identity::move_identity;
use parts::{Part, parts};
use plain::{is_plain_column, is_plain_table};

use super::backfill::{self, Fill};
use super::check::{constraint, validate};
use super::{Placement, Recipe, RecipeContext, Size, not_null, retype, scan, using, word};
use crate::kinds::common::{self, attach_all, deferrability};
use crate::kinds::{Context, KindName, column, index};
use crate::model::sql::{DollarQuoted, Expression, Ident, QualifiedName, Sql};
use crate::model::{Action, Hazard, LockMode, Object, PgVersion, Phase, Step, Transaction, Value};
use crate::sql;

/// A second column that a trigger keeps equal, filled in batches, with the indexes of the first; then one short
/// transaction in which it takes the name.
pub(super) static RECIPE: Recipe = Recipe {
    name: "type changed beside",
    refused: "ALTER COLUMN TYPE writes the whole table anew while nobody can use it",
    always: false,
    turn: Placement::AtSwap,
    steps: |site| Ok(Shadow::of(site).and_then(|shadow| shadow.steps())),
};

/// The second column.
struct Shadow<'a> {
    site: &'a RecipeContext<'a>,
    before: &'a Object,
    after: &'a Object,
    /// The second column as it is until the swap.
    column: Object,
    parts: Vec<Part<'a>>,
    /// Other tables that the swap locks.
    partners: BTreeSet<String>,
    function: String,
    trigger: String,
    value: Sql,
}

impl<'a> Shadow<'a> {
    /// The second column, where all that hangs on the first can be taken over.
    fn of(site: &'a RecipeContext<'a>) -> Option<Self> {
        let id = &site.step.object;
        let probed = site.known.probed;
        if !using::changes_type(site.step) || !probed.rewrites(id) && !probed.reindexes(id) {
            return None;
        }
        // Others who write would compute other values than the backfill does.
        if probed.has_volatile_cast(id) && using::wanted(site.step, &site.known).is_none() {
            return None;
        }
        // What is written anew in no time keeps its place among the columns.
        if site.known.sizes.whole(&site.table(), site.sides.before).is_some_and(Size::is_small) {
            return None;
        }
        let (before, after) = (site.before()?, site.after()?);
        if !is_plain_table(site) || !is_plain_column(before, after, site) {
            return None;
        }
        let parts = parts(site)?;
        let partner = |part: &Part| match part {
            Part::Constraint(key) if key.id.kind == KindName::ForeignKey => {
                Some(key.text("references").to_owned())
            }
            Part::Reference(key) => Some(sql!("{}", key.id.on()).to_string()),
            _ => None,
        };
        let own = sql!("{}", id.on()).to_string();
        let partners = parts.iter().filter_map(partner).filter(|name| *name != own).collect();
        let word = word(id, before.position);
        let trigger = format!("zz_schemadiff_type_{}", before.position);
        let mut column = Object::new(id.renamed(&retype::second(id, site.sides)?));
        column.position = before.position;
        for name in ["type", "collation"] {
            if let Some(value) = after.get(name) {
                column.set(if name == "type" { "type" } else { "collation" }, value.clone());
            }
        }
        if site.version() >= PgVersion::V18 {
            let name = format!("schemadiff_not_null_{}", before.position);
            column.set("not_null_name", Value::Text(name));
        }
        let function = site.helper(&format!("type_{word}"));
        let value = using::value(site)?;
        Some(Self { site, before, after, column, parts, partners, function, trigger, value })
    }

    fn steps(&self) -> Option<Vec<Step>> {
        let mut steps = self.come()?;
        let name = sql!("{}", Ident(self.column.id.name()));
        let fill = Fill {
            column: &self.column,
            about: &self.site.step.object,
            value: self.value.to_string(),
            // The trigger has seen to every row that was written since, so that one look at each row is enough.
            needs: format!("{name} IS NULL AND ({}) IS NOT NULL", self.value),
            batch: None,
        };
        // The column is no more than a part of the one change, which is done when it has taken its place.
        let fills = backfill::steps(self.site, &fill).into_iter();
        steps.extend(fills.map(|step| Step { action: Action::Alter, ..step }));
        if self.before.flag("not_null") {
            steps.extend(not_null::alone(self.site, &self.column));
        }
        steps.extend(self.parts.iter().filter_map(|part| self.build(part)));
        let analyze = sql!("ANALYZE {} ({})", self.column.id.on(), name);
        let reason = "the planner knows the new column from the first moment on";
        steps.push(scan(&self.column.id, analyze, &self.site.table()).reason(reason));
        steps.extend(self.swap());
        steps.extend(self.parts.iter().filter_map(|part| validated(part)));
        for step in &mut steps {
            step.object = self.site.step.object.clone();
            step.phase = Some(Phase::Contract);
        }
        Some(steps)
    }

    fn alter(&self, what: &Sql) -> Step {
        let id = &self.site.step.object;
        Step::alter(id, sql!("ALTER TABLE {} {}", id.on(), what))
            .lock(LockMode::AccessExclusive, self.site.table())
    }

    fn function(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.site.step.object.path()[0], name: &self.function }
    }

    /// The column with NULL, and what gives rows that are written from here on their value.
    fn come(&self) -> Option<Vec<Step>> {
        let id = &self.site.step.object;
        let mut bare = self.column.clone();
        bare.unset("not_null_name");
        let add = self.alter(&sql!("ADD COLUMN {}", column::definition(&bare)));
        let body = using::body(self.site, self.column.id.name())?;
        let path = if using::wanted(self.site.step, &self.site.known).is_some() { "public" } else { "''" };
        let create = sql!(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SET search_path = {} AS {}",
            self.function(),
            Sql::trusted(path),
            DollarQuoted(&body),
        );
        let trigger = sql!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            Ident(&self.trigger),
            id.on(),
            self.function(),
        );
        let share =
            |step: Step| Step { lock: None, ..step }.lock(LockMode::ShareRowExclusive, self.site.table());
        // Rows that a subscription writes are rows, too.
        let always = share(self.alter(&sql!("ENABLE ALWAYS TRIGGER {}", Ident(&self.trigger))));
        let mut trigger = share(Step::alter(id, trigger));
        if using::goes_through_text(self.site) {
            trigger.hazards.extend(self.site.after().map(using::doubt));
        }
        Some(vec![
            add.reason("a second column of the new type, which takes the place of the first in the end"),
            Step::alter(id, create).reason("gives rows that are written from here on their new value"),
            trigger,
            always,
        ])
    }

    /// The name of an index until the swap.
    fn index_name(&self, of: &Object) -> String {
        let place = self.parts.iter().position(|part| match part {
            Part::Index(object) | Part::Key(object, _) => object.id == of.id,
            Part::Constraint(_) | Part::Reference(_) | Part::Sequence(_) => false,
        });
        let word = word(&self.site.step.object, self.before.position);
        self.site.helper(&format!("type_{word}_{}", place.unwrap_or_default() + 1))
    }

    fn build(&self, part: &Part) -> Option<Step> {
        let site = self.site;
        let (object, mut own, how) = match part {
            Part::Index(object) => {
                let beside = site.known.probed.beside(&site.step.object, &object.id)?;
                (*object, beside.clone(), index::How::Concurrently)
            }
            Part::Key(object, _) => (*object, self.key_beside(object), index::How::UnderConstraint),
            Part::Constraint(_) | Part::Reference(_) | Part::Sequence(_) => return None,
        };
        own.id = object.id.renamed(&self.index_name(object));
        let step = Step::create(&object.id, index::statement(&own, how));
        let step =
            step.lock(LockMode::ShareUpdateExclusive, self.site.table()).transaction(Transaction::Outside);
        Some(step.reason(format!("takes the place of {} in the end", object.id)))
    }

    /// The key over the second column.
    fn key_beside(&self, key: &Object) -> Object {
        let (old, new) = (self.site.step.object.name(), self.column.id.name());
        let mut own = key.clone();
        for name in ["columns", "include"] {
            let other = |column: &String| if column == old { new.to_owned() } else { column.clone() };
            own.set(name, Value::List(key.list(name).iter().map(other).collect()));
        }
        own
    }

    /// The one short transaction.
    fn swap(&self) -> Vec<Step> {
        let id = &self.site.step.object;
        let (own, new) = (Ident(id.name()), Ident(self.column.id.name()));
        let tables: Vec<Sql> =
            std::iter::once(sql!("{}", id.on())).chain(self.partners.iter().map(Sql::trusted)).collect();
        let lock = sql!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", Sql::join(&tables, ", "));
        let lock = Step::alter(id, lock).lock(LockMode::AccessExclusive, self.site.table());
        let mut drop = self.alter(&sql!("DROP COLUMN {}", own)).reason("its values are in the other column");
        let lossy = |hazard: &&Hazard| matches!(hazard, Hazard::DataLoss(_));
        drop.hazards.extend(self.site.step.hazards.iter().filter(lossy).cloned());
        let mut steps = vec![
            lock.reason("what follows reads no row; the column becomes the last of its table"),
            Step::alter(id, sql!("DROP TRIGGER {} ON {}", Ident(&self.trigger), id.on()))
                .lock(LockMode::AccessExclusive, self.site.table()),
            Step::alter(id, sql!("DROP FUNCTION {}()", self.function())),
        ];
        for part in &self.parts {
            match part {
                Part::Sequence(sequence) => {
                    let sql = sql!("ALTER SEQUENCE {} OWNED BY NONE", sequence.id.qualified());
                    steps.push(Step::alter(id, sql));
                }
                Part::Reference(key) => {
                    let what = sql!("DROP CONSTRAINT {}", Ident(key.id.name()));
                    let step = Step::alter(id, sql!("ALTER TABLE {} {}", key.id.on(), what));
                    steps.push(step.lock(LockMode::AccessExclusive, common::table_of(&key.id)));
                }
                Part::Index(_) | Part::Key(..) | Part::Constraint(_) => {}
            }
        }
        let rename = self.alter(&sql!("RENAME COLUMN {} TO {}", new, own));
        if self.before.text("identity").is_empty() {
            steps.extend([drop, rename]);
        } else {
            let moved = move_identity(self.after, &[drop.statement(), rename.statement()]);
            let sql = sql!("DO {}", DollarQuoted(&moved));
            let reason = "its values are in the other column, and the sequence goes on where it stands";
            steps.push(Step { sql, ..drop }.reason(reason));
        }
        if self.before.flag("not_null") && self.site.version() >= PgVersion::V18 {
            let (was, is) = (column::not_null_name(&self.column), column::not_null_name(self.after));
            steps.push(self.alter(&sql!("RENAME CONSTRAINT {} TO {}", Ident(&was), Ident(&is))));
        }
        let none = BTreeSet::new();
        let context = Context { sides: self.site.sides, created: &none, dropped: &none };
        // What refers to a key comes after it.
        let (late, soon): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|part| matches!(part, Part::Reference(_)));
        for part in soon.into_iter().chain(late) {
            steps.extend(self.put_back(part));
            steps.extend(match part {
                Part::Index(object)
                | Part::Key(object, _)
                | Part::Constraint(object)
                | Part::Reference(object) => attach_all(object, &context),
                Part::Sequence(_) => Vec::new(),
            });
        }
        // How it is stored is said after every change of a type.
        let mut after = self.after.clone();
        after.unset("storage");
        after.unset("compression");
        steps.extend(attach_all(&after, &context));
        steps
    }

    fn put_back(&self, part: &Part) -> Option<Step> {
        let id = &self.site.step.object;
        Some(match part {
            Part::Index(object) => {
                let helper = self.index_name(object);
                let index = QualifiedName { schema: &id.path()[0], name: &helper };
                let rename = sql!("ALTER INDEX {} RENAME TO {}", index, Ident(object.id.name()));
                Step::alter(id, rename).lock(LockMode::AccessExclusive, self.site.table())
            }
            Part::Key(object, words) => {
                let mut what = sql!("ADD CONSTRAINT {} {}", Ident(object.id.name()), Sql::trusted(*words));
                what.push(&sql!("USING INDEX {}", Ident(&self.index_name(object))));
                what.push(&deferrability(object));
                self.alter(&what)
            }
            Part::Constraint(object) => self.alter(&constraint(object)),
            Part::Reference(object) => {
                let add = Step::alter(id, sql!("ALTER TABLE {} {}", object.id.on(), constraint(object)));
                add.lock(LockMode::ShareRowExclusive, common::table_of(&object.id))
            }
            Part::Sequence(sequence) => {
                let owner = Expression(sequence.text("owned_by"));
                Step::alter(id, sql!("ALTER SEQUENCE {} OWNED BY {}", sequence.id.qualified(), owner))
            }
        })
    }
}

/// The step that looks at old rows for a constraint that came back.
fn validated(part: &Part) -> Option<Step> {
    match part {
        Part::Constraint(object) | Part::Reference(object)
            if !object.flag("not_valid") && !object.flag("not_enforced") =>
        {
            Some(validate(&object.id, object.id.name(), &common::table_of(&object.id)))
        }
        Part::Constraint(_) | Part::Reference(_) | Part::Index(_) | Part::Key(..) | Part::Sequence(_) => None,
    }
}
