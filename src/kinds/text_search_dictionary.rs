//! Text search dictionaries (`pg_ts_dict`).

use super::catalog_text;
use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{Alteration, Attribute, AttributeName, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Sql};
use crate::model::{Phase, Step};
use crate::sql;

attribute_names! {
    TEMPLATE = "template",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "text search dictionary",
    key: "text_search_dictionaries",
    catalog: Some(SystemCatalog::TS_DICT),
    presence: Presence::Rows(SystemCatalog::TS_DICT),
    query: |_| {
        format!(
            "SELECT d.oid, n.nspname AS p1, d.dictname AS p2, {} AS template, d.dictinitoption AS options, {} AS owner \
             FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace WHERE d.oid >= 16384",
            catalog_text::in_schema("pg_ts_template", "tmpl", "d.dicttemplate"),
            owner_column("d.dictowner"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::TEMPLATE, ValueType::Qualified).doc("TEMPLATE."),
        Attribute::altered(AttributeName::OPTIONS, ValueType::Text, &OPTIONS)
            .doc("Options of the template, such as language = 'english', stopwords = 'english'."),
        OWNER,
        COMMENT,
    ],
    reference: |dictionary| sql!("TEXT SEARCH DICTIONARY {}", dictionary.id.qualified()),
    rename: Some(super::common::rename),
    create: |dictionary, _| {
        let mut list = sql!("TEMPLATE = {}", Expression(dictionary.text(AttributeName::TEMPLATE)));
        if !dictionary.text(AttributeName::OPTIONS).is_empty() {
            list = sql!("{}, {}", list, Expression(dictionary.text(AttributeName::OPTIONS)));
        }
        let sql = sql!("CREATE TEXT SEARCH DICTIONARY {} (\n    {}\n)", dictionary.id.qualified(), list);
        vec![Step::create(&dictionary.id, sql)]
    },
    drop: |dictionary, _| {
        Some(Step::drop(&dictionary.id, sql!("DROP TEXT SEARCH DICTIONARY {}", dictionary.id.qualified())))
    },
    ..Kind::DEFAULT
};

/// Splits the options, each with its name.
fn split(options: &str) -> Vec<(&str, &str)> {
    let (mut list, mut quoted, mut start) = (Vec::new(), None, 0);
    for (i, c) in options.char_indices().chain([(options.len(), ',')]) {
        match (quoted, c) {
            (None, '\'' | '"') => quoted = Some(c),
            (Some(mark), c) if mark == c => quoted = None,
            (None, ',') => {
                let option = options[start..i].trim();
                if !option.is_empty() {
                    list.push((option.split(" = ").next().unwrap_or(option), option));
                }
                start = (i + 1).min(options.len());
            }
            _ => {}
        }
    }
    list
}

static OPTIONS: Alteration = Alteration {
    name: "options",
    steps: |dictionary, _| {
        let (before, after) = (
            split(dictionary.before.text(AttributeName::OPTIONS)),
            split(dictionary.after.text(AttributeName::OPTIONS)),
        );
        // A name without a value removes the option. An option that is set again moves to the end of the list, whose order
        // is part of the text that the server stores.
        let removed =
            before.iter().filter(|(name, _)| !after.iter().any(|(n, _)| n == name)).map(|(name, _)| *name);
        let kept = before.iter().filter(|(name, _)| after.iter().any(|(n, _)| n == name));
        let same = kept.zip(&after).take_while(|(old, new)| old == new).count();
        let new = after[same..].iter().map(|(_, option)| *option);
        let list: Vec<Sql> = removed.chain(new).map(Sql::trusted).collect();
        if list.is_empty() {
            return Some(Vec::new());
        }
        let id = &dictionary.after.id;
        let sql = sql!("ALTER TEXT SEARCH DICTIONARY {} ({})", id.qualified(), Sql::join(&list, ", "));
        Some(vec![Step::alter(id, sql).phase(Phase::Expand)])
    },
};

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn options_are_split_at_commas_outside_quotes() {
        assert_eq!(split("a = 'x, y', \"B\" = 'it''s'"), [("a", "a = 'x, y'"), ("\"B\"", "\"B\" = 'it''s'")]);
        assert!(split("").is_empty());
    }
}
