//! Foreign servers (`pg_foreign_server`).

use super::common::{COMMENT, GRANTS, OWNER, grants_column, owner_column};
use super::foreign_options;
use crate::model::Step;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Literal};
use crate::sql;

attribute_names! {
    WRAPPER = "wrapper",
    VERSION = "version",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "server",
    key: "servers",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::FOREIGN_SERVER),
    presence: Presence::Rows(SystemCatalog::FOREIGN_SERVER),
    query: |_| {
        format!(
            "SELECT s.oid, s.srvname AS p1, w.fdwname AS wrapper, s.srvtype AS type, s.srvversion AS version, \
             s.srvoptions AS options, {} AS owner, {} AS grants FROM pg_foreign_server s \
             JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE s.oid >= 16384",
            owner_column("s.srvowner"),
            grants_column("s.srvacl", 'S', "s.srvowner"),
        )
    },
    attributes: &[
        Attribute::replaced(AttributeName::WRAPPER, ValueType::Name).doc("FOREIGN DATA WRAPPER."),
        Attribute::replaced(AttributeName::TYPE, ValueType::Text).doc("TYPE."),
        Attribute::altered(AttributeName::VERSION, ValueType::Text, &ALTER).doc("VERSION."),
        foreign_options::attribute(&ALTER),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |server| sql!("SERVER {}", Ident(server.id.name())),
    rename: Some(super::common::rename_quietly),
    create: |server, _| {
        let mut sql = sql!("CREATE SERVER {}", Ident(server.id.name()));
        if !server.text(AttributeName::TYPE).is_empty() {
            sql.push(&sql!("TYPE {}", Literal(server.text(AttributeName::TYPE))));
        }
        if !server.text(AttributeName::VERSION).is_empty() {
            sql.push(&sql!("VERSION {}", Literal(server.text(AttributeName::VERSION))));
        }
        sql.push(&sql!("FOREIGN DATA WRAPPER {}", Ident(server.text(AttributeName::WRAPPER))));
        vec![Step::create(&server.id, sql.then(&foreign_options::clause(server.map(AttributeName::OPTIONS))))]
    },
    drop: |server, _| Some(Step::drop(&server.id, sql!("DROP SERVER {}", Ident(server.id.name())))),
    grant_reference: Some(|server| sql!("FOREIGN SERVER {}", Ident(server.id.name()))),
    ..Kind::DEFAULT
};

static ALTER: Alteration = Alteration {
    name: "alter",
    steps: |server, _| {
        let id = &server.after.id;
        let version = server.after.text(AttributeName::VERSION);
        let mut sql = sql!("ALTER SERVER {}", Ident(id.name()));
        if server.before.text(AttributeName::VERSION) != version {
            // The version cannot be removed, but set to NULL.
            sql.push(&if version.is_empty() {
                sql!("VERSION NULL")
            } else {
                sql!("VERSION {}", Literal(version))
            });
        } else if foreign_options::changes(server, AttributeName::OPTIONS).is_none() {
            return Some(Vec::new());
        }
        let options = foreign_options::changes(server, AttributeName::OPTIONS).unwrap_or_default();
        Some(vec![Step::alter(id, sql.then(&options))])
    },
};
