//! Foreign data wrappers (`pg_foreign_data_wrapper`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use super::{catalog_text, foreign_options};
use crate::model::Step;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "foreign data wrapper",
    key: "foreign_data_wrappers",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::FOREIGN_DATA_WRAPPER),
    presence: Presence::Rows(SystemCatalog::FOREIGN_DATA_WRAPPER),
    query: |_| {
        format!(
            "SELECT w.oid, w.fdwname AS p1, {} AS handler, {} AS validator, w.fdwoptions AS options, {} AS owner, \
             {} AS grants FROM pg_foreign_data_wrapper w WHERE w.oid >= 16384",
            catalog_text::routine("w.fdwhandler"),
            catalog_text::routine("w.fdwvalidator"),
            owner_column("w.fdwowner"),
            grants_column("w.fdwacl", 'F', "w.fdwowner"),
        )
    },
    attributes: &[
        Attribute::altered(AttributeName::HANDLER, ValueType::Qualified, &ALTER)
            .doc("HANDLER function, which returns the execution functions for foreign tables."),
        Attribute::altered(AttributeName::VALIDATOR, ValueType::Qualified, &ALTER)
            .doc("VALIDATOR function, which checks options."),
        foreign_options::attribute(&ALTER),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |wrapper| sql!("FOREIGN DATA WRAPPER {}", Ident(wrapper.id.name())),
    rename: Some(super::common::rename_quietly),
    create: |wrapper, _| {
        let mut sql = sql!("CREATE FOREIGN DATA WRAPPER {}", Ident(wrapper.id.name()));
        for (attribute, word) in
            [(AttributeName::HANDLER, "HANDLER"), (AttributeName::VALIDATOR, "VALIDATOR")]
        {
            if !wrapper.text(attribute).is_empty() {
                sql.push(&sql!("{} {}", Sql::trusted(word), Expression(wrapper.text(attribute))));
            }
        }
        vec![Step::create(
            &wrapper.id,
            sql.then(&foreign_options::clause(wrapper.map(AttributeName::OPTIONS))),
        )]
    },
    drop: |wrapper, _| {
        Some(Step::drop(&wrapper.id, sql!("DROP FOREIGN DATA WRAPPER {}", Ident(wrapper.id.name()))))
    },
    ..Kind::DEFAULT
};

static ALTER: Alteration = Alteration {
    name: "alter",
    steps: |wrapper, _| {
        let id = &wrapper.after.id;
        let mut actions = Vec::new();
        for (attribute, word) in
            [(AttributeName::HANDLER, "HANDLER"), (AttributeName::VALIDATOR, "VALIDATOR")]
        {
            let (old, new) = (wrapper.before.text(attribute), wrapper.after.text(attribute));
            if old != new && new.is_empty() {
                actions.push(sql!("NO {}", Sql::trusted(word)));
            } else if old != new {
                actions.push(sql!("{} {}", Sql::trusted(word), Expression(new)));
            }
        }
        actions.extend(foreign_options::changes(wrapper, AttributeName::OPTIONS));
        if actions.is_empty() {
            return Some(Vec::new());
        }
        let sql = sql!("ALTER FOREIGN DATA WRAPPER {} {}", Ident(id.name()), Sql::join(&actions, " "));
        Some(vec![Step::alter(id, sql)])
    },
};
