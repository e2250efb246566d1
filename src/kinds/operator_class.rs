//! Operator classes with their members (`pg_opclass`, `pg_amop`, `pg_amproc`).

use super::catalog_text;
use super::common::{COMMENT, OWNER, owner_column};
use super::operator_family::{members, name};
use crate::model::kind::{Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Object, PgVersion, Step};
use crate::sql;

attribute_names! {
    FAMILY = "family",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "operator class",
    key: "operator_classes",
    identity: Identity::Routine,
    catalog: Some(SystemCatalog::OPCLASS),
    presence: Presence::Rows(SystemCatalog::OPCLASS),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::TYPE, ValueType::DataType)
            .doc("FOR TYPE: data type that is indexed."),
        Attribute::replaced(AttributeName::DEFAULT, ValueType::Flag)
            .doc("DEFAULT operator class of the data type."),
        Attribute::replaced(AttributeName::FAMILY, ValueType::Qualified).doc("FAMILY."),
        Attribute::replaced(AttributeName::STORAGE, ValueType::DataType)
            .doc("STORAGE: data type that is stored, if it differs."),
        Attribute::replaced(AttributeName::OPERATORS, ValueType::Texts).doc("Operators: OPERATOR 1 <(a, b)."),
        Attribute::replaced(AttributeName::FUNCTIONS, ValueType::Texts)
            .doc("Support functions: FUNCTION 1 (a, b) f(a, b)."),
        OWNER,
        COMMENT,
    ],
    reference: |class| sql!("OPERATOR CLASS {}", name(class)),
    rename: Some(super::common::rename_quietly),
    create: |class, _| vec![Step::create(&class.id, definition(class))],
    drop: |class, _| Some(Step::drop(&class.id, sql!("DROP OPERATOR CLASS {}", name(class)))),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    let (operators, functions) = members("pg_opclass", 'i', "c.oid");
    format!(
        "SELECT c.oid, n.nspname AS p1, c.opcname AS p2, a.amname AS p3, format_type(c.opcintype, NULL) AS type, \
         c.opcdefault AS default, {} AS family, {} AS storage, {operators} AS operators, {functions} AS functions, \
         {} AS owner FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace \
         JOIN pg_am a ON a.oid = c.opcmethod WHERE c.oid >= 16384",
        catalog_text::in_schema("pg_opfamily", "opf", "c.opcfamily"),
        catalog_text::type_name("c.opckeytype"),
        owner_column("c.opcowner"),
    )
}

fn definition(class: &Object) -> Sql {
    let default = Sql::trusted(if class.flag(AttributeName::DEFAULT) { "DEFAULT " } else { "" });
    let ty = Expression(class.text(AttributeName::TYPE));
    let mut sql = sql!(
        "CREATE OPERATOR CLASS {}\n    {}FOR TYPE {} USING {}",
        class.id.qualified(),
        default,
        ty,
        Ident(class.id.arguments().unwrap_or_default()),
    );
    sql.push(&sql!("FAMILY {}", Expression(class.text(AttributeName::FAMILY))));
    let mut list: Vec<Sql> = class
        .list(AttributeName::OPERATORS)
        .iter()
        .chain(class.list(AttributeName::FUNCTIONS))
        .map(|m| Sql::trusted(m.as_str()))
        .collect();
    if !class.text(AttributeName::STORAGE).is_empty() {
        list.push(sql!("STORAGE {}", Expression(class.text(AttributeName::STORAGE))));
    } else if list.is_empty() {
        // The list must not be empty. This is the default.
        list.push(sql!("STORAGE {}", ty));
    }
    sql!("{} AS\n    {}", sql, Sql::join(&list, ",\n    "))
}
