//! Collations (`pg_collation`). Their version is determined by the server and not compared.

use super::common::{COMMENT, OWNER, definition_list, owner_column};
use super::replace_in_place;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Kind, Presence, SystemCatalog, TypeChange, ValueType,
};
use crate::model::{Object, PgVersion, Step, Value};
use crate::sql;

attribute_names! {
    PROVIDER = "provider",
    LOCALE = "locale",
    LC_COLLATE = "lc_collate",
    LC_CTYPE = "lc_ctype",
    NONDETERMINISTIC = "nondeterministic",
    RULES = "rules",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "collation",
    key: "collations",
    catalog: Some(SystemCatalog::COLLATION),
    presence: Presence::Rows(SystemCatalog::COLLATION),
    query,
    attributes: &[
        defining(AttributeName::PROVIDER, ValueType::Word(&["libc", "icu", "builtin"]))
            .doc("PROVIDER: libc, icu, or builtin (17 or later)."),
        defining(AttributeName::LOCALE, ValueType::Text).doc("LOCALE."),
        defining(AttributeName::LC_COLLATE, ValueType::Text)
            .doc("LC_COLLATE, if it differs from the locale."),
        defining(AttributeName::LC_CTYPE, ValueType::Text).doc("LC_CTYPE, if it differs from the locale."),
        defining(AttributeName::NONDETERMINISTIC, ValueType::Flag)
            .doc("DETERMINISTIC = false: strings of different bytes can be equal."),
        defining(AttributeName::RULES, ValueType::Text)
            .doc("RULES: additional ICU collation rules (16 or later)."),
        OWNER,
        COMMENT,
    ],
    reference: |collation| sql!("COLLATION {}", collation.id.qualified()),
    rename: Some(super::common::rename),
    create: |collation, _| vec![create(collation)],
    drop: |collation, _| Some(Step::drop(&collation.id, sql!("DROP COLLATION {}", collation.id.qualified()))),
    ..Kind::DEFAULT
};

fn create(collation: &Object) -> Step {
    let text = |name: AttributeName| collation.get(name).map(|value| quoted(&value.to_string()));
    let provider = Value::Text(match collation.text(AttributeName::PROVIDER) {
        "" => "libc".into(),
        other => other.into(),
    });
    let (locale, collate, ctype, rules) = (
        text(AttributeName::LOCALE),
        text(AttributeName::LC_COLLATE),
        text(AttributeName::LC_CTYPE),
        text(AttributeName::RULES),
    );
    let (no, root) = (Value::Text("false".into()), quoted(""));
    let list = [
        ("PROVIDER", Some(&provider)),
        ("DETERMINISTIC", collation.flag(AttributeName::NONDETERMINISTIC).then_some(&no)),
        // Providers other than libc have an empty locale, the root, which must be specified.
        (
            "LOCALE",
            locale.as_ref().or((!collation.text(AttributeName::PROVIDER).is_empty()).then_some(&root)),
        ),
        ("LC_COLLATE", collate.as_ref()),
        ("LC_CTYPE", ctype.as_ref()),
        ("RULES", rules.as_ref()),
    ];
    let sql = sql!("CREATE COLLATION {} {}", collation.id.qualified(), definition_list(&list));
    Step::create(&collation.id, sql)
}

fn quoted(text: &str) -> Value {
    Value::Text(sql!("{}", crate::model::sql::Literal(text)).to_string())
}

fn query(version: PgVersion) -> String {
    let locale = match version.major() {
        ..=14 => "NULLIF(c.collcollate::text, '')",
        15 | 16 => "c.colliculocale",
        _ => "c.colllocale",
    };
    let rules = if version.since(16) { "c.collicurules" } else { "NULL::text" };
    format!(
        "SELECT c.oid, n.nspname AS p1, c.collname AS p2, \
         CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END AS provider, \
         CASE WHEN c.collprovider <> 'c' THEN {locale} WHEN c.collcollate = c.collctype THEN c.collcollate::text END AS locale, \
         CASE WHEN c.collprovider = 'c' AND c.collcollate <> c.collctype THEN c.collcollate::text END AS lc_collate, \
         CASE WHEN c.collprovider = 'c' AND c.collcollate <> c.collctype THEN c.collctype::text END AS lc_ctype, \
         NOT c.collisdeterministic AS nondeterministic, {rules} AS rules, {} AS owner \
         FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace \
         WHERE c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) AND c.oid >= 16384",
        owner_column("c.collowner"),
    )
}

const fn defining(name: AttributeName, value_type: ValueType) -> Attribute {
    Attribute::altered(name, value_type, &REPLACE_IN_PLACE).changes_type(TypeChange::Replacement)
}

/// Replaces the collation in place if columns use it. Otherwise it is dropped and created again.
static REPLACE_IN_PLACE: Alteration = Alteration {
    name: "replace in place",
    steps: |collation, context| {
        if replace_in_place::columns(&collation.after.id, context).is_empty() {
            return None;
        }
        Some(replace_in_place::steps(collation, vec![create(collation.after)], context))
    },
};
