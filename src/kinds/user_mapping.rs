//! User mappings (`pg_user_mapping`). Their options may contain passwords, which the server shows only to some roles.

use super::foreign_options;
use crate::model::kind::{Alteration, AttributeName, Identity, Kind, KindName, Presence, SystemCatalog};
use crate::model::sql::{Ident, RoleName, Sql};
use crate::model::{Object, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "user mapping",
    key: "user_mappings",
    identity: Identity::OnGlobal,
    parents: &[KindName::Server],
    catalog: Some(SystemCatalog::USER_MAPPING),
    presence: Presence::Rows(SystemCatalog::FOREIGN_SERVER),
    query: |_| {
        "SELECT u.umid AS oid, u.srvname AS p1, u.usename AS p2, u.umoptions AS options \
         FROM pg_user_mappings u WHERE u.umid >= 16384"
            .into()
    },
    attributes: &[foreign_options::attribute(&ALTER)],
    reference,
    create: |mapping, _| {
        let options = foreign_options::clause(mapping.map(AttributeName::OPTIONS));
        vec![Step::create(&mapping.id, sql!("CREATE {}", reference(mapping)).then(&options))]
    },
    drop: |mapping, _| Some(Step::drop(&mapping.id, sql!("DROP {}", reference(mapping)))),
    // A server cannot be dropped while it has user mappings.
    dropped_with_parent: false,
    ..Kind::DEFAULT
};

fn reference(mapping: &Object) -> Sql {
    sql!("USER MAPPING FOR {} SERVER {}", RoleName(mapping.id.name()), Ident(&mapping.id.path()[0]))
}

static ALTER: Alteration = Alteration {
    name: "alter",
    steps: |mapping, _| {
        let Some(options) = foreign_options::changes(mapping, AttributeName::OPTIONS) else {
            return Some(Vec::new());
        };
        let sql = sql!("ALTER {}", reference(mapping.after)).then(&options);
        Some(vec![Step::alter(&mapping.after.id, sql)])
    },
};
