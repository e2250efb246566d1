//! Operator families (`pg_opfamily`) with those members that do not belong to an operator class.

use super::catalog_text;
use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Sql};
use crate::model::{Object, Pair, PgVersion, Step};
use crate::sql;

/// The kind.
pub static KIND: Kind = Kind {
    name: "operator family",
    key: "operator_families",
    identity: Identity::Routine,
    catalog: Some(SystemCatalog::OPFAMILY),
    presence: Presence::Rows(SystemCatalog::OPFAMILY),
    query,
    attributes: &[
        Attribute::attached(AttributeName::OPERATORS, ValueType::Texts, &MEMBERS)
            .doc("Operators that belong to no operator class: OPERATOR 1 <(a, b)."),
        Attribute::attached(AttributeName::FUNCTIONS, ValueType::Texts, &MEMBERS)
            .doc("Support functions that belong to no operator class: FUNCTION 1 (a, b) f(a, b)."),
        OWNER,
        COMMENT,
    ],
    reference: |family| sql!("OPERATOR FAMILY {}", name(family)),
    rename: Some(super::common::rename_quietly),
    create: |family, _| vec![Step::create(&family.id, sql!("CREATE OPERATOR FAMILY {}", name(family)))],
    drop: |family, _| Some(Step::drop(&family.id, sql!("DROP OPERATOR FAMILY {}", name(family)))),
    ..Kind::DEFAULT
};

/// `schema.name USING method`.
pub fn name(object: &Object) -> Sql {
    sql!("{} USING {}", object.id.qualified(), Ident(object.id.arguments().unwrap_or_default()))
}

/// The operators and functions that have a dependency of this type on a row of this catalog.
pub fn members(catalog: &str, deptype: char, oid: &str) -> (String, String) {
    let depends = |class: &str, row: &str| {
        format!(
            "EXISTS (SELECT FROM pg_depend yd WHERE yd.classid = '{class}'::regclass AND yd.objid = {row} \
             AND yd.refclassid = '{catalog}'::regclass AND yd.refobjid = {oid} AND yd.deptype = '{deptype}')"
        )
    };
    let operators = format!(
        "ARRAY(SELECT 'OPERATOR ' || m.amopstrategy || ' ' || m.amopopr::regoperator::text || \
         COALESCE(' FOR ORDER BY ' || {}, '') FROM pg_amop m WHERE {} ORDER BY m.amopstrategy, m.amopopr::regoperator::text)",
        catalog_text::in_schema("pg_opfamily", "opf", "m.amopsortfamily"),
        depends("pg_amop", "m.oid"),
    );
    let functions = format!(
        "ARRAY(SELECT 'FUNCTION ' || m.amprocnum || ' (' || format_type(m.amproclefttype, NULL) || ', ' || \
         format_type(m.amprocrighttype, NULL) || ') ' || m.amproc::regprocedure::text FROM pg_amproc m WHERE {} \
         ORDER BY m.amprocnum, m.amproc::regprocedure::text)",
        depends("pg_amproc", "m.oid"),
    );
    (operators, functions)
}

fn query(_: PgVersion) -> String {
    let (operators, functions) = members("pg_opfamily", 'a', "f.oid");
    format!(
        "SELECT f.oid, n.nspname AS p1, f.opfname AS p2, a.amname AS p3, {operators} AS operators, \
         {functions} AS functions, {} AS owner FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace \
         JOIN pg_am a ON a.oid = f.opfmethod WHERE f.oid >= 16384",
        owner_column("f.opfowner"),
    )
}

/// A member as `DROP` refers to it, without the name of the function or operator.
fn drop_reference(member: &str) -> Option<Sql> {
    let open = member.find('(')?;
    let close = open + member[open..].find(')')?;
    let words: Vec<&str> = member.splitn(3, ' ').collect();
    Some(Sql::trusted(format!("{} {} {}", words.first()?, words.get(1)?, &member[open..=close])))
}

static MEMBERS: Alteration = Alteration {
    name: "members",
    steps: |family: Pair<&Object>, _| {
        let id = &family.after.id;
        let all = |side: &Object| -> Vec<String> {
            side.list(AttributeName::OPERATORS)
                .iter()
                .chain(side.list(AttributeName::FUNCTIONS))
                .cloned()
                .collect()
        };
        let (before, after) = (all(family.before), all(family.after));
        let removed = before.iter().filter(|member| !after.contains(member));
        let removed: Vec<Sql> = removed.filter_map(|member| drop_reference(member)).collect();
        let added: Vec<Sql> = after
            .iter()
            .filter(|m| !before.contains(m))
            .map(|member| Sql::trusted(member.as_str()))
            .collect();
        let mut steps = Vec::new();
        for (verb, list) in [("DROP", removed), ("ADD", added)] {
            if !list.is_empty() {
                let list = Sql::join(&list, ",\n    ");
                let sql =
                    sql!("ALTER OPERATOR FAMILY {} {}\n    {}", name(family.after), Sql::trusted(verb), list);
                steps.push(Step::alter(id, sql));
            }
        }
        Some(steps)
    },
};
