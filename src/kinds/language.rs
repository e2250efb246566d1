//! Procedural languages (`pg_language`).

use super::catalog_text;
use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Object, Step};
use crate::sql;

attribute_names! {
    TRUSTED = "trusted",
    INLINE = "inline",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "language",
    key: "languages",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::LANGUAGE),
    presence: Presence::Rows(SystemCatalog::LANGUAGE),
    query: |_| {
        format!(
            "SELECT l.oid, l.lanname AS p1, l.lanpltrusted AS trusted, {} AS handler, {} AS inline, {} AS validator, \
             {} AS owner, {} AS grants FROM pg_language l WHERE l.lanispl AND l.oid >= 16384",
            catalog_text::routine("l.lanplcallfoid"),
            catalog_text::routine("l.laninline"),
            catalog_text::routine("l.lanvalidator"),
            owner_column("l.lanowner"),
            grants_column("l.lanacl", 'l', "l.lanowner"),
        )
    },
    attributes: &[
        Attribute::altered(AttributeName::TRUSTED, ValueType::Flag, &REDEFINE).doc("TRUSTED."),
        Attribute::altered(AttributeName::HANDLER, ValueType::Qualified, &REDEFINE)
            .doc("HANDLER function, which executes functions of the language."),
        Attribute::altered(AttributeName::INLINE, ValueType::Qualified, &REDEFINE)
            .doc("INLINE function, which executes DO blocks."),
        Attribute::altered(AttributeName::VALIDATOR, ValueType::Qualified, &REDEFINE)
            .doc("VALIDATOR function, which checks new functions."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |language| sql!("LANGUAGE {}", Ident(language.id.name())),
    rename: Some(super::common::rename_quietly),
    create: |language, _| vec![Step::create(&language.id, definition(language, "CREATE"))],
    drop: |language, _| Some(Step::drop(&language.id, sql!("DROP LANGUAGE {}", Ident(language.id.name())))),
    ..Kind::DEFAULT
};

fn definition(language: &Object, verb: &str) -> Sql {
    let trusted = Sql::trusted(if language.flag(AttributeName::TRUSTED) { "TRUSTED " } else { "" });
    let mut sql = sql!("{} {}LANGUAGE {}", Sql::trusted(verb), trusted, Ident(language.id.name()));
    for (attribute, word) in [
        (AttributeName::HANDLER, "HANDLER"),
        (AttributeName::INLINE, "INLINE"),
        (AttributeName::VALIDATOR, "VALIDATOR"),
    ] {
        if !language.text(attribute).is_empty() {
            sql.push(&sql!("{} {}", Sql::trusted(word), Expression(language.text(attribute))));
        }
    }
    sql
}

static REDEFINE: Alteration = Alteration {
    name: "redefine",
    steps: |language, _| {
        Some(vec![Step::alter(&language.after.id, definition(language.after, "CREATE OR REPLACE"))])
    },
};
