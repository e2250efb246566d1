//! Partitions: tables that are attached to a partitioned table (`pg_inherits`, `pg_class.relpartbound`).
//!
//! A partition is created as a table and then attached, as `pg_dump` does. That keeps its column order and takes a weaker
//! lock on the partitioned table than `PARTITION OF`.

use crate::model::kind::{Attribute, AttributeName, Context, Identity, Kind, KindName, Presence, ValueType};
use crate::model::sql::Expression;
use crate::model::{Catalog, DependencyKind, Hazard, LockMode, Object, ObjectId, Step};
use crate::sql;

attribute_names! {
    OF = "of",
    BOUND = "bound",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "partition",
    key: "partition",
    identity: Identity::OfRelation,
    presence: Presence::Relations("p"),
    parents: &[KindName::Table, KindName::ForeignTable],
    // Bounds must not overlap, so that an old partition is detached before a new one is attached.
    reserves: |partition| {
        let parent = crate::model::sql::split_qualified_name(partition.text(AttributeName::OF));
        (parent.len() == 2).then(|| ObjectId::new(KindName::Table, &parent))
    },
    query: |_| {
        "SELECT c.oid, n.nspname AS p1, c.relname AS p2, \
         quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS of, \
         pg_get_expr(c.relpartbound, c.oid) AS bound \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent \
         JOIN pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND c.oid >= 16384"
            .into()
    },
    attributes: &[
        Attribute::replaced(AttributeName::OF, ValueType::Qualified).doc("Partitioned table."),
        Attribute::replaced(AttributeName::BOUND, ValueType::Expression)
            .doc("Partition bound: FOR VALUES ... or DEFAULT."),
    ],
    create: |partition, context| {
        let sql = sql!(
            "ALTER TABLE {} ATTACH PARTITION {} {}",
            Expression(partition.text(AttributeName::OF)),
            partition.id.qualified_relation(),
            Expression(partition.text(AttributeName::BOUND)),
        );
        let mut step = Step::create(&partition.id, sql).lock(LockMode::AccessExclusive, &partition.id);
        step.hazards.push(Hazard::Scan(format!("scans {} while reads and writes of it wait", partition.id)));
        let indexes = indexes_to_attach(partition, context);
        let required = indexes.into_iter().chain(parts(partition, context.sides.after));
        vec![required.fold(step, Step::requires)]
    },
    drop: |partition, context| {
        let sql = sql!(
            "ALTER TABLE {} DETACH PARTITION {}",
            Expression(partition.text(AttributeName::OF)),
            partition.id.qualified_relation()
        );
        let step =
            Step::drop(&partition.id, sql).lock(LockMode::AccessExclusive, partition.text(AttributeName::OF));
        // After it is detached from a table that is dropped, its columns and constraints are its own and are dropped
        // separately.
        let before = context.sides.before;
        let parent_is_dropped =
            parents(partition, before).iter().any(|parent| context.dropped.contains(parent));
        let table = before.parent(&partition.id);
        let table = table.filter(|table| parent_is_dropped && !context.dropped.contains(table));
        let parts = table.into_iter().flat_map(|table| before.children(&table));
        let dropped = parts.filter(|part| part.id != partition.id && context.dropped.contains(&part.id));
        Some(dropped.fold(step, |step, part| step.precedes(part.id.clone())))
    },
    unrecorded_dependencies: |partition, catalog| {
        // Columns of the parent are not dependencies, because they are added and dropped while it is attached.
        let parents = parents(partition, catalog);
        parents.into_iter().map(|parent| (parent, DependencyKind::Normal)).collect()
    },
    ..Kind::DEFAULT
};

/// Indexes of the new partition that match existing indexes of the partitioned table. If they did not exist, ATTACH PARTITION
/// would build new ones.
fn indexes_to_attach(partition: &Object, context: &Context) -> Vec<ObjectId> {
    let after = context.sides.after;
    let Some(table) = after.parent(&partition.id) else { return Vec::new() };
    after
        .children(&table)
        .filter(|part| {
            after
                .dependencies_of(&part.id)
                .any(|(index, kind)| kind == DependencyKind::Part && !context.is_new(index))
        })
        .map(|part| part.id.clone())
        .collect()
}

/// The partitioned table.
fn parents(partition: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    let Some(table) = catalog.parent(&partition.id) else { return Vec::new() };
    let parents = catalog.dependencies_of(&table).map(|(parent, _)| parent);
    parents.filter(|parent| parent.kind == KindName::Table).cloned().collect()
}

/// Columns and CHECK constraints of both tables, which must match when the partition is attached.
fn parts(partition: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    let tables = catalog.parent(&partition.id).into_iter().chain(parents(partition, catalog));
    let parts =
        tables.flat_map(|table| catalog.children(&table).map(|part| part.id.clone()).collect::<Vec<_>>());
    parts.filter(|part| matches!(part.kind, KindName::Column | KindName::Check)).collect()
}
