//! Columns of tables (`pg_attribute`).

use super::common::{COMMENT, comment, go_on, grants_by, grants_column, option_steps, part_grant_steps, relation_of, shed, table_of};
use super::{Alteration, Attribute, Context, Identity, Kind, KindName, Presence, Type, narrowing, sequence, swap};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::step::Clause;
use crate::model::{Action, Catalog, DependencyKind, Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

/// Kinds that refuse a change of the type of a column they use (manual, `ALTER TABLE`, and by trial).
const IN_THE_WAY: &[KindName] = &[
    KindName::View,
    KindName::MaterializedView,
    KindName::Rule,
    KindName::Policy,
    KindName::Trigger,
    KindName::PublicationTable,
    KindName::Function,
    KindName::Procedure,
    // A default may not be castable to the new type; it is set anew after it.
    KindName::Default,
];

/// The kind.
pub static KIND: Kind = Kind {
    name: "column",
    key: "columns",
    identity: Identity::OnRelation,
    parents: &[KindName::Table, KindName::ForeignTable],
    catalog: "pg_class",
    presence: Presence::Relations("rpf"),
    query,
    attributes: &[
        Attribute::altered("type", Type::DataType, &TYPE).rebuilds(IN_THE_WAY).doc("The data type."),
        Attribute::altered("collation", Type::Qualified, &TYPE)
            .rebuilds(IN_THE_WAY)
            .doc("The collation, where it is not that of the type."),
        Attribute::altered("not_null", Type::Flag, &NOT_NULL).doc("Whether NULL is refused."),
        Attribute::altered("not_null_name", Type::Name, &NOT_NULL)
            .doc("The name of the NOT NULL constraint, where it is not made of the table's and column's (18)."),
        Attribute::altered("not_null_no_inherit", Type::Flag, &NOT_NULL)
            .doc("Whether children are free of the NOT NULL constraint (18)."),
        Attribute::altered("not_null_not_valid", Type::Flag, &NOT_NULL)
            .doc("Whether old rows may break the NOT NULL constraint (18)."),
        Attribute::attached("not_null_comment", Type::Text, &NOT_NULL_COMMENT)
            .doc("The comment on the NOT NULL constraint (18)."),
        Attribute::altered("identity", Type::Word(&["", "always", "by default"]), &IDENTITY)
            .doc("How an identity column takes values that are given to it."),
        Attribute::altered("sequence", Type::Options, &IDENTITY)
            .doc("Options of the identity's sequence that are not the default ones."),
        Attribute::altered("generated", Type::Expression, &GENERATED).doc("What the column is computed from."),
        Attribute::replaced("virtual", Type::Flag).doc("Whether it is computed when it is read (18)."),
        Attribute::attached("storage", Type::Word(&["", "plain", "external", "extended", "main"]), &STORAGE)
            .doc("How values are stored, where it is not as the type has it."),
        Attribute::attached("compression", Type::Word(&["", "pglz", "lz4"]), &COMPRESSION)
            .doc("How long values are compressed."),
        Attribute::attached("statistics", Type::Number, &STATISTICS).doc("The statistics target."),
        Attribute::attached("options", Type::Options, &OPTIONS).doc("`n_distinct` and the like."),
        Attribute::attached("foreign_options", Type::Options, &FOREIGN_OPTIONS)
            .doc("Options of the foreign data wrapper."),
        Attribute::noted("not_null_inherited", Type::Flag)
            .doc("Whether the NOT NULL constraint is there only because a parent has it (18)."),
        Attribute::noted("system", Type::Flag).doc("Whether the server made it; it is told only of its privileges."),
        Attribute::noted("inherited", Type::Flag).doc("Whether the column is there only because a parent has it."),
        grants_by(&GRANTS),
        COMMENT,
    ],
    short: Some("type"),
    reference: |column| sql!("COLUMN {}.{}", column.id.on(), Ident(column.id.name())),
    rename: Some(|column, name| {
        let sql = sql!("ALTER TABLE {} RENAME COLUMN {} TO {}", column.id.on(), Ident(column.id.name()), Ident(name));
        let step = Step::alter(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id));
        step.hazard(Hazard::BreaksClients(format!("{} is called {} from then on", column.id, sql!("{}", Ident(name)))))
    }),
    create,
    leave: |column, context| if column.flag("system") { shed(column, context) } else { Vec::new() },
    drop: |column, context| {
        if column.flag("system") {
            return None;
        }
        let what = sql!("DROP COLUMN {}", Ident(column.id.name()));
        let step = Step::drop(&column.id, sql!("ALTER TABLE {} {}", column.id.on(), what));
        let mut step = step.lock(LockMode::AccessExclusive, table_of(&column.id));
        // It goes from the partitions too, as long as they are attached.
        for (child, _) in context.sides.before.dependents_of(&column.id) {
            let partition = ObjectId::new(KindName::Partition, child.path().get(..2).unwrap_or_default());
            let detached = context.dropped.contains(&partition) && !context.dropped.contains(&table_of(child));
            if child.kind == KindName::Column && detached {
                step = step.precedes(partition);
            }
        }
        if column.text("generated").is_empty() {
            return Some(step.hazard(Hazard::DataLoss(format!("drops {} with its values", column.id))));
        }
        Some(step)
    },
    depends,
    ordered: true,
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let (not_null, constraint) = not_null_columns(version);
    let virtual_ = if version.since(18) { "a.attgenerated = 'v'" } else { "false" };
    format!(
        "SELECT c.oid, a.attnum AS sub, n.nspname AS p1, c.relname AS p2, a.attname AS p3, a.attnum AS position, \
         format_type(a.atttypid, a.atttypmod) AS type, \
         CASE WHEN a.attcollation <> t.typcollation THEN (SELECT quote_ident(cn.nspname) || '.' || quote_ident(l.collname) \
         FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation, \
         a.attnotnull AS not_null, {not_null}, \
         CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity, \
         CASE WHEN a.attidentity <> '' THEN {sequence} END AS sequence, \
         CASE WHEN a.attgenerated <> '' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d \
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS generated, {virtual_} AS virtual, \
         CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' \
         WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' END END AS storage, \
         CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, \
         CASE WHEN a.attnum > 0 THEN NULLIF(a.attstattarget, -1) END AS statistics, a.attoptions AS options, a.attfdwoptions AS foreign_options, \
         a.attnum < 0 AS system, NOT a.attislocal AND a.attnum > 0 AS inherited, {grants} AS grants \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid {constraint} \
         WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND c.oid >= 16384 \
         AND (a.attnum > 0 OR a.attacl IS NOT NULL) AND NOT a.attisdropped",
        sequence = sequence_options(version),
        grants = grants_column("a.attacl", 'c', "c.relowner"),
    )
}

/// Columns about the NOT NULL constraint, and the join that gives it. Before 18 there is but a mark.
fn not_null_columns(version: PgVersion) -> (&'static str, &'static str) {
    if !version.since(18) {
        let none = "NULL::name AS not_null_name, false AS not_null_no_inherit, \
             false AS not_null_not_valid, false AS not_null_inherited, NULL::text AS not_null_comment";
        return (none, "");
    }
    // A name that had to be shortened is taken for one that was made, unless a comment needs it. So is one that was
    // made before the table or column was renamed, where there are children: they may have it under other names, and
    // then the server cannot rename it (`ALTER TABLE … RENAME CONSTRAINT` goes by name through all of them).
    (
        "CASE WHEN k.conislocal AND k.conname <> c.relname || '_' || a.attname || '_not_null' \
         AND (length(c.relname || a.attname) < 54 AND NOT (k.conname ~ '_not_null$' \
         AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)) OR kd.description IS NOT NULL) THEN k.conname END AS not_null_name, \
         k.connoinherit AS not_null_no_inherit, NOT k.convalidated AND k.conislocal AS not_null_not_valid, \
         NOT k.conislocal AS not_null_inherited, kd.description AS not_null_comment",
        "LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum \
         LEFT JOIN pg_description kd ON kd.classoid = 'pg_constraint'::regclass AND kd.objoid = k.oid",
    )
}

/// The options of an identity's sequence that are not those it is born with.
fn sequence_options(version: PgVersion) -> String {
    // Before 15 every sequence is logged.
    let logged = if version.since(15) { "sc.relpersistence <> c.relpersistence" } else { "false" };
    format!("(SELECT array_remove(ARRAY[\
     CASE WHEN sc.relname <> c.relname || '_' || a.attname || '_seq' OR sn.oid <> n.oid \
     THEN 'name=' || quote_ident(sn.nspname) || '.' || quote_ident(sc.relname) END, \
     CASE WHEN q.seqtypid <> a.atttypid THEN 'as=' || format_type(q.seqtypid, NULL) END, \
     CASE WHEN q.seqincrement <> 1 THEN 'increment=' || q.seqincrement END, \
     CASE WHEN q.seqmin <> CASE WHEN q.seqincrement > 0 THEN 1 ELSE s.low END THEN 'min=' || q.seqmin END, \
     CASE WHEN q.seqmax <> CASE WHEN q.seqincrement > 0 THEN s.high ELSE -1 END THEN 'max=' || q.seqmax END, \
     CASE WHEN q.seqstart <> CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END THEN 'start=' || q.seqstart END, \
     CASE WHEN q.seqcache <> 1 THEN 'cache=' || q.seqcache END, \
     CASE WHEN q.seqcycle THEN 'cycle=true' END, \
     CASE WHEN {logged} THEN 'logged=' || (sc.relpersistence = 'p') END], NULL) \
     FROM pg_depend i JOIN pg_class sc ON sc.oid = i.objid AND sc.relkind = 'S' \
     JOIN pg_namespace sn ON sn.oid = sc.relnamespace JOIN pg_sequence q ON q.seqrelid = sc.oid \
     CROSS JOIN LATERAL (SELECT CASE q.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 \
     ELSE -9223372036854775808 END::bigint AS low, CASE q.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 \
     ELSE 9223372036854775807 END::bigint AS high) s \
     WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = a.attrelid AND i.refobjsubid = a.attnum \
     AND i.classid = 'pg_class'::regclass AND i.deptype = 'i')")
}

fn create(column: &Object, context: &Context) -> Vec<Step> {
    if column.flag("system") {
        return Vec::new();
    }
    let typed = context.parent(&column.id).is_some_and(|table| !table.text("of_type").is_empty());
    // A typed table's columns come with it; so do a child's, but a partition starts as a table of its own.
    if typed || column.flag("inherited") && !is_new_partition(column, context) {
        let mut steps = Vec::new();
        if typed && column.flag("not_null") {
            let sql = sql!("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", column.id.on(), Ident(column.id.name()));
            steps.push(Step::alter(&column.id, sql).requires(table_of(&column.id)));
        }
        return steps;
    }
    let definition = definition(&without_what_is_inherited(column, context));
    let sql = sql!("ALTER TABLE {} ADD COLUMN {}", column.id.on(), definition);
    let step = Step::create(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id));
    let mut step = step.folds(relation_of(&column.id, context), Clause::Entry(definition));
    // Whether it really does is for the server to say.
    let default = ObjectId::new(KindName::Default, column.id.path());
    let valued = ["identity", "generated"].iter().any(|name| !column.text(name).is_empty());
    let domain = context.sides.after.dependencies_of(&column.id).any(|(id, _)| id.kind == KindName::Domain);
    if (valued && !column.flag("virtual")) || domain || context.sides.after.contains(&default) {
        step.hazards.push(Hazard::Rewrite(format!("may rewrite the table of {}", column.id)));
    } else if column.flag("not_null") {
        let what = format!("{} is required, and no row of the table has a value", column.id);
        step.hazards.push(Hazard::Violation(what));
    }
    let mut steps = vec![step];
    if column.flag("not_null_not_valid") {
        steps.push(add_not_null(column));
    }
    steps.extend(own_sequence_steps(column, context));
    steps
}

/// A column that merges with one of a parent is generated as that one is, and may not say so again; nor does
/// it repeat a NOT NULL constraint that it has from there.
fn without_what_is_inherited(column: &Object, context: &Context) -> Object {
    let mut column = column.clone();
    let after = context.sides.after;
    let partition = is_new_partition(&column, context);
    let same = |id: &ObjectId| after.get(id).is_some_and(|other| other.get("generated") == column.get("generated"));
    if !partition && parents_columns(&column, after).iter().any(same) {
        column.unset("generated");
    }
    if !partition && column.flag("not_null_inherited") {
        column.unset("not_null");
    }
    // The server would number the name of a table that is built anew: its old partitions have it, too.
    let anew = context.dropped.contains(&relation_of(&column.id, context)) && context.version().since(18);
    if anew && column.flag("not_null") && column.get("not_null_name").is_none() {
        let name = not_null_name(&column);
        if name.len() < 64 {
            column.set("not_null_name", Value::Text(name));
        }
    }
    column
}

fn is_new_partition(column: &Object, context: &Context) -> bool {
    let table = relation_of(&column.id, context);
    let partition = ObjectId::new(KindName::Partition, table.path());
    // Or one that is detached while the parent changes, and attached again.
    (context.is_new(&table) || context.is_new(&partition)) && context.sides.after.contains(&partition)
}

/// A column as `CREATE TABLE` and `ADD COLUMN` say it.
pub fn definition(column: &Object) -> Sql {
    let mut sql = sql!("{} {}", Ident(column.id.name()), Expression(column.text("type")));
    if !column.text("collation").is_empty() {
        sql.push(&sql!("COLLATE {}", Expression(column.text("collation"))));
    }
    if !column.text("identity").is_empty() {
        sql.push(&identity(column));
    }
    if !column.text("generated").is_empty() {
        let kind = if column.flag("virtual") { "VIRTUAL" } else { "STORED" };
        let expression = Expression(column.text("generated"));
        sql.push(&sql!("GENERATED ALWAYS AS ({}) {}", expression, Sql::trusted(kind)));
    }
    if column.flag("not_null") && !column.flag("not_null_not_valid") {
        if !column.text("not_null_name").is_empty() {
            sql.push(&sql!("CONSTRAINT {}", Ident(column.text("not_null_name"))));
        }
        sql.push(&sql!("NOT NULL"));
        if column.flag("not_null_no_inherit") {
            sql.push(&sql!("NO INHERIT"));
        }
    }
    sql
}

/// The name of the column's NOT NULL constraint.
pub fn not_null_name(column: &Object) -> String {
    match column.text("not_null_name") {
        "" => format!("{}_{}_not_null", column.id.path()[1], column.id.name()),
        name => name.to_owned(),
    }
}

/// Adds the NOT NULL constraint by itself, which alone can say that it is not valid.
fn add_not_null(column: &Object) -> Step {
    let (table, name) = (column.id.on(), not_null_name(column));
    let mut sql = sql!("ALTER TABLE {} ADD CONSTRAINT {} NOT NULL {}", table, Ident(&name), Ident(column.id.name()));
    for (flag, words) in [("not_null_no_inherit", "NO INHERIT"), ("not_null_not_valid", "NOT VALID")] {
        if column.flag(flag) {
            sql.push(&Sql::trusted(words));
        }
    }
    Step::alter(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id))
}

/// `GENERATED … AS IDENTITY` with the options of its sequence.
pub fn identity(column: &Object) -> Sql {
    let kind = column.text("identity").to_uppercase();
    let mut sql = sql!("GENERATED {} AS IDENTITY", Sql::trusted(kind));
    let (born, mut own) = (Object::new(column.id.clone()), own_sequence(column));
    // The type is the column's; another can only be given to the sequence itself.
    own.unset("type");
    let name = sequence_option(column, "name").map(|_| sql!("SEQUENCE NAME {}", sequence_name(column)));
    let options = sequence::clauses(Pair { before: &born, after: &own });
    let options: Vec<Sql> = name.into_iter().chain(options).collect();
    if !options.is_empty() {
        sql.push(&sql!("({})", Sql::join(&options, " ")));
    }
    sql
}

/// An option of the identity's sequence.
pub fn sequence_option<'a>(column: &'a Object, name: &str) -> Option<&'a Value> {
    column.map("sequence").iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The identity's sequence as an object of its own.
fn own_sequence(column: &Object) -> Object {
    let mut own = Object::new(ObjectId::new(KindName::Sequence, &column.id.path()[..2]));
    let ty = sequence_option(column, "as").map_or(column.text("type").to_owned(), ToString::to_string);
    if ty != "bigint" {
        own.set("type", Value::Text(ty));
    }
    for name in ["increment", "min", "max", "start", "cache"] {
        if let Some(number) = sequence_option(column, name).and_then(|value| value.to_string().parse().ok()) {
            own.set(name, Value::Int(number));
        }
    }
    own.set("cycle", Value::Bool(sequence_option(column, "cycle").is_some()));
    own
}

/// The name of the identity's sequence.
pub fn sequence_name(column: &Object) -> Sql {
    let path = column.id.path();
    match sequence_option(column, "name") {
        Some(name) => sql!("{}", Expression(&name.to_string())),
        None => sql!("{}.{}", Ident(&path[0]), Ident(&format!("{}_{}_seq", path[1], path[2]))),
    }
}

/// The sequence of an identity column, by its name; it is no object of its own.
pub fn identity_sequence(column: &Object) -> Option<ObjectId> {
    let path = column.id.path();
    let name = match sequence_option(column, "name") {
        Some(name) => crate::model::sql::parts(&name.to_string()),
        None => vec![path[0].to_string(), format!("{}_{}_seq", path[1], path[2])],
    };
    let has_one = !column.text("identity").is_empty() && name.len() == 2;
    has_one.then(|| ObjectId::new(KindName::Sequence, &name))
}

/// The NOT NULL constraint that a column has of its own (18), as one of the constraints of its table.
pub fn not_null_constraint(column: &Object, version: PgVersion) -> Option<ObjectId> {
    let name = not_null_name(column);
    let own = column.flag("not_null") && !column.flag("not_null_inherited") && name.len() < 64;
    let path = [&*column.id.path()[0], &*column.id.path()[1], &*name];
    (version.since(18) && own).then(|| ObjectId::new(KindName::Check, &path))
}

/// What a new identity cannot say of its sequence.
fn own_sequence_steps(column: &Object, context: &Context) -> Vec<Step> {
    let ty = sequence_option(column, "as").map(|ty| {
        let sql = sql!("ALTER SEQUENCE {} AS {}", sequence_name(column), Expression(&ty.to_string()));
        Step::alter(&column.id, sql)
    });
    let logged = sequence_option(column, "logged").map(|_| set_logged(column, context));
    ty.into_iter().chain(logged).collect()
}

/// Makes the identity's sequence logged or not, where it is not as the table.
fn set_logged(column: &Object, context: &Context) -> Step {
    let unlogged = match sequence_option(column, "logged") {
        Some(logged) => logged.to_string() == "false",
        None => context.parent(&column.id).is_some_and(|table| table.text("persistence") == "unlogged"),
    };
    let word = Sql::trusted(if unlogged { "UNLOGGED" } else { "LOGGED" });
    let step = Step::alter(&column.id, sql!("ALTER SEQUENCE {} SET {}", sequence_name(column), word));
    // The table's own change takes its sequences with it.
    step.requires(table_of(&column.id))
}

/// Columns of the parents that this one follows.
fn depends(column: &Object, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    if !column.flag("inherited") {
        return Vec::new();
    }
    parents_columns(column, catalog).into_iter().map(|id| (id, DependencyKind::Auto)).collect()
}

fn parents_columns(column: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    catalog
        .dependencies_of(&catalog.parent(&column.id).unwrap_or_else(|| table_of(&column.id)))
        .filter(|(parent, _)| matches!(parent.kind, KindName::Table | KindName::ForeignTable))
        .map(|(parent, _)| ObjectId::new(KindName::Column, &[&parent.path()[0], &parent.path()[1], &column.id.path()[2]]))
        .filter(|id| catalog.contains(id))
        .collect()
}

/// Whether a parent's column makes the same change, which reaches this one by itself.
fn follows_parent(column: Pair<&Object>, attribute: &str, context: &Context) -> bool {
    // Not while it is no child: before it is attached, or between being detached and attached again.
    let partition = ObjectId::new(KindName::Partition, &column.after.id.path()[..2]);
    if context.is_new(&partition) {
        return false;
    }
    let before = parents_columns(column.before, context.sides.before);
    parents_columns(column.after, context.sides.after).iter().filter(|id| before.contains(id)).any(|id| {
        let (before, after) = (context.sides.before.get(id), context.sides.after.get(id));
        before.zip(after).is_some_and(|(before, after)| {
            before.get(attribute) != after.get(attribute) && after.get(attribute) == column.after.get(attribute)
        })
    })
}

/// `ALTER TABLE … ALTER COLUMN …` with something after the name.
fn alter(column: &Object, only: bool, what: &Sql) -> Sql {
    let only = Sql::trusted(if only { "ONLY " } else { "" });
    sql!("ALTER TABLE {}{} ALTER COLUMN {}", only, column.id.on(), Ident(column.id.name())).then(what)
}

fn change(column: &Object, what: &Sql) -> Step {
    Step::alter(&column.id, alter(column, false, what)).lock(LockMode::AccessExclusive, table_of(&column.id))
}

/// A change of how the column is held or looked at, under the lock that it takes (manual, `ALTER TABLE`).
fn mark(column: &Object, what: &Sql, lock: LockMode) -> Step {
    // Without ONLY the mark would reach the children, whose own state is compared apart.
    Step::attach(&column.id, alter(column, true, what)).lock(lock, table_of(&column.id))
}

static TYPE: Alteration = Alteration {
    name: "type",
    steps: |column, context| {
        if follows_parent(column, "type", context) || follows_parent(column, "collation", context) {
            return Some(Vec::new());
        }
        let after = column.after;
        // A table's partition key is for ever.
        let mut needs = context.sides.before.dependencies_of(&after.id);
        if needs.any(|(_, kind)| kind == DependencyKind::Internal) {
            return None;
        }
        let before = context.sides.before.dependencies_of(&after.id).map(|(id, _)| id);
        let mut replaced = before.filter(|id| context.dropped.contains(*id) && context.is_new(id));
        let detours = replaced.any(swap::is_type);
        let foreign = relation_of(&after.id, context).kind == KindName::ForeignTable;
        let name = sql!("{}", Ident(after.id.name()));
        let domain = domain_of(after, context.sides.after).map_or("", |domain| domain.text("type"));
        let using = if foreign {
            None
        } else if detours {
            // An assignment refuses what is too long for a domain, too.
            let assigned = narrowing::assigns("text", domain);
            (!assigned).then(|| sql!("{}::{}", name, Expression(after.text("type"))))
        } else {
            let using = || cast(column, &name, context.sides);
            after.text("generated").is_empty().then(using).flatten()
        };
        let mut steps = vec![change(after, &typed(after, using.as_ref()))];
        if detours {
            // The values wait as text for the new type of the same name.
            let using = if foreign { Sql::default() } else { sql!("USING {}::text", name) };
            let aside = change(after, &sql!("TYPE text").then(&using));
            steps.insert(0, Step { action: Action::Release, ..aside });
        }
        let rounds = narrowing::rounds(column.before.text("type"), after.text("type"));
        if !foreign && (rounds || detours && rounds_inside(&after.id, context)) {
            let text = format!("rounds values of {} to {}", after.id, after.text("type"));
            steps[0].hazards.push(Hazard::DataLoss(text));
        }
        for step in steps.iter_mut().filter(|_| !foreign) {
            step.hazards.push(Hazard::Rewrite(format!("may rewrite the table of {}", after.id)));
        }
        // Both go back to the new type's own when the type changes.
        if column.before.get("storage") == after.get("storage") && after.get("storage").is_some() {
            steps.push(storage(after, "storage", "STORAGE"));
        }
        if column.before.get("compression") == after.get("compression") && after.get("compression").is_some() {
            steps.push(storage(after, "compression", "COMPRESSION"));
        }
        Some(steps)
    },
};

/// What stands after the column's name where its type changes.
fn typed(after: &Object, using: Option<&Sql>) -> Sql {
    let mut what = sql!("TYPE {}", Expression(after.text("type")));
    if !after.text("collation").is_empty() {
        what.push(&sql!("COLLATE {}", Expression(after.text("collation"))));
    }
    if let Some(using) = using {
        what.push(&sql!("USING {}", using));
    }
    what
}

/// The statement that gives a column its type by a conversion of one's own.
pub fn change_type(after: &Object, using: &Sql) -> Sql {
    alter(after, false, &typed(after, Some(using)))
}

/// How a value of the old type is cast to the new type, where nobody says it; nothing where an assignment does it.
pub fn cast(column: Pair<&Object>, value: &Sql, sides: Pair<&Catalog>) -> Option<Sql> {
    // An explicit cast cuts what is too long, where an assignment refuses it.
    if narrowing::assigns(column.before.text("type"), column.after.text("type")) {
        return None;
    }
    let ty = Expression(column.after.text("type"));
    // Between user types there is rarely a cast, but every type can be written and read.
    let through_text = is_made_of_text(column.before.text("type"), sides.before)
        || is_made_of_text(column.after.text("type"), sides.after);
    Some(if through_text { sql!("{}::text::{}", value, ty) } else { sql!("{}::{}", value, ty) })
}

/// The domain that a column is of, if it is of one.
fn domain_of<'a>(column: &Object, catalog: &'a Catalog) -> Option<&'a Object> {
    let domains = catalog.dependencies_of(&column.id).filter(|(id, _)| id.kind == KindName::Domain);
    let mut whole = domains.filter(|(id, _)| sql!("{}", id.qualified()).as_str() == column.text("type"));
    whole.next().and_then(|(id, _)| catalog.get(id))
}

/// Whether a type of which the column's is made is replaced by one to which its values are rounded.
fn rounds_inside(column: &ObjectId, context: &Context) -> bool {
    let Pair { before, after } = context.sides;
    context.dropped.iter().filter(|id| before.needs(column, &whole_type(id))).any(|id| {
        let ty = |catalog: &Catalog| {
            let object = catalog.get(id);
            object.map_or_else(String::new, |o| format!("{}{}", o.text("type"), o.text("subtype")))
        };
        narrowing::rounds(&ty(before), &ty(after))
    })
}

/// The type, or the one of which this is an attribute.
fn whole_type(id: &ObjectId) -> ObjectId {
    if id.kind == KindName::Attribute { ObjectId::new(KindName::Composite, &id.path()[..2]) } else { id.clone() }
}

/// Whether a type, or the type of an array's elements, is an enum or a composite type of this catalog.
fn is_made_of_text(ty: &str, catalog: &Catalog) -> bool {
    let element = ty.trim_end_matches("[]");
    catalog.objects.keys().any(|id| {
        matches!(id.kind, KindName::Enum | KindName::Composite) && sql!("{}", id.qualified()).as_str() == element
    })
}

static NOT_NULL: Alteration = Alteration {
    name: "not null",
    steps: |column, context| {
        if follows_parent(column, "not_null", context) {
            return Some(Vec::new());
        }
        // What a parent gives and takes reaches the children by itself.
        let (before, after) = (column.before, column.after);
        let given = after.flag("not_null_inherited") || !after.flag("not_null") && before.flag("not_null_inherited");
        let partition = ObjectId::new(KindName::Partition, &after.id.path()[..2]);
        let moves = context.is_new(&partition) || context.dropped.contains(&partition);
        if given && !moves && (!before.flag("not_null") || before.flag("not_null_inherited")) {
            // One that a parent keeps for itself from now on stays with the children as their own.
            let kept = |id: &ObjectId| context.sides.after.get(id).is_some_and(|parent| parent.flag("not_null"));
            let parent = parents_columns(after, context.sides.after).into_iter().find(kept);
            let step = |parent| change(after, &sql!("DROP NOT NULL")).requires(parent);
            let left = parent.filter(|_| !after.flag("not_null")).map(step);
            return Some(left.into_iter().collect());
        }
        if column.before.flag("not_null") && column.after.flag("not_null") {
            return Some(not_null_changes(column));
        }
        let plain = ["not_null_name", "not_null_no_inherit", "not_null_not_valid"];
        if after.flag("not_null") && plain.iter().any(|name| after.get(name).is_some()) {
            return Some(vec![add_not_null(column.after)]);
        }
        if column.after.flag("not_null") {
            let step = change(column.after, &sql!("SET NOT NULL"));
            return Some(vec![step.hazard(Hazard::Scan(format!("scans the table of {}", column.after.id)))]);
        }
        Some(vec![change(column.after, &sql!("DROP NOT NULL"))])
    },
};

/// What changes of a NOT NULL constraint that stays.
fn not_null_changes(column: Pair<&Object>) -> Vec<Step> {
    let (was, is) = (not_null_name(column.before), not_null_name(column.after));
    let (before, after) = (column.before, column.after);
    let table = |what: &Sql| {
        let sql = sql!("ALTER TABLE {} {}", after.id.on(), what);
        Step::alter(&after.id, sql).lock(LockMode::AccessExclusive, table_of(&after.id))
    };
    if after.flag("not_null_not_valid") && !before.flag("not_null_not_valid") {
        let mut steps = vec![table(&sql!("DROP CONSTRAINT {}", Ident(&was))), add_not_null(after)];
        if before.get("not_null_comment").is_some() && before.get("not_null_comment") == after.get("not_null_comment") {
            steps.push(comment_on_not_null(after));
        }
        return steps;
    }
    let mut steps = Vec::new();
    let name = is;
    if name != was {
        steps.push(table(&sql!("RENAME CONSTRAINT {} TO {}", Ident(&was), Ident(&name))));
    }
    if before.flag("not_null_no_inherit") != after.flag("not_null_no_inherit") {
        let word = if after.flag("not_null_no_inherit") { "NO INHERIT" } else { "INHERIT" };
        steps.push(table(&sql!("ALTER CONSTRAINT {} {}", Ident(&name), Sql::trusted(word))));
    }
    if before.flag("not_null_not_valid") && !after.flag("not_null_not_valid") {
        let step = table(&sql!("VALIDATE CONSTRAINT {}", Ident(&name)));
        steps.push(Step { lock: None, ..step }.lock(LockMode::ShareUpdateExclusive, table_of(&after.id)));
    }
    steps
}

static NOT_NULL_COMMENT: Alteration = Alteration {
    name: "not null comment",
    steps: |column, _| {
        // It goes with the constraint.
        let stays = column.after.flag("not_null");
        Some(if stays { vec![comment_on_not_null(column.after)] } else { Vec::new() })
    },
};

fn comment_on_not_null(column: &Object) -> Step {
    let constraint = sql!("CONSTRAINT {} ON {}", Ident(&not_null_name(column)), column.id.on());
    Step::attach(&column.id, comment(&constraint, column.text("not_null_comment")))
}

static IDENTITY: Alteration = Alteration {
    name: "identity",
    steps: |column, context| {
        if follows_parent(column, "identity", context) {
            return Some(Vec::new());
        }
        let (before, after) = (column.before.text("identity"), column.after.text("identity"));
        let differs = |name: &str| sequence_option(column.before, name) != sequence_option(column.after, name);
        let mut steps = Vec::new();
        match (before.is_empty(), after.is_empty()) {
            (true, _) => {
                steps.extend(gain_identity(column.after, context));
            }
            (_, true) => steps.push(lose_identity(column, context)),
            (false, false) if differs("name") => {
                steps.push(lose_identity(column, context));
                steps.extend(gain_identity(column.after, context));
            }
            (false, false) => {
                steps.extend(identity_changes(column, differs("as")));
                steps.extend(differs("logged").then(|| set_logged(column.after, context)));
            }
        }
        Some(steps)
    },
};

/// What changes of an identity that stays, and of its sequence.
fn identity_changes(column: Pair<&Object>, other_type: bool) -> Vec<Step> {
    let after = column.after;
    let (mut was, is) = (own_sequence(column.before), own_sequence(after));
    let mut what = Vec::new();
    if column.before.text("identity") != after.text("identity") {
        what.push(sql!("SET GENERATED {}", Sql::trusted(after.text("identity").to_uppercase())));
    }
    let mut steps = Vec::new();
    if other_type {
        // The column cannot say it of its sequence.
        let mut sql = sql!("ALTER SEQUENCE {}", sequence_name(after));
        let sides = Pair { before: &was, after: &is };
        sequence::clauses(sides).into_iter().chain(sequence::restart(sides)).for_each(|clause| sql.push(&clause));
        steps.push(Step::alter(&after.id, sql));
    } else {
        // With the column's type the sequence's has changed, too.
        was.set("type", Value::Text(is.text("type").to_owned()));
        let sides = Pair { before: &was, after: &is };
        what.extend(sequence::clauses(sides).iter().map(|clause| sql!("SET {}", clause)));
        what.extend(sequence::restart(sides));
    }
    if !what.is_empty() {
        steps.push(change(after, &Sql::join(&what, " ")));
    }
    steps
}

/// What names the identity's sequence in an expression. By its own name where that is not the usual one: the column
/// may own another sequence beside it.
pub fn identity_counter(column: &Object) -> Sql {
    match sequence_option(column, "name") {
        Some(_) => sql!("{}", Literal(&sequence_name(column).to_string())),
        None => sql!(
            "pg_catalog.pg_get_serial_sequence({}, {})",
            Literal(&column.id.on_text()),
            Literal(column.id.name())
        ),
    }
}

/// `ADD GENERATED …`, which goes on after the values that are there.
fn gain_identity(column: &Object, context: &Context) -> Vec<Step> {
    let option = |name: &str| sequence_option(column, name).map(ToString::to_string);
    let descends = option("increment").is_some_and(|step| step.starts_with('-'));
    let sequence = identity_counter(column);
    let bound = option(if descends { "max" } else { "min" }).and_then(|bound| bound.parse().ok());
    let mut steps = vec![change(column, &sql!("ADD {}", identity(column)))];
    steps.extend(own_sequence_steps(column, context));
    steps.push(go_on(&column.id, &sequence, &column.id, descends, bound));
    steps
}

/// `DROP IDENTITY`. A sequence of its own can take the name of the identity's only then.
fn lose_identity(column: Pair<&Object>, context: &Context) -> Step {
    let name = sequence_name(column.before);
    let sequences = context.created.iter().filter(|id| id.kind == KindName::Sequence);
    let same = sequences.filter(|id| sql!("{}", id.qualified()).as_str() == name.as_str());
    same.fold(change(column.after, &sql!("DROP IDENTITY")), |step, id| step.precedes(id.clone()))
}

static GENERATED: Alteration = Alteration {
    name: "generated",
    steps: |column, context| {
        let (before, after) = (column.before.text("generated"), column.after.text("generated"));
        // A column cannot become a generated one; its values would be others anyway.
        let other = before.is_empty() || column.before.flag("virtual") != column.after.flag("virtual");
        let fixed = if after.is_empty() { column.before.flag("virtual") } else { !context.version().since(17) };
        if other || fixed {
            return None;
        }
        if follows_parent(column, "generated", context) {
            return Some(Vec::new());
        }
        if after.is_empty() {
            return Some(vec![change(column.after, &sql!("DROP EXPRESSION"))]);
        }
        let step = change(column.after, &sql!("SET EXPRESSION AS ({})", Expression(after)));
        Some(vec![step.hazard(Hazard::Rewrite(format!("rewrites the table of {}", column.after.id)))])
    },
};

fn storage(column: &Object, attribute: &str, word: &str) -> Step {
    let value = column.text(attribute);
    let value = if value.is_empty() { "DEFAULT".to_owned() } else { value.to_owned() };
    mark(column, &sql!("SET {} {}", Sql::trusted(word), Sql::trusted(value)), LockMode::AccessExclusive)
}

static STORAGE: Alteration = Alteration {
    name: "storage",
    steps: |column, context| {
        // `SET STORAGE DEFAULT` is of 16.
        if column.after.text("storage").is_empty() && !context.version().since(16) {
            let own = type_storage(column);
            let set = sql!("SET STORAGE {}", Sql::trusted(own));
            return Some(vec![mark(column.after, &set, LockMode::AccessExclusive)]);
        }
        Some(vec![storage(column.after, "storage", "STORAGE")])
    },
};

/// How a type that can be stored in several ways is stored when nobody says: all but `numeric` and the
/// network types are `extended`.
fn type_storage(column: Pair<&Object>) -> &'static str {
    let ty = column.after.text("type");
    let main = ["numeric", "inet", "cidr"].iter().any(|name| {
        ty.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('(') && !rest.ends_with(']'))
    });
    if main { "main" } else { "extended" }
}

static COMPRESSION: Alteration = Alteration {
    name: "compression",
    steps: |column, _| Some(vec![storage(column.after, "compression", "COMPRESSION")]),
};

static STATISTICS: Alteration = Alteration {
    name: "statistics",
    steps: |column, _| {
        let target = column.after.int("statistics").unwrap_or(-1);
        let set = sql!("SET STATISTICS {}", target);
        Some(vec![mark(column.after, &set, LockMode::ShareUpdateExclusive)])
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |column, _| {
        let only = alter(column.after, true, &Sql::default());
        let steps = option_steps(column, "options", &only);
        Some(steps.into_iter().map(|step| Step { action: crate::model::Action::Attach, ..step }).collect())
    },
};

static GRANTS: Alteration = Alteration {
    name: "grants",
    steps: |column, context| {
        let name = Ident(column.after.id.name());
        let on = sql!("TABLE {}", column.after.id.on());
        let privilege = |privilege: &str| sql!("{} ({})", Sql::trusted(privilege), name);
        Some(part_grant_steps(column, &privilege, &on, context))
    },
};

static FOREIGN_OPTIONS: Alteration = Alteration {
    name: "foreign options",
    steps: |column, _| {
        let changes = super::foreign_options::changes(column, "foreign_options");
        let sql = |what: &Sql| {
            let (table, name) = (column.after.id.on(), Ident(column.after.id.name()));
            sql!("ALTER FOREIGN TABLE {} ALTER COLUMN {} {}", table, name, what)
        };
        Some(changes.iter().map(|what| Step::attach(&column.after.id, sql(what))).collect())
    },
};
