//! Privileges that others than the owner granted, who were given the right to.

use super::{BY, OWNER_GRANTEE};
use crate::model::kind::KindName;
use crate::model::sql::{DollarQuoted, Ident, RoleName, Sql};
use crate::model::{Object, ObjectId, Pair, Step, Value};
use crate::sql;

/// What others than the owner granted, for which they must be the ones who say it: first what is revoked, by who was
/// granted last, then what is granted, by who was granted first.
pub(super) fn grants(
    object: Pair<&Object>,
    passed_on: bool,
    privilege: &dyn Fn(&str) -> Sql,
    on: &Sql,
) -> (Vec<Step>, Vec<Step>) {
    let of = |side: &Object| -> Vec<Passed> {
        let lists = side.map("grants").iter().filter_map(|(role, value)| match value {
            Value::List(list) => Some((role, list)),
            _ => None,
        });
        let all = lists.flat_map(|(role, list)| list.iter().map(move |privilege| (role, privilege)));
        let passed = all.filter_map(|(role, text)| {
            let (what, by) = text.split_once(BY)?;
            Some(Passed { by: by.to_owned(), what: what.to_owned(), to: role.clone() })
        });
        // What the new owner granted has become the owner's.
        let owner = object.after.text("owner");
        in_order(passed.filter(|grant| !passed_on || grant.by != owner).collect())
    };
    let (before, after) = (of(object.before), of(object.after));
    let id = &object.after.id;
    let owner = object.after.text("owner");
    let say = |grants: &[&Passed], revoke: bool| {
        let names: Vec<Sql> =
            grants.iter().map(|grant| privilege(grant.what.trim_end_matches('*'))).collect();
        let names = Sql::join(&names, ", ");
        let to = match grants[0].to.as_str() {
            OWNER_GRANTEE if owner.is_empty() => Sql::trusted("CURRENT_ROLE"),
            OWNER_GRANTEE => sql!("{}", Ident(owner)),
            role => sql!("{}", RoleName(role)),
        };
        let option = Sql::trusted(if grants[0].passes_on() { " WITH GRANT OPTION" } else { "" });
        if revoke {
            sql!("REVOKE {} ON {} FROM {}", names, on, to)
        } else {
            sql!("GRANT {} ON {} TO {}{}", names, on, to, option)
        }
    };
    let steps = |list: Vec<&Passed>, revoke: bool| -> Vec<Step> {
        let by_one = list.chunk_by(|a, b| a.by == b.by);
        let step = |grants: &[&Passed]| {
            let alike = grants.chunk_by(|a, b| a.to == b.to && (revoke || a.passes_on() == b.passes_on()));
            let statements = alike.map(|grants| format!("    {};\n", say(grants, revoke)));
            let body = format!(
                "\nDECLARE own text := current_setting('role');\nBEGIN\n    {};\n{}    \
                 PERFORM set_config('role', own, true);\nEND\n",
                sql!("SET LOCAL ROLE {}", Ident(&grants[0].by)),
                statements.collect::<String>(),
            );
            let step = Step::attach(id, sql!("DO {}", DollarQuoted(&body)));
            // Who grants must see the schema.
            let schema = id.schema().map(|schema| ObjectId::new(KindName::Schema, &[schema]));
            schema.into_iter().fold(step, Step::requires)
        };
        by_one.map(step).collect()
    };
    let gone = before.iter().rev().filter(|grant| !after.contains(grant)).collect();
    let new = after.iter().filter(|grant| !before.contains(grant)).collect();
    (steps(gone, true), steps(new, false))
}

/// What somebody else than the owner granted.
#[derive(PartialEq, Eq)]
struct Passed {
    by: String,
    /// The privilege, with `*` where it can be passed on.
    what: String,
    to: String,
}

impl Passed {
    fn passes_on(&self) -> bool {
        self.what.ends_with('*')
    }
}

/// None before the one that gave the right to make it.
fn in_order(mut left: Vec<Passed>) -> Vec<Passed> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |grant: &Passed| {
            let what = grant.what.trim_end_matches('*');
            left.iter().any(|other| other.to == grant.by && other.what.strip_suffix('*') == Some(what))
        };
        let place = left.iter().position(|grant| !waits(grant)).unwrap_or(0);
        ordered.push(left.remove(place));
    }
    ordered
}
