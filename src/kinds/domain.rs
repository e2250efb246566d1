//! Domains (`pg_type`). Their constraints are objects of their own.

use super::common::{COMMENT, GRANTS, OWNER, comment, grants_column, owner_column};
use super::replace_in_place;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, KindName, Namespace, Presence, SystemCatalog,
    TypeChange, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, Object, ObjectId, Pair, PgVersion, Phase, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "domain",
    key: "domains",
    namespaces: &[Namespace::Types],
    catalog: Some(SystemCatalog::TYPE),
    presence: Presence::Types("d"),
    query,
    attributes: &[
        Attribute::altered(AttributeName::TYPE, ValueType::DataType, &BASE)
            .changes_type(TypeChange::Replacement)
            .doc("Underlying data type."),
        Attribute::altered(AttributeName::COLLATION, ValueType::Qualified, &BASE)
            .changes_type(TypeChange::Replacement)
            .doc("COLLATE, if it differs from the data type's collation."),
        Attribute::altered(AttributeName::DEFAULT, ValueType::Expression, &DEFAULT)
            .doc("DEFAULT expression for columns that have none of their own."),
        Attribute::altered(AttributeName::NOT_NULL, ValueType::Flag, &NOT_NULL).doc("NOT NULL."),
        Attribute::altered(AttributeName::NOT_NULL_NAME, ValueType::Name, &NOT_NULL).doc(
            "Name of the NOT NULL constraint, if it differs from the name that PostgreSQL would \
             choose (17 or later).",
        ),
        Attribute::attached(AttributeName::NOT_NULL_COMMENT, ValueType::Text, &NOT_NULL_COMMENT)
            .doc("Comment on the NOT NULL constraint (17 or later)."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    short_form: Some(AttributeName::TYPE),
    reference: |domain| sql!("DOMAIN {}", domain.id.qualified()),
    rename: Some(super::common::rename),
    create: |domain, _| vec![create(domain)],
    drop: |domain, _| Some(Step::drop(&domain.id, sql!("DROP DOMAIN {}", domain.id.qualified()))),
    default_acl_class: Some("types"),
    rebuilt_by: &[TypeChange::Replacement],
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let (name, comment) = if version.since(17) {
        (
            "(SELECT k.conname FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n' \
             AND k.conname <> t.typname || '_not_null' AND length(t.typname) < 54)",
            "(SELECT obj_description(k.oid, 'pg_constraint') FROM pg_constraint k WHERE k.contypid = t.oid \
             AND k.contype = 'n')",
        )
    } else {
        ("NULL::name", "NULL::text")
    };
    format!(
        "SELECT t.oid, n.nspname AS p1, t.typname AS p2, format_type(t.typbasetype, t.typtypmod) AS type, \
         CASE WHEN t.typcollation <> b.typcollation THEN (SELECT quote_ident(cn.nspname) || '.' || \
         quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace \
         WHERE l.oid = t.typcollation) END AS collation, \
         pg_get_expr(t.typdefaultbin, 0) AS default, t.typnotnull AS not_null, {name} AS not_null_name, \
         {comment} AS not_null_comment, {} AS owner, {} AS grants \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype \
         WHERE t.typtype = 'd' AND t.oid >= 16384",
        owner_column("t.typowner"),
        grants_column("t.typacl", 'T', "t.typowner"),
    )
}

fn create(domain: &Object) -> Step {
    let mut sql =
        sql!("CREATE DOMAIN {} AS {}", domain.id.qualified(), Expression(domain.text(AttributeName::TYPE)));
    if !domain.text(AttributeName::COLLATION).is_empty() {
        sql.push(&sql!("COLLATE {}", Expression(domain.text(AttributeName::COLLATION))));
    }
    if !domain.text(AttributeName::DEFAULT).is_empty() {
        sql.push(&sql!("DEFAULT {}", Expression(domain.text(AttributeName::DEFAULT))));
    }
    if domain.flag(AttributeName::NOT_NULL) {
        if !domain.text(AttributeName::NOT_NULL_NAME).is_empty() {
            sql.push(&sql!("CONSTRAINT {}", Ident(domain.text(AttributeName::NOT_NULL_NAME))));
        }
        sql.push(&sql!("NOT NULL"));
    }
    Step::create(&domain.id, sql)
}

fn alter(domain: &Object, action: &Sql) -> Option<Vec<Step>> {
    Some(vec![Step::alter(&domain.id, sql!("ALTER DOMAIN {} {}", domain.id.qualified(), action))])
}

static BASE: Alteration = Alteration {
    name: "base type",
    steps: |domain, context| {
        // Types that are based on the domain are replaced with it.
        let mut users = context.sides.before.dependents_of(&domain.after.id);
        if users.any(|(user, _)| matches!(user.kind, KindName::Attribute | KindName::Range)) {
            return None;
        }
        Some(replace_in_place::steps(domain, vec![create(domain.after)], context))
    },
};

static DEFAULT: Alteration = Alteration {
    name: "default",
    steps: |domain, _| {
        let default = domain.after.text(AttributeName::DEFAULT);
        if default.is_empty() {
            return alter(domain.after, &sql!("DROP DEFAULT"));
        }
        alter(domain.after, &sql!("SET DEFAULT {}", Expression(default)))
    },
};

/// Returns the hazard of a new constraint of a domain, if columns have the domain as their type.
pub fn scan_of_columns(domain: &ObjectId, context: &Context) -> Option<Hazard> {
    let mut users = context.sides.before.dependents_of(domain);
    let used = users.any(|(user, _)| user.kind == KindName::Column);
    used.then(|| {
        Hazard::Scan(format!("scans each table that has a column of type {domain} while writes wait"))
    })
}

static NOT_NULL: Alteration = Alteration {
    name: "not null",
    steps: |domain, context| {
        let mut steps = not_null_steps(domain);
        if domain.after.flag(AttributeName::NOT_NULL) && !domain.before.flag(AttributeName::NOT_NULL) {
            let hazard = scan_of_columns(&domain.after.id, context);
            steps.iter_mut().flatten().for_each(|step| step.hazards.extend(hazard.clone()));
        }
        steps
    },
};

fn not_null_steps(domain: Pair<&Object>) -> Option<Vec<Step>> {
    let (old_name, new_name) = (not_null_name(domain.before), not_null_name(domain.after));
    if domain.before.flag(AttributeName::NOT_NULL) && domain.after.flag(AttributeName::NOT_NULL) {
        return alter(domain.after, &sql!("RENAME CONSTRAINT {} TO {}", Ident(&old_name), Ident(&new_name)));
    }
    if domain.after.flag(AttributeName::NOT_NULL)
        && !domain.after.text(AttributeName::NOT_NULL_NAME).is_empty()
    {
        return alter(domain.after, &sql!("ADD CONSTRAINT {} NOT NULL", Ident(&new_name)));
    }
    if domain.after.flag(AttributeName::NOT_NULL) {
        return alter(domain.after, &sql!("SET NOT NULL"));
    }
    let steps = alter(domain.after, &sql!("DROP NOT NULL"))?;
    Some(steps.into_iter().map(|step| step.phase(Phase::Expand)).collect())
}

/// The name of the NOT NULL constraint.
fn not_null_name(domain: &Object) -> String {
    match domain.text(AttributeName::NOT_NULL_NAME) {
        "" => format!("{}_not_null", domain.id.name()),
        name => name.to_owned(),
    }
}

static NOT_NULL_COMMENT: Alteration = Alteration {
    name: "not null comment",
    steps: |domain, _| {
        // The comment is dropped with the constraint.
        if !domain.after.flag(AttributeName::NOT_NULL) {
            return Some(Vec::new());
        }
        let id = &domain.after.id;
        let constraint =
            sql!("CONSTRAINT {} ON DOMAIN {}", Ident(&not_null_name(domain.after)), id.qualified());
        Some(vec![Step::attach(id, comment(&constraint, domain.after.text(AttributeName::NOT_NULL_COMMENT)))])
    },
};
