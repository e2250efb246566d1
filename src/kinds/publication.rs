//! Publications (`pg_publication`). Their tables and schemas are objects of their own.

use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{Object, PgVersion, Step};
use crate::sql;

attribute_names! {
    ALL_TABLES = "all_tables",
    OPERATIONS = "operations",
    VIA_ROOT = "via_root",
    GENERATED_COLUMNS = "generated_columns",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "publication",
    key: "publications",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::PUBLICATION),
    presence: Presence::Rows(SystemCatalog::PUBLICATION),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::ALL_TABLES, ValueType::Flag).doc("FOR ALL TABLES."),
        Attribute::altered(AttributeName::OPERATIONS, ValueType::Text, &SET)
            .doc("publish: operations; by default insert, update, delete, truncate."),
        Attribute::altered(AttributeName::VIA_ROOT, ValueType::Flag, &SET).doc("publish_via_partition_root."),
        Attribute::altered(AttributeName::GENERATED_COLUMNS, ValueType::Flag, &SET)
            .doc("publish_generated_columns = stored (18 or later)."),
        OWNER,
        COMMENT,
    ],
    reference: |publication| sql!("PUBLICATION {}", Ident(publication.id.name())),
    rename: Some(super::common::rename),
    create: |publication, _| {
        let mut sql = sql!("CREATE PUBLICATION {}", Ident(publication.id.name()));
        if publication.flag(AttributeName::ALL_TABLES) {
            sql.push(&sql!("FOR ALL TABLES"));
        }
        let list = parameters(&Object::new(publication.id.clone()), publication);
        if !list.is_empty() {
            sql.push(&sql!("WITH ({})", Sql::join(&list, ", ")));
        }
        vec![Step::create(&publication.id, sql)]
    },
    drop: |publication, _| {
        Some(Step::drop(&publication.id, sql!("DROP PUBLICATION {}", Ident(publication.id.name()))))
    },
    ..Kind::DEFAULT
};

/// The operations that a publication publishes by default.
const OPERATIONS: &str = "insert, update, delete, truncate";

fn query(version: PgVersion) -> String {
    let generated = if version.since(18) { "p.pubgencols = 's'" } else { "false" };
    format!(
        "SELECT p.oid, p.pubname AS p1, p.puballtables AS all_tables, \
         CASE WHEN NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate) THEN COALESCE(NULLIF(concat_ws(', ', \
         CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, \
         CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END), ''), 'nothing') END AS operations, \
         p.pubviaroot AS via_root, {generated} AS generated_columns, {} AS owner \
         FROM pg_publication p WHERE p.oid >= 16384",
        owner_column("p.pubowner"),
    )
}

fn parameters(before: &Object, after: &Object) -> Vec<Sql> {
    let mut list = Vec::new();
    if before.get(AttributeName::OPERATIONS) != after.get(AttributeName::OPERATIONS) {
        let operations = match after.text(AttributeName::OPERATIONS) {
            "" => OPERATIONS,
            "nothing" => "",
            some => some,
        };
        list.push(sql!("publish = {}", crate::model::sql::Literal(operations)));
    }
    if before.flag(AttributeName::VIA_ROOT) != after.flag(AttributeName::VIA_ROOT) {
        list.push(sql!(
            "publish_via_partition_root = {}",
            Sql::trusted(after.flag(AttributeName::VIA_ROOT).to_string())
        ));
    }
    if before.flag(AttributeName::GENERATED_COLUMNS) != after.flag(AttributeName::GENERATED_COLUMNS) {
        let word = if after.flag(AttributeName::GENERATED_COLUMNS) { "stored" } else { "none" };
        list.push(sql!("publish_generated_columns = {}", Sql::trusted(word)));
    }
    list
}

static SET: Alteration = Alteration {
    name: "set",
    steps: |publication, _| {
        let id = &publication.after.id;
        let list = Sql::join(&parameters(publication.before, publication.after), ", ");
        Some(vec![Step::alter(id, sql!("ALTER PUBLICATION {} SET ({})", Ident(id.name()), list))])
    },
};
