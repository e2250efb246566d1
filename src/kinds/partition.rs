//! The place of a table among the partitions of another (`pg_inherits`, `pg_class.relpartbound`).
//!
//! A partition is created as a table of its own and then attached, as `pg_dump` does: that keeps its
//! column order, and takes a weaker lock on the parent than `PARTITION OF` does.

use crate::model::kind::{Attribute, Context, Identity, Kind, KindName, Presence, ValueType};
use crate::model::sql::Expression;
use crate::model::{Catalog, DependencyKind, Hazard, LockMode, Object, ObjectId, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "partition",
    key: "partition",
    identity: Identity::OfRelation,
    presence: Presence::Relations("p"),
    parents: &[KindName::Table, KindName::ForeignTable],
    // Bounds do not overlap, so that what goes makes room for what comes.
    reserves: |partition| {
        let whole = crate::model::sql::split_qualified_name(partition.text("of"));
        (whole.len() == 2).then(|| ObjectId::new(KindName::Table, &whole))
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
        Attribute::replaced("of", ValueType::Qualified).doc("Partitioned table."),
        Attribute::replaced("bound", ValueType::Expression).doc("Partition bound: FOR VALUES ... or DEFAULT."),
    ],
    create: |partition, context| {
        let sql = sql!(
            "ALTER TABLE {} ATTACH PARTITION {} {}",
            Expression(partition.text("of")),
            partition.id.on(),
            Expression(partition.text("bound")),
        );
        let mut step = Step::create(&partition.id, sql).lock(LockMode::AccessExclusive, &partition.id);
        step.hazards.push(Hazard::Scan(format!("reads {} while everybody waits", partition.id)));
        for first in
            shares_of_old_indexes(partition, context).into_iter().chain(parts(partition, context.sides.after))
        {
            step = step.requires(first);
        }
        vec![step]
    },
    drop: |partition, context| {
        let sql =
            sql!("ALTER TABLE {} DETACH PARTITION {}", Expression(partition.text("of")), partition.id.on());
        let step = Step::drop(&partition.id, sql).lock(LockMode::AccessExclusive, partition.text("of"));
        // What it had from a table that goes is its own from then on, and goes by itself.
        let before = context.sides.before;
        let whole_goes = parents(partition, before).iter().any(|parent| context.dropped.contains(parent));
        let parts = before.parent(&partition.id).filter(|table| whole_goes && !context.dropped.contains(table));
        let parts = parts.into_iter().flat_map(|table| before.children(&table));
        let gone = parts.filter(|part| part.id != partition.id && context.dropped.contains(&part.id));
        Some(gone.fold(step, |step, part| step.precedes(part.id.clone())))
    },
    unrecorded_dependencies: depends,
    ..Kind::DEFAULT
};

/// Indexes of the new partition that will be shares of indexes which the parent has already: attaching
/// would build others in their place.
fn shares_of_old_indexes(partition: &Object, context: &Context) -> Vec<ObjectId> {
    let after = context.sides.after;
    let Some(table) = after.parent(&partition.id) else { return Vec::new() };
    after
        .children(&table)
        .filter(|part| {
            after
                .dependencies_of(&part.id)
                .any(|(whole, kind)| kind == DependencyKind::Part && !context.is_new(whole))
        })
        .map(|part| part.id.clone())
        .collect()
}

/// The parent. Its columns are no dependencies: they come and go without the partition's being detached.
fn depends(partition: &Object, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    let parents = parents(partition, catalog);
    parents.into_iter().map(|parent| (parent, DependencyKind::Normal)).collect()
}

fn parents(partition: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    let Some(table) = catalog.parent(&partition.id) else { return Vec::new() };
    let parents = catalog.dependencies_of(&table).map(|(parent, _)| parent);
    parents.filter(|parent| parent.kind == KindName::Table).cloned().collect()
}

/// Columns and checks of both, which must match when the partition is attached.
fn parts(partition: &Object, catalog: &Catalog) -> Vec<ObjectId> {
    let tables = catalog.parent(&partition.id).into_iter().chain(parents(partition, catalog));
    let parts =
        tables.flat_map(|table| catalog.children(&table).map(|part| part.id.clone()).collect::<Vec<_>>());
    parts.filter(|part| matches!(part.kind, KindName::Column | KindName::Check)).collect()
}
