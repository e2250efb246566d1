//! Operators (`pg_operator`). Shell operators, which only another operator's commutator refers to, are not objects.

use super::catalog_text;
use super::common::{COMMENT, OWNER, definition_list, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Context, Identity, Kind, KindName, Presence, SystemCatalog,
    ValueType,
};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Object, ObjectId, Pair, PgVersion, Step, Value};
use crate::sql;

attribute_names! {
    COMMUTATOR = "commutator",
    NEGATOR = "negator",
    RESTRICT = "restrict",
    JOIN = "join",
    HASHES = "hashes",
    MERGES = "merges",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "operator",
    key: "operators",
    identity: Identity::Routine,
    catalog: Some(SystemCatalog::OPERATOR),
    presence: Presence::Rows(SystemCatalog::OPERATOR),
    query,
    attributes: &[
        Attribute::replaced(AttributeName::FUNCTION, ValueType::Qualified).doc("FUNCTION."),
        Attribute::altered(AttributeName::COMMUTATOR, ValueType::Text, &PARTNERS).doc("COMMUTATOR."),
        Attribute::altered(AttributeName::NEGATOR, ValueType::Text, &PARTNERS).doc("NEGATOR."),
        Attribute::altered(AttributeName::RESTRICT, ValueType::Qualified, &ESTIMATORS)
            .doc("RESTRICT: restriction selectivity estimator."),
        Attribute::altered(AttributeName::JOIN, ValueType::Qualified, &ESTIMATORS)
            .doc("JOIN: join selectivity estimator."),
        Attribute::altered(AttributeName::HASHES, ValueType::Flag, &PARTNERS).doc("HASHES."),
        Attribute::altered(AttributeName::MERGES, ValueType::Flag, &PARTNERS).doc("MERGES."),
        OWNER,
        COMMENT,
    ],
    reference: |operator| sql!("OPERATOR {} ({})", name(operator), operands(operator)),
    create: |operator, _| {
        let mut list = vec![("FUNCTION", operator.get(AttributeName::FUNCTION))];
        let (left, right) = types(operator);
        let (left, right) = (left.map(Value::Text), right.map(Value::Text));
        list.push(("LEFTARG", left.as_ref()));
        list.push(("RIGHTARG", right.as_ref()));
        for (attribute, word) in [
            (AttributeName::COMMUTATOR, "COMMUTATOR"),
            (AttributeName::NEGATOR, "NEGATOR"),
            (AttributeName::RESTRICT, "RESTRICT"),
            (AttributeName::JOIN, "JOIN"),
            (AttributeName::HASHES, "HASHES"),
            (AttributeName::MERGES, "MERGES"),
        ] {
            list.push((word, operator.get(attribute)));
        }
        let sql = sql!("CREATE OPERATOR {} {}", name(operator), definition_list(&list));
        vec![Step::create(&operator.id, sql)]
    },
    drop: |operator, _| Some(Step::drop(&operator.id, sql!("DROP {}", (KIND.reference)(operator)))),
    ..Kind::DEFAULT
};

fn query(_: PgVersion) -> String {
    format!(
        "SELECT o.oid, n.nspname AS p1, o.oprname AS p2, \
         COALESCE({}, 'NONE') || ', ' || COALESCE({}, 'NONE') AS p3, {} AS function, {} AS commutator, {} AS negator, \
         {} AS restrict, {} AS join, o.oprcanhash AS hashes, o.oprcanmerge AS merges, {} AS owner \
         FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprcode <> 0 AND o.oid >= 16384",
        catalog_text::type_name("o.oprleft"),
        catalog_text::type_name("o.oprright"),
        catalog_text::routine("o.oprcode"),
        catalog_text::operator("o.oprcom"),
        catalog_text::operator("o.oprnegate"),
        catalog_text::routine("o.oprrest"),
        catalog_text::routine("o.oprjoin"),
        owner_column("o.oprowner"),
    )
}

/// The qualified name. Operator symbols are never quoted.
fn name(operator: &Object) -> Sql {
    sql!("{}.{}", Ident(&operator.id.path()[0]), Sql::trusted(operator.id.name()))
}

fn operands(operator: &Object) -> Sql {
    Sql::trusted(operator.id.arguments().unwrap_or_default())
}

/// The types of the operands. A comma within the name of a type is in quotes.
fn types(operator: &Object) -> (Option<String>, Option<String>) {
    let text = operator.id.arguments().unwrap_or_default();
    let (mut quoted, mut cut) = (false, text.len());
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                cut = i;
                break;
            }
            _ => {}
        }
    }
    let some = |text: &str| (text != "NONE" && !text.is_empty()).then(|| text.to_owned());
    (some(&text[..cut]), some(text[cut..].trim_start_matches(", ")))
}

/// Returns whether the creation or drop of another operator changes the attribute: `CREATE OPERATOR` links both operators,
/// and `DROP OPERATOR` removes the link.
fn changes_with_partner(operator: Pair<&Object>, attribute: AttributeName, context: &Context) -> bool {
    let (old, new) = (operator.before.text(attribute), operator.after.text(attribute));
    let find = |text: &str, side: &crate::model::Catalog, among: &std::collections::BTreeSet<ObjectId>| {
        among.iter().any(|id| {
            id.kind == KindName::Operator
                && side.get(id).is_some_and(|other| sql!("OPERATOR({})", name(other)).as_str() == text)
        })
    };
    (old.is_empty() || find(old, context.sides.before, context.dropped))
        && (new.is_empty() || find(new, context.sides.after, context.created))
}

static PARTNERS: Alteration = Alteration {
    name: "partners",
    steps: |operator, context| {
        let mut list = Vec::new();
        for (attribute, word) in
            [(AttributeName::COMMUTATOR, "COMMUTATOR"), (AttributeName::NEGATOR, "NEGATOR")]
        {
            let (old, new) = (operator.before.text(attribute), operator.after.text(attribute));
            if old == new || changes_with_partner(operator, attribute, context) {
                continue;
            }
            // ALTER OPERATOR can only set a link that is not set.
            if !old.is_empty() || !context.version().since(17) {
                return None;
            }
            list.push(sql!("{} = {}", Sql::trusted(word), Expression(new)));
        }
        for (attribute, word) in [(AttributeName::HASHES, "HASHES"), (AttributeName::MERGES, "MERGES")] {
            if operator.before.flag(attribute) != operator.after.flag(attribute) {
                if operator.before.flag(attribute) || !context.version().since(17) {
                    return None;
                }
                list.push(Sql::trusted(word));
            }
        }
        Some(set(operator.after, &list))
    },
};

static ESTIMATORS: Alteration = Alteration {
    name: "estimators",
    steps: |operator, _| {
        let mut list = Vec::new();
        for (attribute, word) in [(AttributeName::RESTRICT, "RESTRICT"), (AttributeName::JOIN, "JOIN")] {
            if operator.before.get(attribute) != operator.after.get(attribute) {
                let value = operator.after.text(attribute);
                let value = if value.is_empty() { "NONE" } else { value };
                list.push(sql!("{} = {}", Sql::trusted(word), Expression(value)));
            }
        }
        Some(set(operator.after, &list))
    },
};

fn set(operator: &Object, list: &[Sql]) -> Vec<Step> {
    if list.is_empty() {
        return Vec::new();
    }
    let sql = sql!("ALTER {} SET ({})", (KIND.reference)(operator), Sql::join(list, ", "));
    vec![Step::alter(&operator.id, sql)]
}
