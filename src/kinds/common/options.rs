//! Options and definitions as lists of names and values.

use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{AttributeName, Object, Pair, Phase, Step, Value};
use crate::sql;

/// The `SET (…)` and `RESET (…)` steps for options that differ. Clients are not affected.
pub fn option_steps(object: Pair<&Object>, attribute: AttributeName, alter: &Sql) -> Vec<Step> {
    let (before, after) = (object.before.map(attribute), object.after.map(attribute));
    let mut steps = Vec::new();
    let reset: Vec<Sql> = before
        .iter()
        .filter(|(key, _)| !after.iter().any(|(k, _)| k == key))
        .map(|(key, _)| option_name(key))
        .collect();
    let set: Vec<(String, Value)> = after.iter().filter(|pair| !before.contains(pair)).cloned().collect();
    if !reset.is_empty() {
        let list = Sql::join(&reset, ", ");
        steps.push(Step::alter(&object.after.id, sql!("{} RESET ({})", alter, list)));
    }
    if !set.is_empty() {
        steps.push(Step::alter(&object.after.id, sql!("{} SET ({})", alter, options(&set))));
    }
    steps.into_iter().map(|step| step.phase(Phase::Expand)).collect()
}

/// Options as `name = 'value'`.
pub fn options(options: &[(String, Value)]) -> Sql {
    let list: Vec<Sql> = options
        .iter()
        .map(|(key, value)| sql!("{} = {}", option_name(key), Literal(&value.to_string())))
        .collect();
    Sql::join(&list, ", ")
}

/// A definition as `(NAME = value, FLAG, …)`, one item per line, without items that have no value.
pub fn definition_list(list: &[(&str, Option<&Value>)]) -> Sql {
    let entries: Vec<Sql> = list
        .iter()
        .filter_map(|(name, value)| {
            let name = Sql::trusted(*name);
            match value {
                None => None,
                Some(Value::Bool(true)) => Some(name),
                Some(value) => Some(sql!("{} = {}", name, Expression(&value.to_string()))),
            }
        })
        .collect();
    Sql::trusted(format!("(\n    {}\n)", Sql::join(&entries, ",\n    ")))
}

/// The name of an option, which may have a namespace (`toast.autovacuum_enabled`).
fn option_name(key: &str) -> Sql {
    match key.split_once('.') {
        Some((namespace, name)) => sql!("{}.{}", Ident(namespace), Ident(name)),
        None => sql!("{}", Ident(key)),
    }
}
