//! Attributes of composite types (`pg_attribute`).

use std::collections::BTreeSet;

use super::common::COMMENT;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, Namespace, Presence, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::step::Clause;
use crate::model::{Catalog, Hazard, Object, ObjectId, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "attribute",
    key: "attributes",
    identity: Identity::OnRelation,
    parents: &[KindName::Composite],
    catalog: Some(SystemCatalog::CLASS),
    presence: Presence::Relations("c"),
    query: |_| {
        "SELECT c.oid, a.attnum AS sub, n.nspname AS p1, c.relname AS p2, a.attname AS p3, a.attnum AS position, \
         format_type(a.atttypid, a.atttypmod) AS type, \
         CASE WHEN a.attcollation <> t.typcollation THEN (SELECT quote_ident(cn.nspname) || '.' || \
         quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace \
         WHERE l.oid = a.attcollation) END AS collation \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid \
         WHERE c.relkind = 'c' AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped"
            .into()
    },
    attributes: &[
        Attribute::altered(AttributeName::TYPE, ValueType::DataType, &TYPE)
            .changes_type(TypeChange::Replacement)
            .doc("Data type."),
        Attribute::altered(AttributeName::COLLATION, ValueType::Qualified, &TYPE)
            .changes_type(TypeChange::Replacement)
            .doc("COLLATE, if it differs from the data type's collation."),
        COMMENT,
    ],
    short_form: Some(AttributeName::TYPE),
    reference: |attribute| {
        sql!("COLUMN {}.{}", attribute.id.qualified_relation(), Ident(attribute.id.name()))
    },
    rename: Some(|attribute, name| {
        let (ty, old) = (attribute.id.qualified_relation(), Ident(attribute.id.name()));
        // CASCADE renames the columns of typed tables, too.
        let sql = sql!("ALTER TYPE {} RENAME ATTRIBUTE {} TO {} CASCADE", ty, old, Ident(name));
        let risk = format!("renames {} to {}", attribute.id, sql!("{}", Ident(name)));
        Step::alter(&attribute.id, sql).hazard(Hazard::BreaksClients(risk))
    }),
    create: |attribute, _| {
        let definition = definition(attribute);
        let sql = sql!("ALTER TYPE {} ADD ATTRIBUTE {}", attribute.id.qualified_relation(), definition);
        let ty = ObjectId::new(KindName::Composite, &attribute.id.path()[..2]);
        vec![Step::create(&attribute.id, sql).folds(ty, Clause::Entry(definition))]
    },
    drop: |attribute, context| {
        let sql = sql!(
            "ALTER TYPE {} DROP ATTRIBUTE {}",
            attribute.id.qualified_relation(),
            Ident(attribute.id.name())
        );
        let step = Step::drop(&attribute.id, sql);
        let before = context.sides.before;
        let mut users = before.parent(&attribute.id).into_iter().flat_map(|ty| before.dependents_of(&ty));
        // Other users of the type, such as functions, do not store values.
        let is_stored = users.any(|(user, _)| {
            matches!(user.kind, KindName::Column | KindName::Table | KindName::Attribute | KindName::Domain)
        });
        let loss = || Hazard::DataLoss(format!("drops {} from all values of its type", attribute.id));
        Some(if is_stored { step.hazard(loss()) } else { step })
    },
    ordered: true,
    ..Kind::DEFAULT
};

fn definition(attribute: &Object) -> Sql {
    let mut sql = sql!("{} {}", Ident(attribute.id.name()), Expression(attribute.text(AttributeName::TYPE)));
    if !attribute.text(AttributeName::COLLATION).is_empty() {
        sql.push(&sql!("COLLATE {}", Expression(attribute.text(AttributeName::COLLATION))));
    }
    sql
}

static TYPE: Alteration = Alteration {
    name: "type",
    steps: |attribute, context| {
        let after = attribute.after;
        if is_stored_in_columns(
            &ObjectId::new(KindName::Composite, &after.id.path()[..2]),
            context.sides.before,
        ) {
            return None;
        }
        let mut sql = sql!(
            "ALTER TYPE {} ALTER ATTRIBUTE {} TYPE {}",
            after.id.qualified_relation(),
            Ident(after.id.name()),
            Expression(after.text(AttributeName::TYPE)),
        );
        if !after.text(AttributeName::COLLATION).is_empty() {
            sql.push(&sql!("COLLATE {}", Expression(after.text(AttributeName::COLLATION))));
        }
        Some(vec![Step::alter(&after.id, sql)])
    },
};

/// Returns whether columns store values of the type, directly or within other types.
fn is_stored_in_columns(ty: &ObjectId, catalog: &Catalog) -> bool {
    let (mut stack, mut seen) = (vec![ty.clone()], BTreeSet::new());
    while let Some(here) = stack.pop() {
        for (user, _) in catalog.dependents_of(&here) {
            if user.kind == KindName::Column {
                return true;
            }
            let composite = catalog.parent(user).filter(|_| user.kind == KindName::Attribute);
            let is_type = user.kind.get().namespaces.contains(&Namespace::Types);
            let ty = composite.or_else(|| is_type.then(|| user.clone()));
            stack.extend(ty.filter(|ty| seen.insert(ty.clone())));
        }
    }
    false
}
