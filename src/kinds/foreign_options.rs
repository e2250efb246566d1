//! Options of foreign objects: `OPTIONS (name 'value')`.

use crate::model::kind::{Attribute, AttributeName, ValueType};
use crate::model::sql::{Ident, Literal, Sql};
use crate::model::{Object, Pair, Value};
use crate::sql;

/// The options as an attribute.
pub const fn attribute(alteration: &'static super::Alteration) -> Attribute {
    Attribute::altered(AttributeName::OPTIONS, ValueType::Options, alteration)
        .doc("OPTIONS of the foreign data wrapper.")
}

/// `OPTIONS (…)` of a `CREATE` statement, or nothing.
pub fn clause(options: &[(String, Value)]) -> Sql {
    if options.is_empty() {
        return Sql::default();
    }
    let list: Vec<Sql> = options.iter().map(|(name, value)| option(name, value)).collect();
    sql!("OPTIONS ({})", Sql::join(&list, ", "))
}

fn option(name: &str, value: &Value) -> Sql {
    sql!("{} {}", Ident(name), Literal(&value.to_string()))
}

/// `OPTIONS (ADD …, SET …, DROP …)`, or nothing if only the order differs.
pub fn changes(object: Pair<&Object>, attribute: AttributeName) -> Option<Sql> {
    let (before, after) = (object.before.map(attribute), object.after.map(attribute));
    let find = |side: &[(String, Value)], name: &str| side.iter().any(|(n, _)| n == name);
    let mut list: Vec<Sql> = before
        .iter()
        .filter(|(name, _)| !find(after, name))
        .map(|(name, _)| sql!("DROP {}", Ident(name)))
        .collect();
    for (name, value) in after.iter().filter(|pair| !before.contains(pair)) {
        let verb = Sql::trusted(if find(before, name) { "SET" } else { "ADD" });
        list.push(sql!("{} {}", verb, option(name, value)));
    }
    (!list.is_empty()).then(|| sql!("OPTIONS ({})", Sql::join(&list, ", ")))
}
