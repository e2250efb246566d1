//! Conversions between encodings (`pg_conversion`).

use super::catalog_text;
use super::common::{COMMENT, OWNER, owner_column};
use crate::model::Step;
use crate::model::kind::{Attribute, AttributeName, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Literal, Sql};
use crate::sql;

attribute_names! {
    FROM = "from",
    TO = "to",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "conversion",
    key: "conversions",
    catalog: Some(SystemCatalog::CONVERSION),
    presence: Presence::Rows(SystemCatalog::CONVERSION),
    query: |_| {
        format!(
            "SELECT c.oid, n.nspname AS p1, c.conname AS p2, pg_encoding_to_char(c.conforencoding) AS from, \
             pg_encoding_to_char(c.contoencoding) AS to, {} AS function, c.condefault AS default, {} AS owner \
             FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.oid >= 16384",
            catalog_text::routine("c.conproc"),
            owner_column("c.conowner"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::FROM, ValueType::Text).doc("Source encoding."),
        Attribute::replaced(AttributeName::TO, ValueType::Text).doc("Destination encoding."),
        Attribute::replaced(AttributeName::FUNCTION, ValueType::Qualified).doc("FROM: conversion function."),
        Attribute::replaced(AttributeName::DEFAULT, ValueType::Flag)
            .doc("DEFAULT conversion from this source to this destination encoding."),
        OWNER,
        COMMENT,
    ],
    reference: |conversion| sql!("CONVERSION {}", conversion.id.qualified()),
    rename: Some(super::common::rename),
    create: |conversion, _| {
        let default = Sql::trusted(if conversion.flag(AttributeName::DEFAULT) { "DEFAULT " } else { "" });
        let sql = sql!(
            "CREATE {}CONVERSION {} FOR {} TO {} FROM {}",
            default,
            conversion.id.qualified(),
            Literal(conversion.text(AttributeName::FROM)),
            Literal(conversion.text(AttributeName::TO)),
            Expression(conversion.text(AttributeName::FUNCTION)),
        );
        vec![Step::create(&conversion.id, sql)]
    },
    drop: |conversion, _| {
        Some(Step::drop(&conversion.id, sql!("DROP CONVERSION {}", conversion.id.qualified())))
    },
    ..Kind::DEFAULT
};
