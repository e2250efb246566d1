//! Text search configurations with their mappings (`pg_ts_config`, `pg_ts_config_map`).

use super::catalog_text;
use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{Alteration, Attribute, AttributeName, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Object, Pair, Step, Value};
use crate::sql;

attribute_names! {
    PARSER = "parser",
    MAPPINGS = "mappings",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "text search configuration",
    key: "text_search_configurations",
    catalog: Some(SystemCatalog::TS_CONFIG),
    presence: Presence::Rows(SystemCatalog::TS_CONFIG),
    query: |_| {
        format!(
            "SELECT c.oid, n.nspname AS p1, c.cfgname AS p2, {} AS parser, ARRAY(SELECT t.alias || '=' || \
             string_agg({}, ', ' ORDER BY m.mapseqno) FROM pg_ts_config_map m \
             JOIN ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype \
             WHERE m.mapcfg = c.oid GROUP BY m.maptokentype, t.alias ORDER BY m.maptokentype) AS mappings, {} AS owner \
             FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace WHERE c.oid >= 16384",
            catalog_text::in_schema("pg_ts_parser", "prs", "c.cfgparser"),
            catalog_text::in_schema("pg_ts_dict", "dict", "m.mapdict"),
            owner_column("c.cfgowner"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::PARSER, ValueType::Qualified).doc("PARSER."),
        Attribute::altered(AttributeName::MAPPINGS, ValueType::Options, &MAPPINGS)
            .doc("Dictionaries for each token type, in the order in which they are consulted."),
        OWNER,
        COMMENT,
    ],
    reference: |configuration| sql!("TEXT SEARCH CONFIGURATION {}", configuration.id.qualified()),
    rename: Some(super::common::rename),
    create: |configuration, _| {
        let parser = Expression(configuration.text(AttributeName::PARSER));
        let id = &configuration.id;
        let sql = sql!("CREATE TEXT SEARCH CONFIGURATION {} (PARSER = {})", id.qualified(), parser);
        let mut steps = vec![Step::create(id, sql)];
        let blank = Object::new(id.clone());
        steps.extend(mappings(Pair { before: &blank, after: configuration }));
        steps
    },
    drop: |configuration, _| {
        Some(Step::drop(
            &configuration.id,
            sql!("DROP TEXT SEARCH CONFIGURATION {}", configuration.id.qualified()),
        ))
    },
    ..Kind::DEFAULT
};

/// Returns a statement for each list of dictionaries and the token types that are mapped to it.
fn mappings(configuration: Pair<&Object>) -> Vec<Step> {
    let (before, after) =
        (configuration.before.map(AttributeName::MAPPINGS), configuration.after.map(AttributeName::MAPPINGS));
    let id = &configuration.after.id;
    let find = |side: &[(String, Value)], token: &str| {
        side.iter().find(|(t, _)| t == token).map(|(_, d)| d.to_string())
    };
    let mut groups: Vec<(&str, String, Vec<Sql>)> = Vec::new();
    let mut add = |verb: &'static str, with: String, token: &str| {
        let token = sql!("{}", Ident(token));
        match groups.iter_mut().find(|(v, w, _)| *v == verb && *w == with) {
            Some((_, _, tokens)) => tokens.push(token),
            None => groups.push((verb, with, vec![token])),
        }
    };
    for (token, _) in before.iter().filter(|(token, _)| find(after, token).is_none()) {
        add("DROP", String::new(), token);
    }
    for (token, with) in after {
        match find(before, token) {
            Some(old) if old == with.to_string() => {}
            Some(_) => add("ALTER", with.to_string(), token),
            None => add("ADD", with.to_string(), token),
        }
    }
    let step = |(verb, with, tokens): (&str, String, Vec<Sql>)| {
        let head =
            sql!("ALTER TEXT SEARCH CONFIGURATION {} {} MAPPING FOR", id.qualified(), Sql::trusted(verb));
        let mut sql = head.then(&Sql::join(&tokens, ", "));
        if !with.is_empty() {
            sql.push(&sql!("WITH {}", Expression(&with)));
        }
        Step::alter(id, sql)
    };
    groups.into_iter().map(step).collect()
}

static MAPPINGS: Alteration =
    Alteration { name: "mappings", steps: |configuration, _| Some(mappings(configuration)) };
