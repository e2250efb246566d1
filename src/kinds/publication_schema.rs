//! Schemas of publications (`pg_publication_namespace`, PostgreSQL 15). All their tables are published.

use crate::model::kind::{Identity, Kind, KindName, Presence, SystemCatalog};
use crate::model::sql::{Ident, Sql};
use crate::model::{Object, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "publication schema",
    key: "schemas",
    identity: Identity::OnGlobal,
    parents: &[KindName::Publication],
    catalog: Some(SystemCatalog::PUBLICATION_NAMESPACE),
    presence: Presence::Rows(SystemCatalog::PUBLICATION),
    query: |version| {
        if !version.since(15) {
            return "SELECT 0 AS oid, '' AS p1, '' AS p2 WHERE false".into();
        }
        "SELECT r.oid, p.pubname AS p1, n.nspname AS p2 FROM pg_publication_namespace r \
         JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid WHERE r.oid >= 16384"
            .into()
    },
    create: |schema, _| vec![Step::create(&schema.id, statement(schema, "ADD"))],
    drop: |schema, _| Some(Step::drop(&schema.id, statement(schema, "DROP"))),
    ..Kind::DEFAULT
};

fn statement(schema: &Object, verb: &str) -> Sql {
    let publication = Ident(&schema.id.path()[0]);
    sql!(
        "ALTER PUBLICATION {} {} TABLES IN SCHEMA {}",
        publication,
        Sql::trusted(verb),
        Ident(schema.id.name())
    )
}
