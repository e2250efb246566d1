//! Extensions (`pg_extension`). Their objects are not managed separately.

use super::common::COMMENT;
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, KindName, SystemCatalog, ValueType,
};
use crate::model::sql::Ident;
use crate::model::{DependencyKind, ObjectId, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "extension",
    key: "extensions",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::EXTENSION),
    query: |_| {
        "SELECT e.oid, e.extname AS p1, n.nspname AS schema FROM pg_extension e \
         JOIN pg_namespace n ON n.oid = e.extnamespace"
            .into()
    },
    // CREATE EXTENSION sets a comment, so that one is declared only if it differs. The version depends on the server and is
    // not compared, as in pg_dump.
    attributes: &[
        Attribute::altered(AttributeName::SCHEMA, ValueType::Name, &SET_SCHEMA).doc("SCHEMA of its objects."),
        COMMENT,
    ],
    short_form: Some(AttributeName::SCHEMA),
    reference: |extension| sql!("EXTENSION {}", Ident(extension.id.name())),
    create: |extension, _| {
        let (name, schema) = (extension.id.name(), extension.text(AttributeName::SCHEMA));
        let sql = if schema.is_empty() {
            sql!("CREATE EXTENSION {}", Ident(name))
        } else {
            sql!("CREATE EXTENSION {} WITH SCHEMA {}", Ident(name), Ident(schema))
        };
        vec![Step::create(&extension.id, sql)]
    },
    drop: |extension, _| {
        Some(Step::drop(&extension.id, sql!("DROP EXTENSION {}", Ident(extension.id.name()))))
    },
    unrecorded_dependencies: |extension, _| {
        let schema = ObjectId::new(KindName::Schema, &[extension.text(AttributeName::SCHEMA)]);
        vec![(schema, DependencyKind::Normal)]
    },
    ..Kind::DEFAULT
};

static SET_SCHEMA: Alteration = Alteration {
    name: "set schema",
    steps: |extension, _| {
        let id = &extension.after.id;
        let sql = sql!(
            "ALTER EXTENSION {} SET SCHEMA {}",
            Ident(id.name()),
            Ident(extension.after.text(AttributeName::SCHEMA))
        );
        Some(vec![Step::alter(id, sql)])
    },
};
