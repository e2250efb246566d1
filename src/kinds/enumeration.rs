//! Enum types (`pg_enum`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use super::replace_in_place;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Kind, Namespace, Presence, SystemCatalog, TypeChange, ValueType,
};
use crate::model::sql::{Commas, Literal};
use crate::model::{Hazard, Object, Pair, PgVersion, Step, Transaction};
use crate::sql;

attribute_names! {
    LABELS = "labels",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "enum",
    key: "enums",
    namespaces: &[Namespace::Types],
    catalog: Some(SystemCatalog::TYPE),
    presence: Presence::Types("e"),
    query,
    attributes: &[
        Attribute::altered(AttributeName::LABELS, ValueType::Texts, &LABELS)
            .changes_type(TypeChange::Replacement)
            .doc("Labels in sort order."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    short_form: Some(AttributeName::LABELS),
    reference: |ty| sql!("TYPE {}", ty.id.qualified()),
    rename: Some(super::common::rename),
    create: |ty, _| vec![create(ty)],
    drop: |ty, _| Some(Step::drop(&ty.id, sql!("DROP TYPE {}", ty.id.qualified()))),
    default_acl_class: Some("types"),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT t.oid, n.nspname AS p1, t.typname AS p2, e.labels, {} AS owner, {} AS grants \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         LEFT JOIN (SELECT enumtypid, array_agg(enumlabel ORDER BY enumsortorder) AS labels FROM pg_enum \
         GROUP BY enumtypid) e ON e.enumtypid = t.oid WHERE t.typtype = 'e' AND t.oid >= 16384",
        owner_column("t.typowner"),
        grants_column("t.typacl", 'T', "t.typowner"),
    )
}

fn create(ty: &Object) -> Step {
    let labels = Commas(ty.list(AttributeName::LABELS).iter().map(|label| Literal(label)).collect());
    Step::create(&ty.id, sql!("CREATE TYPE {} AS ENUM ({})", ty.id.qualified(), labels))
}

/// Renames a label. Existing rows show the new one.
pub fn rename_value(ty: &Object, value: Pair<&str>) -> Step {
    let (old, new) = (Literal(value.before), Literal(value.after));
    let risk = format!("renames label {} of {} to {}", sql!("{}", old), ty.id, sql!("{}", new));
    Step::alter(&ty.id, sql!("ALTER TYPE {} RENAME VALUE {} TO {}", ty.id.qualified(), old, new))
        .hazard(Hazard::BreaksClients(risk))
}

/// Returns whether labels are only added.
fn only_adds(before: &[String], after: &[String]) -> bool {
    let mut rest = after.iter();
    before.iter().all(|label| rest.any(|other| other == label))
}

static LABELS: Alteration = Alteration {
    name: "labels",
    steps: |ty, context| {
        let (before, after) = (ty.before.list(AttributeName::LABELS), ty.after.list(AttributeName::LABELS));
        if !only_adds(before, after) {
            return Some(replace_in_place::steps(ty, vec![create(ty.after)], context));
        }
        let id = &ty.after.id;
        let mut steps = Vec::new();
        for (i, label) in after.iter().enumerate().filter(|(_, label)| !before.contains(label)) {
            let mut sql = sql!("ALTER TYPE {} ADD VALUE {}", id.qualified(), Literal(label));
            // ADD VALUE appends a label, unless it precedes an existing one.
            if let Some(next) = after[i + 1..].iter().find(|next| before.contains(next)) {
                sql.push(&sql!("BEFORE {}", Literal(next)));
            }
            steps.push(Step::alter(id, sql).transaction(Transaction::CommitAfter));
        }
        Some(steps)
    },
};
