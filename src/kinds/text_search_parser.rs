//! Text search parsers (`pg_ts_parser`).

use super::catalog_text;
use super::common::{COMMENT, definition_list};
use crate::model::Step;
use crate::model::kind::{Attribute, AttributeName, Kind, Presence, SystemCatalog, ValueType};
use crate::sql;

attribute_names! {
    TOKEN = "token",
    END = "end",
    HEADLINE = "headline",
    TYPES = "types",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "text search parser",
    key: "text_search_parsers",
    catalog: Some(SystemCatalog::TS_PARSER),
    presence: Presence::Rows(SystemCatalog::TS_PARSER),
    query: |_| {
        let routine = catalog_text::routine;
        format!(
            "SELECT p.oid, n.nspname AS p1, p.prsname AS p2, {} AS start, {} AS token, {} AS end, {} AS headline, \
             {} AS types FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid >= 16384",
            routine("p.prsstart"),
            routine("p.prstoken"),
            routine("p.prsend"),
            routine("p.prsheadline"),
            routine("p.prslextype"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::START, ValueType::Qualified).doc("START function."),
        Attribute::replaced(AttributeName::TOKEN, ValueType::Qualified).doc("GETTOKEN function."),
        Attribute::replaced(AttributeName::END, ValueType::Qualified).doc("END function."),
        Attribute::replaced(AttributeName::HEADLINE, ValueType::Qualified).doc("HEADLINE function."),
        Attribute::replaced(AttributeName::TYPES, ValueType::Qualified).doc("LEXTYPES function."),
        COMMENT,
    ],
    reference: |parser| sql!("TEXT SEARCH PARSER {}", parser.id.qualified()),
    rename: Some(super::common::rename),
    create: |parser, _| {
        let list = [
            ("START", parser.get(AttributeName::START)),
            ("GETTOKEN", parser.get(AttributeName::TOKEN)),
            ("END", parser.get(AttributeName::END)),
            ("HEADLINE", parser.get(AttributeName::HEADLINE)),
            ("LEXTYPES", parser.get(AttributeName::TYPES)),
        ];
        let sql = sql!("CREATE TEXT SEARCH PARSER {} {}", parser.id.qualified(), definition_list(&list));
        vec![Step::create(&parser.id, sql)]
    },
    drop: |parser, _| Some(Step::drop(&parser.id, sql!("DROP TEXT SEARCH PARSER {}", parser.id.qualified()))),
    ..Kind::DEFAULT
};
