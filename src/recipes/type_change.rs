//! A type that would write the table anew is given to a second column beside the first, which then takes its place.

use std::collections::BTreeSet;

use super::backfill::{self, Fill};
use super::check::validate;
use super::{Recipe, Site, Size, Turn, not_null, scan, using};
use crate::kinds::common::{deferrability, hang};
use crate::kinds::{Context, KindName, column, foreign_key, index};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::{
    Action, Catalog, DependencyKind, Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Phase, Step,
    Transaction, Value,
};
use crate::sql;

/// A second column that a trigger keeps equal, filled in batches, with the indexes of the first; then one short
/// transaction in which it takes the name.
pub(super) static RECIPE: Recipe = Recipe {
    name: "type changed beside",
    refused: "ALTER COLUMN TYPE writes the whole table anew while nobody can use it",
    always: false,
    turn: Turn::AtSwap,
    steps: |site| Ok(Shadow::of(site).and_then(|shadow| shadow.steps())),
};

/// What becomes of something that hangs on the column and goes with it.
enum Part<'a> {
    /// An index is built under another name, and gets its own.
    Index(&'a Object),
    /// The index of a key likewise, and then the key takes it.
    Key(&'a Object, &'static str),
    /// A constraint is added anew, and validated after the swap.
    Constraint(&'a Object),
    /// A sequence is let go and taken again.
    Sequence(&'a Object),
}

/// The second column.
struct Shadow<'a> {
    site: &'a Site<'a>,
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
    fn of(site: &'a Site<'a>) -> Option<Self> {
        let id = &site.step.object;
        if !using::changes_type(site.step) || !site.known.probed.rewrites(id) {
            return None;
        }
        // Others who write would compute other values than the backfill does.
        if site.known.probed.is_unsteady(id) && using::wanted(site.step, &site.known).is_none() {
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
            _ => None,
        };
        let own = sql!("{}", id.on()).to_string();
        let partners = parts.iter().filter_map(partner).filter(|name| *name != own).collect();
        let word = word(id, before.position);
        let trigger = format!("zz_schemadiff_type_{}", before.position);
        let mut column = Object::new(id.renamed(&site.helper(&format!("type_{}", before.position))));
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
        steps.extend(self.parts.iter().filter_map(|part| self.validate(part)));
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
        Some(vec![
            add.reason("a second column of the new type, which takes the place of the first in the end"),
            Step::alter(id, create).reason("gives rows that are written from here on their new value"),
            share(Step::alter(id, trigger)),
            always,
        ])
    }

    /// The name of an index until the swap.
    fn index_name(&self, of: &Object) -> String {
        let place = self.parts.iter().position(|part| match part {
            Part::Index(object) | Part::Key(object, _) => object.id == of.id,
            Part::Constraint(_) | Part::Sequence(_) => false,
        });
        let word = word(&self.site.step.object, self.before.position);
        self.site.helper(&format!("type_{word}_{}", place.unwrap_or_default() + 1))
    }

    fn build(&self, part: &Part) -> Option<Step> {
        let (object, how) = match part {
            Part::Index(object) => (*object, index::How::Concurrently),
            Part::Key(object, _) => (*object, index::How::UnderConstraint),
            Part::Constraint(_) | Part::Sequence(_) => return None,
        };
        let mut own = object.clone();
        own.id = object.id.renamed(&self.index_name(object));
        let (old, new) = (self.site.step.object.name(), self.column.id.name());
        for name in ["columns", "include"] {
            let renamed = object
                .list(name)
                .iter()
                .map(|column| if column == old { new.to_owned() } else { column.clone() });
            let renamed = Value::List(renamed.collect());
            own.set(if name == "columns" { "columns" } else { "include" }, renamed);
        }
        let new = sql!("{}", Ident(new)).to_string();
        let keys = object.list("keys").iter().map(|key| match rest_of_key(key, old) {
            Some(rest) => format!("{new}{rest}"),
            None => key.clone(),
        });
        own.set("keys", Value::List(keys.collect()));
        let step = Step::create(&object.id, index::statement(&own, how));
        let step =
            step.lock(LockMode::ShareUpdateExclusive, self.site.table()).transaction(Transaction::Outside);
        Some(step.reason(format!("takes the place of {} in the end", object.id)))
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
        if using::goes_through_text(self.site) {
            drop.hazards.push(using::doubt(id));
        }
        let mut steps = vec![
            lock.reason("what follows reads no row; the column becomes the last of its table"),
            Step::alter(id, sql!("DROP TRIGGER {} ON {}", Ident(&self.trigger), id.on()))
                .lock(LockMode::AccessExclusive, self.site.table()),
            Step::alter(id, sql!("DROP FUNCTION {}()", self.function())),
        ];
        for part in &self.parts {
            if let Part::Sequence(sequence) = part {
                steps.push(Step::alter(id, sql!("ALTER SEQUENCE {} OWNED BY NONE", sequence.id.qualified())));
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
        for part in &self.parts {
            steps.extend(self.put_back(part));
            steps.extend(match part {
                Part::Index(object) | Part::Key(object, _) | Part::Constraint(object) => {
                    hang(object, &context)
                }
                Part::Sequence(_) => Vec::new(),
            });
        }
        // How it is stored is said after every change of a type.
        let mut after = self.after.clone();
        after.unset("storage");
        after.unset("compression");
        steps.extend(hang(&after, &context));
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
            Part::Sequence(sequence) => {
                let owner = Expression(sequence.text("owned_by"));
                Step::alter(id, sql!("ALTER SEQUENCE {} OWNED BY {}", sequence.id.qualified(), owner))
            }
        })
    }

    fn validate(&self, part: &Part) -> Option<Step> {
        match part {
            Part::Constraint(object) if !object.flag("not_valid") && !object.flag("not_enforced") => {
                Some(validate(&object.id, object.id.name(), &self.site.table()))
            }
            Part::Constraint(_) | Part::Index(_) | Part::Key(..) | Part::Sequence(_) => None,
        }
    }
}

/// A block that gives a column another one's identity. The sequence goes with its column, so that the new one gets its
/// position, its privileges and its comment.
fn move_identity(column: &Object, statements: &[Sql]) -> String {
    let name = column::sequence_name(column);
    let own = Ident(column.id.name());
    let add = sql!("ALTER TABLE {} ALTER COLUMN {} ADD {}", column.id.on(), own, column::identity(column));
    let statements = Sql::join(statements, ";\n    ");
    let literal = sql!("{}", Literal(&name.to_string()));
    format!(
        "
DECLARE
    sd_last bigint;
    sd_called boolean;
    sd_comment text;
    sd_owner oid;
    sd_had aclitem[];
    sd_has aclitem[];
    sd_grant record;
BEGIN
    SELECT last_value, is_called INTO sd_last, sd_called FROM {name};
    SELECT relowner, relacl, pg_catalog.obj_description(oid, 'pg_class') INTO sd_owner, sd_had, sd_comment
    FROM pg_catalog.pg_class WHERE oid = {literal}::regclass;
    {statements};
    {add};
    PERFORM pg_catalog.setval({literal}, sd_last, sd_called);
    EXECUTE pg_catalog.format('COMMENT ON SEQUENCE %s IS %L', {literal}, sd_comment);
    SELECT relacl INTO sd_has FROM pg_catalog.pg_class WHERE oid = {literal}::regclass;
    IF sd_had IS DISTINCT FROM sd_has THEN
        FOR sd_grant IN
            SELECT 1 AS place, 'REVOKE ALL' AS what, 'FROM' AS word, grantee, false AS is_grantable
            FROM pg_catalog.aclexplode(coalesce(sd_has, pg_catalog.acldefault('s', sd_owner)))
            UNION
            SELECT 2, 'GRANT ' || privilege_type, 'TO', grantee, is_grantable AND grantee <> sd_owner
            FROM pg_catalog.aclexplode(coalesce(sd_had, pg_catalog.acldefault('s', sd_owner)))
            ORDER BY 1, 2, 4
        LOOP
            EXECUTE pg_catalog.format('%s ON SEQUENCE %s %s %s%s', sd_grant.what, {literal}, sd_grant.word,
                CASE sd_grant.grantee WHEN 0 THEN 'PUBLIC' ELSE sd_grant.grantee::regrole::text END,
                CASE WHEN sd_grant.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
        END LOOP;
    END IF;
END
"
    )
}

/// `ADD CONSTRAINT …` of a check or a foreign key, without a look at the rows that are there.
fn constraint(object: &Object) -> Sql {
    let definition = match object.id.kind {
        KindName::ForeignKey => foreign_key::definition(object),
        _ => crate::kinds::check::definition(object),
    };
    let sql = sql!("ADD CONSTRAINT {} {}", Ident(object.id.name()), definition);
    let said = object.flag("not_valid") || object.flag("not_enforced");
    if said { sql } else { sql.then(&Sql::trusted("NOT VALID")) }
}

/// A word for a column that no other table's column shares.
fn word(column: &ObjectId, position: i32) -> String {
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

/// What follows a column's name in a key of an index, where the key is that column.
fn rest_of_key<'a>(key: &'a str, column: &str) -> Option<&'a str> {
    let plain = sql!("{}", Ident(column)).to_string();
    let quoted = format!("\"{}\"", column.replace('"', "\"\""));
    let rest = key.strip_prefix(&quoted).or_else(|| key.strip_prefix(&plain))?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(rest)
}

/// Whether an expression could name a column. Whoever has its name in another sense is taken to.
fn mentions(expression: &str, column: &str) -> bool {
    expression.contains(column) || expression.contains(&column.replace('"', "\"\""))
}

/// Whether the table is one by itself, that nothing depends on as a whole, and whose rows can be written without
/// anybody noticing.
fn is_plain_table(site: &Site) -> bool {
    let table = site.table();
    let is_plain = |side: &Catalog| {
        let Some(object) = side.get(&table) else { return false };
        let parted = ["partition_by", "of_type"].iter().any(|name| !object.text(name).is_empty());
        let related = !object.list("inherits").is_empty() || object.flag("force_row_security");
        // Its row type, children or partitions.
        let used = side.dependents_of(&table).any(|(user, _)| {
            let own = side.parent(user).as_ref() == Some(&table);
            let whole = [
                KindName::View,
                KindName::MaterializedView,
                KindName::Policy,
                KindName::ForeignKey,
                KindName::Sequence,
            ];
            !own && !whole.contains(&user.kind)
        });
        // A trigger or a rule would notice that rows are filled, and one that copies whole rows that there is another
        // column, and later that they stand in another order.
        let heard =
            |part: &Object| matches!(part.id.kind, KindName::Trigger | KindName::Rule | KindName::Partition);
        let loud = side.children(&table).any(heard);
        !parted && !related && !used && !loud && !is_published(side, &table)
    };
    let own = table.kind == KindName::Table && !site.touched.contains(&table);
    own && is_plain(site.sides.before) && is_plain(site.sides.after)
}

/// Whether a publication sends the table's rows, and so would send the new column to who has none.
fn is_published(side: &Catalog, table: &ObjectId) -> bool {
    let name = sql!("{}", table.qualified()).to_string();
    side.objects.values().any(|object| match object.id.kind {
        KindName::Publication => object.flag("all_tables"),
        KindName::PublicationSchema => object.id.name() == &*table.path()[0],
        KindName::PublicationTable => object.id.name() == name,
        _ => false,
    })
}

/// Whether the column holds values of its own, of a type that takes NULL until it has one.
fn is_plain_column(before: &Object, after: &Object, site: &Site) -> bool {
    let marks = [
        "inherited",
        "generated",
        "not_null_name",
        "not_null_no_inherit",
        "not_null_not_valid",
        "not_null_inherited",
        "not_null_comment",
    ];
    let marked = marks.iter().any(|name| before.get(name).is_some() || after.get(name).is_some());
    // Domains may refuse NULL, and composite values are tested for NULL otherwise.
    let special = |side: &Catalog| {
        let types = side.dependencies_of(&after.id).map(|(id, _)| id.kind);
        types.into_iter().any(|kind| {
            matches!(kind, KindName::Domain | KindName::Composite | KindName::Table | KindName::View)
        })
    };
    let differs = ["identity", "sequence"].iter().any(|name| before.get(name) != after.get(name));
    let options = ["as", "logged"].iter().any(|name| column::sequence_option(after, name).is_some());
    // A type that is replaced takes the old values along in a way of its own.
    let replaced = site.sides.before.dependencies_of(&before.id).any(|(id, _)| site.dropped.contains(id));
    let long = site.version() >= PgVersion::V18 && column::not_null_name(after).len() > 63;
    !marked
        && !differs
        && !options
        && !replaced
        && !special(site.sides.after)
        && !special(site.sides.before)
        && !long
}

/// What hangs on the column and stays, where all of it can be taken over.
fn parts<'a>(site: &Site<'a>) -> Option<Vec<Part<'a>>> {
    let Pair { before, after } = site.sides;
    let id = &site.step.object;
    let table = site.table();
    let others: Vec<&str> = site
        .touched
        .iter()
        .filter(|other| {
            other.kind == KindName::Column && *other != id && before.parent(other).as_ref() == Some(&table)
        })
        .map(ObjectId::name)
        .collect();
    if using::wanted(site.step, &site.known)
        .is_some_and(|text| others.iter().any(|name| mentions(text, name)))
    {
        return None;
    }
    let mut parts = Vec::new();
    let own = before.children(id).map(|part| (&part.id, DependencyKind::Auto));
    let mut users: Vec<_> = before.dependents_of(id).chain(own).collect();
    users.sort_unstable();
    for (user, kind) in users {
        // What is computed from it is written anew all the same.
        if user.kind == KindName::Column {
            return None;
        }
        if site.dropped.contains(user) {
            continue;
        }
        let (was, object) = (before.get(user)?, after.get(user)?);
        if user.kind == KindName::Sequence && kind == DependencyKind::Auto {
            if was.get("owned_by") != object.get("owned_by") {
                return None;
            }
            parts.push(Part::Sequence(object));
            continue;
        }
        if site.touched.contains(user) || before.parent(user).as_ref() != Some(&table) {
            return None;
        }
        // What rests on it would hold it fast, and another column of it that changes would take it away.
        let held = before.dependents_of(user).any(|(holder, _)| !site.dropped.contains(holder));
        let columns = before.dependencies_of(user).map(|(column, _)| column);
        if held
            || columns
                .filter(|column| column.kind == KindName::Column)
                .any(|column| column != id && site.touched.contains(column))
        {
            return None;
        }
        parts.push(match user.kind {
            KindName::Index => {
                let expressions =
                    object.list("keys").iter().filter(|key| rest_of_key(key, id.name()).is_none());
                let mut texts = expressions.map(String::as_str).chain([object.text("where")]);
                if texts.any(|text| mentions(text, id.name())) {
                    return None;
                }
                Part::Index(object)
            }
            KindName::PrimaryKey | KindName::Unique => {
                // The second index would not wait as the first one does.
                if object.flag("deferrable") || object.flag("without_overlaps") {
                    return None;
                }
                let primary = user.kind == KindName::PrimaryKey;
                Part::Key(object, if primary { "PRIMARY KEY" } else { "UNIQUE" })
            }
            KindName::ForeignKey => {
                let itself = object.text("references") == sql!("{}", table.qualified()).as_str();
                if itself || object.flag("period") {
                    return None;
                }
                Part::Constraint(object)
            }
            KindName::Check => Part::Constraint(object),
            _ => return None,
        });
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_column_are_told_from_expressions() {
        assert_eq!(rest_of_key("a", "a"), Some(""));
        assert_eq!(
            rest_of_key("a pg_catalog.text_pattern_ops DESC", "a"),
            Some(" pg_catalog.text_pattern_ops DESC")
        );
        assert_eq!(rest_of_key("a(b)", "a"), None);
        assert_eq!(rest_of_key("\"A \"\"b\" DESC", "A \"b"), Some(" DESC"));
        assert_eq!(rest_of_key("ab", "a"), None);
    }

    #[test]
    fn words_differ_where_tables_do() {
        let word = |table: &str| word(&ObjectId::new(KindName::Column, &["public", table, "id"]), 2);
        assert_eq!(word("orders"), "orders_2");
        assert_ne!(word("user_data"), word("userdata"));
        assert!(word("ünïcödé and a name that is long enough to be cut off").len() < 40);
    }
}
