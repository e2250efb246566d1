//! Text search templates (`pg_ts_template`).

use super::catalog_text;
use super::common::{COMMENT, definition_list};
use crate::model::Step;
use crate::model::kind::{Attribute, AttributeName, Kind, Presence, SystemCatalog, ValueType};
use crate::sql;

attribute_names! {
    INIT = "init",
    LEXIZE = "lexize",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "text search template",
    key: "text_search_templates",
    catalog: Some(SystemCatalog::TS_TEMPLATE),
    presence: Presence::Rows(SystemCatalog::TS_TEMPLATE),
    query: |_| {
        format!(
            "SELECT t.oid, n.nspname AS p1, t.tmplname AS p2, {} AS init, {} AS lexize \
             FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE t.oid >= 16384",
            catalog_text::routine("t.tmplinit"),
            catalog_text::routine("t.tmpllexize"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::INIT, ValueType::Qualified).doc("INIT function."),
        Attribute::replaced(AttributeName::LEXIZE, ValueType::Qualified).doc("LEXIZE function."),
        COMMENT,
    ],
    reference: |template| sql!("TEXT SEARCH TEMPLATE {}", template.id.qualified()),
    rename: Some(super::common::rename),
    create: |template, _| {
        let list =
            [("INIT", template.get(AttributeName::INIT)), ("LEXIZE", template.get(AttributeName::LEXIZE))];
        let sql = sql!("CREATE TEXT SEARCH TEMPLATE {} {}", template.id.qualified(), definition_list(&list));
        vec![Step::create(&template.id, sql)]
    },
    drop: |template, _| {
        Some(Step::drop(&template.id, sql!("DROP TEXT SEARCH TEMPLATE {}", template.id.qualified())))
    },
    ..Kind::DEFAULT
};
