//! Tables, plain, partitioned and inheriting (`pg_class`).

use super::common::{
    COMMENT, GRANTS, OWNER, contract_if_existing, grants_column, option_steps, options, owner_column,
};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, KindName, Namespace, Presence, SystemCatalog,
    ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, Pair, Step};
use crate::sql;

attribute_names! {
    PERSISTENCE = "persistence",
    PARTITION_BY = "partition_by",
    OF_TYPE = "of_type",
    ROW_SECURITY = "row_security",
    FORCE_ROW_SECURITY = "force_row_security",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "table",
    key: "tables",
    namespaces: &[Namespace::Relations, Namespace::Types],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("rp"),
    query,
    attributes: &[
        Attribute::altered(
            AttributeName::PERSISTENCE,
            ValueType::Word(&["permanent", "unlogged"]),
            &PERSISTENCE,
        )
        .doc("Persistence: permanent or unlogged."),
        Attribute::replaced(AttributeName::PARTITION_BY, ValueType::Expression)
            .doc("PARTITION BY: RANGE (created_at), LIST (...), HASH (...)."),
        Attribute::altered(AttributeName::INHERITS, ValueType::QualifiedNames, &INHERITS)
            .doc("INHERITS: parent tables."),
        Attribute::altered(AttributeName::OF_TYPE, ValueType::Qualified, &OF_TYPE)
            .doc("OF: composite type of a typed table."),
        Attribute::altered(AttributeName::ACCESS_METHOD, ValueType::Name, &ACCESS_METHOD)
            .doc("USING: table access method; by default heap."),
        Attribute::altered(AttributeName::TABLESPACE, ValueType::Name, &TABLESPACE).doc("TABLESPACE."),
        Attribute::altered(AttributeName::OPTIONS, ValueType::Options, &OPTIONS)
            .doc("WITH: storage parameters; those of the TOAST table have the prefix `toast.`."),
        OWNER,
        GRANTS,
        Attribute::attached(AttributeName::ROW_SECURITY, ValueType::Flag, &ROW_SECURITY)
            .doc("ENABLE ROW LEVEL SECURITY."),
        Attribute::attached(AttributeName::FORCE_ROW_SECURITY, ValueType::Flag, &FORCE_ROW_SECURITY)
            .doc("FORCE ROW LEVEL SECURITY: policies apply to the owner of the table, too."),
        Attribute::attached(
            AttributeName::REPLICA_IDENTITY,
            ValueType::Word(&["default", "full", "nothing"]),
            &REPLICA_IDENTITY,
        )
        .doc("REPLICA IDENTITY; an index that identifies rows has its own replica_identity."),
        COMMENT,
    ],
    reference: |table| sql!("TABLE {}", table.id.qualified()),
    rename: Some(super::common::rename_relation),
    create,
    drop: |table, context| {
        let step = Step::drop(&table.id, sql!("DROP TABLE {}", table.id.qualified()));
        let step = step.lock(LockMode::AccessExclusive, &table.id);
        // The rows are in the partitions, which are detached while the table is replaced.
        if !table.text(AttributeName::PARTITION_BY).is_empty() && context.is_new(&table.id) {
            return Some(step);
        }
        Some(step.hazard(Hazard::DataLoss(format!("drops {} and its rows", table.id))))
    },
    default_acl_class: Some("tables"),
    grant_reference: Some(|table| sql!("TABLE {}", table.id.qualified())),
    stores_rows: true,
    holds_data: |_| true,
    ..Kind::DEFAULT
};

/// The parent tables of each child table, in order.
pub const PARENTS: &str = "(SELECT h.inhrelid, array_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname) \
    ORDER BY h.inhseqno) AS parents FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent \
    JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE p.relkind IN ('r', 'p', 'f') \
    GROUP BY h.inhrelid)";

/// The storage parameters of a relation `c` and of its TOAST table `t`.
pub const OPTIONS_WITH_TOAST: &str = "CASE WHEN t.reloptions IS NULL THEN c.reloptions ELSE c.reloptions || \
    ARRAY(SELECT 'toast.' || o FROM unnest(t.reloptions) AS o) END";

/// The join for `t`, if the TOAST table has parameters of its own.
pub const JOIN_TOAST: &str = "LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND t.reloptions IS NOT NULL";

/// The replica identity of a relation `c`, unless it is the default or an index.
pub const REPLICA_IDENTITY_WORD: &str =
    "CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' END";

fn query(_: crate::model::PgVersion) -> String {
    format!(
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, \
         CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence, \
         CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partition_by, \
         CASE WHEN NOT c.relispartition THEN i.parents END AS inherits, \
         CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type, \
         CASE WHEN a.amname <> 'heap' THEN a.amname END AS access_method, s.spcname AS tablespace, \
         {OPTIONS_WITH_TOAST} AS options, \
         {} AS owner, {} AS grants, c.relrowsecurity AS row_security, \
         c.relforcerowsecurity AS force_row_security, \
         {REPLICA_IDENTITY_WORD} AS replica_identity \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_am a ON a.oid = c.relam \
         LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
         {JOIN_TOAST} \
         LEFT JOIN {PARENTS} i ON i.inhrelid = c.oid \
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384",
        owner_column("c.relowner"),
        grants_column("c.relacl", 'r', "c.relowner"),
    )
}

fn create(table: &Object, _: &Context) -> Vec<Step> {
    let unlogged = if table.text(AttributeName::PERSISTENCE) == "unlogged" { "UNLOGGED " } else { "" };
    let head = sql!("CREATE {}TABLE {}", Sql::trusted(unlogged), table.id.qualified());
    let mut tail = Sql::default();
    let parents = table.list(AttributeName::INHERITS);
    if !parents.is_empty() {
        tail.push(&sql!("INHERITS ({})", super::common::expressions(parents)));
    }
    if !table.text(AttributeName::PARTITION_BY).is_empty() {
        tail.push(&sql!("PARTITION BY {}", Expression(table.text(AttributeName::PARTITION_BY))));
    }
    if !table.text(AttributeName::ACCESS_METHOD).is_empty() {
        tail.push(&sql!("USING {}", Ident(table.text(AttributeName::ACCESS_METHOD))));
    }
    if !table.map(AttributeName::OPTIONS).is_empty() {
        tail.push(&sql!("WITH ({})", options(table.map(AttributeName::OPTIONS))));
    }
    if !table.text(AttributeName::TABLESPACE).is_empty() {
        tail.push(&sql!("TABLESPACE {}", Ident(table.text(AttributeName::TABLESPACE))));
    }
    if table.text(AttributeName::OF_TYPE).is_empty() {
        return vec![Step::create(&table.id, head).entries(tail)];
    }
    // The columns of a typed table come from the type. Their other attributes are altered later.
    let head = sql!("{} OF {}", head, Expression(table.text(AttributeName::OF_TYPE)));
    vec![Step::create(&table.id, head.then(&tail))]
}

/// The `ALTER TABLE` step for an action that takes the strongest lock.
fn alter(table: &Object, action: &Sql) -> Step {
    Step::alter(&table.id, sql!("ALTER TABLE {} {}", table.id.qualified(), action))
        .lock(LockMode::AccessExclusive, &table.id)
}

/// The same step for an attached attribute.
fn attach(table: &Object, action: &Sql) -> Step {
    Step::attach(&table.id, sql!("ALTER TABLE {} {}", table.id.qualified(), action))
        .lock(LockMode::AccessExclusive, &table.id)
}

static PERSISTENCE: Alteration = Alteration {
    name: "persistence",
    steps: |table, _| {
        let word =
            if table.after.text(AttributeName::PERSISTENCE) == "unlogged" { "UNLOGGED" } else { "LOGGED" };
        let step = alter(table.after, &sql!("SET {}", Sql::trusted(word)));
        Some(vec![step.hazard(Hazard::Rewrite(format!("rewrites {}", table.after.id)))])
    },
};

/// The `NO INHERIT` and `INHERIT` actions. Because `INHERIT` appends a parent to the list, all parents after the first
/// difference are removed and added again.
pub fn parent_changes(table: Pair<&Object>) -> Vec<Sql> {
    let (before, after) =
        (table.before.list(AttributeName::INHERITS), table.after.list(AttributeName::INHERITS));
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let removed = before[same..].iter().map(|parent| sql!("NO INHERIT {}", Expression(parent)));
    removed.chain(after[same..].iter().map(|parent| sql!("INHERIT {}", Expression(parent)))).collect()
}

static INHERITS: Alteration = Alteration {
    name: "inherits",
    steps: |table, context| {
        let is_removal = |action: &&Sql| action.as_str().starts_with("NO ");
        let actions = parent_changes(table);
        // Inherited columns cannot be dropped, so that NO INHERIT precedes the drop.
        let before = context.sides.before;
        let parents = before.dependencies_of(&table.after.id).map(|(parent, _)| parent);
        let parts: Vec<_> = parents.chain([&table.after.id]).flat_map(|of| before.children(of)).collect();
        let precede_drops = |step| {
            let dropped = parts.iter().filter(|part| context.dropped.contains(&part.id));
            dropped.fold(step, |step: Step, part| step.precedes(part.id.clone()))
        };
        let removals = actions.iter().filter(is_removal);
        let mut steps: Vec<Step> =
            removals.map(|action| precede_drops(attach(table.after, action))).collect();
        // INHERIT requires that the child has the columns and constraints of the parent.
        let after = context.sides.after;
        let parents = after.dependencies_of(&table.after.id).map(|(parent, _)| parent);
        let parts: Vec<_> = parents.chain([&table.after.id]).flat_map(|of| after.children(of)).collect();
        for action in actions.iter().filter(|action| !is_removal(action)) {
            let parts =
                parts.iter().filter(|part| matches!(part.id.kind, KindName::Column | KindName::Check));
            let step = attach(table.after, action);
            steps.push(parts.fold(step, |step, part| step.requires(part.id.clone())));
        }
        Some(steps)
    },
};

static OF_TYPE: Alteration = Alteration {
    name: "of type",
    steps: |table, _| {
        let name = table.after.text(AttributeName::OF_TYPE);
        let action = if name.is_empty() { sql!("NOT OF") } else { sql!("OF {}", Expression(name)) };
        Some(vec![alter(table.after, &action)])
    },
};

static ACCESS_METHOD: Alteration = Alteration {
    name: "access method",
    steps: |table: Pair<&Object>, context| {
        if !context.version().since(15) {
            return None;
        }
        let name = table.after.text(AttributeName::ACCESS_METHOD);
        let name = if name.is_empty() { "heap" } else { name };
        let step = alter(table.after, &sql!("SET ACCESS METHOD {}", Ident(name)));
        Some(vec![step.hazard(Hazard::Rewrite(format!("rewrites {}", table.after.id)))])
    },
};

static TABLESPACE: Alteration = Alteration {
    name: "tablespace",
    steps: |table, _| {
        let name = table.after.text(AttributeName::TABLESPACE);
        let name = if name.is_empty() { "pg_default" } else { name };
        let step = alter(table.after, &sql!("SET TABLESPACE {}", Ident(name)));
        Some(vec![step.hazard(Hazard::Rewrite(format!("copies {}", table.after.id)))])
    },
};

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |table, _| {
        Some(option_steps(table, AttributeName::OPTIONS, &sql!("ALTER TABLE {}", table.after.id.qualified())))
    },
};

static ROW_SECURITY: Alteration = Alteration {
    name: "row security",
    steps: |table, context| {
        let word = if table.after.flag(AttributeName::ROW_SECURITY) { "ENABLE" } else { "DISABLE" };
        let step = attach(table.after, &sql!("{} ROW LEVEL SECURITY", Sql::trusted(word)));
        Some(vec![contract_if_existing(step, context)])
    },
};

static FORCE_ROW_SECURITY: Alteration = Alteration {
    name: "force row security",
    steps: |table, context| {
        let word = if table.after.flag(AttributeName::FORCE_ROW_SECURITY) { "FORCE" } else { "NO FORCE" };
        let step = attach(table.after, &sql!("{} ROW LEVEL SECURITY", Sql::trusted(word)));
        Some(vec![contract_if_existing(step, context)])
    },
};

/// `REPLICA IDENTITY` of a table or materialized view.
pub static REPLICA_IDENTITY: Alteration = Alteration {
    name: "replica identity",
    steps: |table, _| {
        let word = table.after.text(AttributeName::REPLICA_IDENTITY);
        let word = if word.is_empty() { "DEFAULT".into() } else { word.to_uppercase() };
        Some(vec![attach(table.after, &sql!("REPLICA IDENTITY {}", Sql::trusted(word)))])
    },
};
