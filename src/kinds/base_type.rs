//! Base types and shell types (`pg_type`).

use super::catalog_text;
use super::common::{COMMENT, GRANTS, OWNER, definition_list, grants_column, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Kind, Namespace, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Catalog, Object, ObjectId, PgVersion, Step, Value};
use crate::sql;

attribute_names! {
    INPUT = "input",
    OUTPUT = "output",
    RECEIVE = "receive",
    SEND = "send",
    MODIFIER_INPUT = "modifier_input",
    MODIFIER_OUTPUT = "modifier_output",
    ANALYZE = "analyze",
    SUBSCRIPT = "subscript",
    LENGTH = "length",
    BY_VALUE = "by_value",
    ALIGNMENT = "alignment",
    CATEGORY = "category",
    PREFERRED = "preferred",
    ELEMENT = "element",
    DELIMITER = "delimiter",
    COLLATABLE = "collatable",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "base type",
    key: "base_types",
    namespaces: &[Namespace::Types],
    catalog: Some(SystemCatalog::TYPE),
    presence: Presence::Found(
        "SELECT FROM pg_type WHERE oid >= 16384 AND (typtype = 'b' AND typinput <> 'array_in'::regproc OR typtype = 'p')",
    ),
    query,
    attributes: &[
        Attribute::altered(AttributeName::INPUT, ValueType::Qualified, &DEFINE)
            .doc("INPUT: function that converts text to the type. A shell type has none."),
        Attribute::altered(AttributeName::OUTPUT, ValueType::Qualified, &DEFINE)
            .doc("OUTPUT: function that converts the type to text."),
        Attribute::altered(AttributeName::RECEIVE, ValueType::Qualified, &SET)
            .doc("RECEIVE: binary input function."),
        Attribute::altered(AttributeName::SEND, ValueType::Qualified, &SET)
            .doc("SEND: binary output function."),
        Attribute::altered(AttributeName::MODIFIER_INPUT, ValueType::Qualified, &SET)
            .doc("TYPMOD_IN: type modifier input function."),
        Attribute::altered(AttributeName::MODIFIER_OUTPUT, ValueType::Qualified, &SET)
            .doc("TYPMOD_OUT: type modifier output function."),
        Attribute::altered(AttributeName::ANALYZE, ValueType::Qualified, &SET)
            .doc("ANALYZE: function that collects statistics."),
        Attribute::altered(AttributeName::SUBSCRIPT, ValueType::Qualified, &SET)
            .doc("SUBSCRIPT: subscripting handler function."),
        Attribute::replaced(AttributeName::LENGTH, ValueType::Number)
            .doc("INTERNALLENGTH in bytes; variable by default."),
        Attribute::replaced(AttributeName::BY_VALUE, ValueType::Flag).doc("PASSEDBYVALUE."),
        Attribute::replaced(AttributeName::ALIGNMENT, ValueType::Word(&["int4", "char", "int2", "double"]))
            .doc("ALIGNMENT."),
        Attribute::altered(
            AttributeName::STORAGE,
            ValueType::Word(&["plain", "external", "extended", "main"]),
            &SET,
        )
        .doc("STORAGE."),
        Attribute::replaced(AttributeName::CATEGORY, ValueType::Text)
            .doc("CATEGORY; by default U (user-defined)."),
        Attribute::replaced(AttributeName::PREFERRED, ValueType::Flag)
            .doc("PREFERRED: the type is preferred for implicit casts within its category."),
        Attribute::replaced(AttributeName::DEFAULT, ValueType::Text).doc("DEFAULT value, as an SQL literal."),
        Attribute::replaced(AttributeName::ELEMENT, ValueType::DataType)
            .doc("ELEMENT: data type of the array elements."),
        Attribute::replaced(AttributeName::DELIMITER, ValueType::Text)
            .doc("DELIMITER between elements of arrays of the type; by default a comma."),
        Attribute::replaced(AttributeName::COLLATABLE, ValueType::Flag).doc("COLLATABLE."),
        OWNER,
        GRANTS,
        COMMENT,
    ],
    reference: |ty| sql!("TYPE {}", ty.id.qualified()),
    rename: Some(super::common::rename),
    create,
    drop: |ty, context| Some(drop_with_functions(ty, context.sides.before)),
    has_shell: true,
    default_acl_class: Some("types"),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    let functions = [
        ("typinput", "input"),
        ("typoutput", "output"),
        ("typreceive", "receive"),
        ("typsend", "send"),
        ("typmodin", "modifier_input"),
        ("typmodout", "modifier_output"),
        ("typanalyze", "analyze"),
        ("typsubscript", "subscript"),
    ]
    .map(|(column, name)| {
        format!(
            "CASE WHEN t.typisdefined THEN {} END AS {name}",
            catalog_text::routine(&format!("t.{column}"))
        )
    })
    .join(", ");
    format!(
        "SELECT t.oid, n.nspname AS p1, t.typname AS p2, {functions}, \
         CASE WHEN t.typisdefined THEN NULLIF(t.typlen, -1) END AS length, t.typbyval AND t.typisdefined AS by_value, \
         CASE WHEN t.typisdefined THEN CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'd' THEN 'double' END END AS alignment, \
         CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' END AS storage, \
         CASE WHEN t.typisdefined THEN NULLIF(t.typcategory, 'U') END AS category, t.typispreferred AS preferred, \
         quote_literal(t.typdefault) AS default, CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element, \
         NULLIF(t.typdelim, ',') AS delimiter, t.typcollation <> 0 AS collatable, {} AS owner, {} AS grants \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE (t.typtype = 'b' AND t.typinput <> 'array_in'::regproc \
         OR t.typtype = 'p' AND NOT t.typisdefined) AND t.oid >= 16384",
        owner_column("t.typowner"),
        grants_column("t.typacl", 'T', "t.typowner"),
    )
}

/// Returns whether the type depends on routines that take or return it.
pub fn has_own_routines(id: &ObjectId, catalog: &Catalog) -> bool {
    catalog.dependencies_of(id).any(|(routine, _)| catalog.dependencies_of(routine).any(|(ty, _)| ty == id))
}

/// Creates the type, after a shell type if its functions take or return it.
pub fn create_after_shell(ty: &Object, context: &Context, definition: Sql) -> Vec<Step> {
    let mut steps = Vec::new();
    if has_own_routines(&ty.id, context.sides.after) {
        steps.push(Step::declare(&ty.id, sql!("CREATE TYPE {}", ty.id.qualified())));
    }
    steps.push(Step::create(&ty.id, definition));
    steps
}

/// Drops the type. If its functions depend on it, they are dropped with it; other dependents have been dropped before.
pub fn drop_with_functions(ty: &Object, catalog: &Catalog) -> Step {
    let cascade = Sql::trusted(if has_own_routines(&ty.id, catalog) { " CASCADE" } else { "" });
    Step::drop(&ty.id, sql!("DROP TYPE {}{}", ty.id.qualified(), cascade))
}

fn create(ty: &Object, context: &Context) -> Vec<Step> {
    if ty.text(AttributeName::INPUT).is_empty() {
        return vec![Step::create(&ty.id, sql!("CREATE TYPE {}", ty.id.qualified()))];
    }
    create_after_shell(ty, context, definition(ty))
}

fn definition(ty: &Object) -> Sql {
    let variable = Value::Text("VARIABLE".into());
    let mut list = vec![("INTERNALLENGTH", Some(ty.get(AttributeName::LENGTH).unwrap_or(&variable)))];
    for (attribute, word) in [
        (AttributeName::INPUT, "INPUT"),
        (AttributeName::OUTPUT, "OUTPUT"),
        (AttributeName::RECEIVE, "RECEIVE"),
        (AttributeName::SEND, "SEND"),
        (AttributeName::MODIFIER_INPUT, "TYPMOD_IN"),
        (AttributeName::MODIFIER_OUTPUT, "TYPMOD_OUT"),
        (AttributeName::ANALYZE, "ANALYZE"),
        (AttributeName::SUBSCRIPT, "SUBSCRIPT"),
        (AttributeName::BY_VALUE, "PASSEDBYVALUE"),
        (AttributeName::ALIGNMENT, "ALIGNMENT"),
        (AttributeName::STORAGE, "STORAGE"),
    ] {
        list.push((word, ty.get(attribute)));
    }
    let quoted = |name: AttributeName| {
        ty.get(name).map(|value| Value::Text(format!("'{}'", value.to_string().replace('\'', "''"))))
    };
    let (category, delimiter) = (quoted(AttributeName::CATEGORY), quoted(AttributeName::DELIMITER));
    list.push(("CATEGORY", category.as_ref()));
    list.push(("PREFERRED", ty.get(AttributeName::PREFERRED)));
    list.push(("DEFAULT", ty.get(AttributeName::DEFAULT)));
    list.push(("ELEMENT", ty.get(AttributeName::ELEMENT)));
    list.push(("DELIMITER", delimiter.as_ref()));
    list.push(("COLLATABLE", ty.get(AttributeName::COLLATABLE)));
    sql!("CREATE TYPE {} {}", ty.id.qualified(), definition_list(&list))
}

/// Defines a shell type. The functions of a defined type cannot be changed.
static DEFINE: Alteration = Alteration {
    name: "define",
    steps: |ty, _| {
        if !ty.before.text(AttributeName::INPUT).is_empty() {
            return None;
        }
        // Only the owner of a shell type can define it, not even a superuser.
        let take = sql!("ALTER TYPE {} OWNER TO CURRENT_ROLE", ty.after.id.qualified());
        let mut steps =
            vec![Step::alter(&ty.after.id, take), Step::alter(&ty.after.id, definition(ty.after))];
        if !ty.after.text(AttributeName::OWNER).is_empty() {
            let owner = Ident(ty.after.text(AttributeName::OWNER));
            let give_back = sql!("ALTER TYPE {} OWNER TO {}", ty.after.id.qualified(), owner);
            steps.push(Step::attach(&ty.after.id, give_back));
        }
        Some(steps)
    },
};

static SET: Alteration = Alteration {
    name: "set",
    steps: |ty, _| {
        if ty.before.text(AttributeName::INPUT).is_empty() {
            return Some(Vec::new());
        }
        // The storage can neither be changed from `plain` nor to it.
        let storage_changes = ty.before.get(AttributeName::STORAGE) != ty.after.get(AttributeName::STORAGE);
        if storage_changes
            && (ty.before.get(AttributeName::STORAGE).is_none()
                || ty.after.get(AttributeName::STORAGE).is_none())
        {
            return None;
        }
        let mut list = Vec::new();
        for (attribute, word) in [
            (AttributeName::RECEIVE, "RECEIVE"),
            (AttributeName::SEND, "SEND"),
            (AttributeName::MODIFIER_INPUT, "TYPMOD_IN"),
            (AttributeName::MODIFIER_OUTPUT, "TYPMOD_OUT"),
            (AttributeName::ANALYZE, "ANALYZE"),
            (AttributeName::SUBSCRIPT, "SUBSCRIPT"),
            (AttributeName::STORAGE, "STORAGE"),
        ] {
            if ty.before.get(attribute) != ty.after.get(attribute) {
                let value = ty.after.text(attribute);
                let value = if value.is_empty() { "NONE" } else { value };
                list.push(sql!("{} = {}", Sql::trusted(word), Expression(value)));
            }
        }
        let sql = sql!("ALTER TYPE {} SET ({})", ty.after.id.qualified(), Sql::join(&list, ", "));
        Some(vec![Step::alter(&ty.after.id, sql)])
    },
};
