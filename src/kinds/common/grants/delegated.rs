//! Privileges that roles other than the owner granted, because they had the grant option.

use super::privilege::{BY, OWNER_GRANTEE};
use crate::model::kind::KindName;
use crate::model::sql::{DollarQuoted, Ident, RoleName, Sql};
use crate::model::{AttributeName, Object, ObjectId, Pair, Step, Value};
use crate::sql;

/// Returns the steps that revoke and those that grant privileges on behalf of roles other than the owner. A grant follows
/// the one that gave its grantor the grant option; revocations are in the opposite order.
pub(super) fn grants(
    object: Pair<&Object>,
    owner_changes: bool,
    privilege: &dyn Fn(&str) -> Sql,
    on: &Sql,
) -> (Vec<Step>, Vec<Step>) {
    let owner = object.after.text(AttributeName::OWNER);
    let read = |side: &Object| {
        let all = DelegatedGrant::read(side);
        // `ALTER … OWNER TO` turns the grants of the new owner into the owner's.
        in_order(all.into_iter().filter(|grant| !owner_changes || grant.grantor != owner).collect())
    };
    let (before, after) = (read(object.before), read(object.after));
    let statement = |grants: &[&DelegatedGrant], revoke: bool| {
        let names: Vec<Sql> =
            grants.iter().map(|grant| privilege(grant.privilege.trim_end_matches('*'))).collect();
        let names = Sql::join(&names, ", ");
        let grantee = match grants[0].grantee.as_str() {
            OWNER_GRANTEE if owner.is_empty() => Sql::trusted("CURRENT_ROLE"),
            OWNER_GRANTEE => sql!("{}", Ident(owner)),
            role => sql!("{}", RoleName(role)),
        };
        let option = Sql::trusted(if grants[0].with_grant_option() { " WITH GRANT OPTION" } else { "" });
        if revoke {
            sql!("REVOKE {} ON {} FROM {}", names, on, grantee)
        } else {
            sql!("GRANT {} ON {} TO {}{}", names, on, grantee, option)
        }
    };
    let steps = |list: Vec<&DelegatedGrant>, revoke: bool| -> Vec<Step> {
        let step = |grants: &[&DelegatedGrant]| {
            let same_statement = |a: &&DelegatedGrant, b: &&DelegatedGrant| {
                a.grantee == b.grantee && (revoke || a.with_grant_option() == b.with_grant_option())
            };
            let statements = grants.chunk_by(same_statement).map(|grants| statement(grants, revoke));
            as_grantor(&object.after.id, &grants[0].grantor, &statements.collect::<Vec<_>>())
        };
        list.chunk_by(|a, b| a.grantor == b.grantor).map(step).collect()
    };
    let removed = before.iter().rev().filter(|grant| !after.contains(grant)).collect();
    let added = after.iter().filter(|grant| !before.contains(grant)).collect();
    (steps(removed, true), steps(added, false))
}

/// Runs the statements as the grantor, because the server records the current role as such.
fn as_grantor(id: &ObjectId, grantor: &str, statements: &[Sql]) -> Step {
    let statements: String = statements.iter().map(|statement| format!("    {statement};\n")).collect();
    let body = format!(
        "\nDECLARE own text := current_setting('role');\nBEGIN\n    {};\n{statements}    \
         PERFORM set_config('role', own, true);\nEND\n",
        sql!("SET LOCAL ROLE {}", Ident(grantor)),
    );
    let step = Step::attach(id, sql!("DO {}", DollarQuoted(&body)));
    // The grantor needs USAGE on the schema.
    let schema = id.schema().map(|schema| ObjectId::new(KindName::Schema, &[schema]));
    schema.into_iter().fold(step, Step::requires)
}

/// A privilege that a role other than the owner granted.
#[derive(PartialEq, Eq)]
struct DelegatedGrant {
    grantor: String,
    /// The privilege, followed by `*` if it has the grant option.
    privilege: String,
    grantee: String,
}

impl DelegatedGrant {
    fn read(side: &Object) -> Vec<Self> {
        let lists = side.map(AttributeName::GRANTS).iter().filter_map(|(role, value)| match value {
            Value::List(list) => Some((role, list)),
            _ => None,
        });
        let all = lists.flat_map(|(role, list)| list.iter().map(move |privilege| (role, privilege)));
        let delegated = all.filter_map(|(role, text)| {
            let (privilege, grantor) = text.split_once(BY)?;
            Some(Self { grantor: grantor.to_owned(), privilege: privilege.to_owned(), grantee: role.clone() })
        });
        delegated.collect()
    }

    fn with_grant_option(&self) -> bool {
        self.privilege.ends_with('*')
    }
}

/// Sorts the grants so that each follows the one that gave its grantor the grant option.
fn in_order(mut remaining: Vec<DelegatedGrant>) -> Vec<DelegatedGrant> {
    let mut ordered = Vec::new();
    while !remaining.is_empty() {
        let waits = |grant: &DelegatedGrant| {
            let privilege = grant.privilege.trim_end_matches('*');
            remaining.iter().any(|other| {
                other.grantee == grant.grantor && other.privilege.strip_suffix('*') == Some(privilege)
            })
        };
        let next = remaining.iter().position(|grant| !waits(grant)).unwrap_or(0);
        ordered.push(remaining.remove(next));
    }
    ordered
}
