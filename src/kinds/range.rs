//! Range types (`pg_range`). Their multirange types and constructor functions are created and dropped with them.

use super::common::{COMMENT, GRANTS, OWNER, definition_list, grants_column, owner_column};
use super::{base_type, catalog_text};
use crate::model::kind::{Attribute, AttributeName, Kind, Namespace, Presence, SystemCatalog, ValueType};
use crate::model::sql::Sql;
use crate::model::{Object, PgVersion};
use crate::sql;

attribute_names! {
    SUBTYPE = "subtype",
    OPERATOR_CLASS = "operator_class",
    CANONICAL = "canonical",
    DIFFERENCE = "difference",
    MULTIRANGE = "multirange",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "range type",
    key: "range_types",
    namespaces: &[Namespace::Types],
    catalog: Some(SystemCatalog::TYPE),
    presence: Presence::Types("r"),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::SUBTYPE, ValueType::DataType)
            .doc("SUBTYPE: data type of the bounds."),
        Attribute::replaced(AttributeName::OPERATOR_CLASS, ValueType::Qualified)
            .doc("SUBTYPE_OPCLASS, if it differs from the subtype's default operator class."),
        Attribute::replaced(AttributeName::COLLATION, ValueType::Qualified)
            .doc("COLLATION, if it differs from the subtype's."),
        Attribute::replaced(AttributeName::CANONICAL, ValueType::Qualified)
            .doc("CANONICAL: function that converts ranges to canonical form."),
        Attribute::replaced(AttributeName::DIFFERENCE, ValueType::Qualified).doc(
            "SUBTYPE_DIFF: function that returns the difference between two values of the \
             subtype.",
        ),
        Attribute::replaced(AttributeName::MULTIRANGE, ValueType::Qualified)
            .doc("MULTIRANGE_TYPE_NAME, if it differs from the name that PostgreSQL would choose."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    short_form: Some(AttributeName::SUBTYPE),
    reference: |ty| sql!("TYPE {}", ty.id.qualified()),
    create: |ty, context| base_type::create_after_shell(ty, context, definition(ty)),
    drop: |ty, context| Some(base_type::drop_with_functions(ty, context.sides.before)),
    has_shell: true,
    default_acl_class: Some("types"),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT t.oid, n.nspname AS p1, t.typname AS p2, format_type(r.rngsubtype, NULL) AS subtype, \
         CASE WHEN NOT o.opcdefault THEN {} END AS operator_class, \
         CASE WHEN r.rngcollation <> s.typcollation THEN {} END AS collation, \
         {} AS canonical, {} AS difference, \
         CASE WHEN m.typnamespace <> t.typnamespace OR m.typname <> left(CASE WHEN t.typname LIKE '%range%' \
         THEN regexp_replace(t.typname, 'range', 'multirange') ELSE left(t.typname, 52) || '_multirange' END, 63) \
         THEN quote_ident(mn.nspname) || '.' || quote_ident(m.typname) END AS multirange, {} AS owner, {} AS grants \
         FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace \
         JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc \
         JOIN pg_type m ON m.oid = r.rngmultitypid JOIN pg_namespace mn ON mn.oid = m.typnamespace \
         WHERE t.oid >= 16384",
        catalog_text::in_schema("pg_opclass", "opc", "o.oid"),
        catalog_text::in_schema("pg_collation", "coll", "r.rngcollation"),
        catalog_text::routine("r.rngcanonical"),
        catalog_text::routine("r.rngsubdiff"),
        owner_column("t.typowner"),
        grants_column("t.typacl", 'T', "t.typowner"),
    )
}

fn definition(ty: &Object) -> Sql {
    let list = [
        ("SUBTYPE", ty.get(AttributeName::SUBTYPE)),
        ("SUBTYPE_OPCLASS", ty.get(AttributeName::OPERATOR_CLASS)),
        ("COLLATION", ty.get(AttributeName::COLLATION)),
        ("CANONICAL", ty.get(AttributeName::CANONICAL)),
        ("SUBTYPE_DIFF", ty.get(AttributeName::DIFFERENCE)),
        ("MULTIRANGE_TYPE_NAME", ty.get(AttributeName::MULTIRANGE)),
    ];
    sql!("CREATE TYPE {} AS RANGE {}", ty.id.qualified(), definition_list(&list))
}
