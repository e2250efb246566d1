//! Privileges on an object, beyond those that a new object has.

mod delegated;
mod privilege;

pub use privilege::{OWNER_GRANTEE, grantor, grantor_suffix, normalize_privilege};

use super::relation_of;
use crate::model::kind::{Alteration, Attribute, AttributeName, Context, ValueType};
use crate::model::sql::{Ident, RoleName, Sql};
use crate::model::{Object, ObjectId, Pair, Step, Value};
use crate::sql;

use privilege::{BY, Holding};

attribute_names! {
    GRANTS = "grants",
}

/// The last element of the array of a [`ValueType::Grants`] column, if the owner is to be named as a grantee, too.
pub const OWNER_BY_NAME: &str = "owner by name";

/// Privileges on an object, beyond those that a new object has.
pub const GRANTS: Attribute = grants_by(&Alteration {
    name: "grants",
    steps: |object, _| {
        let on = grant_reference(object.after);
        Some(grant_steps(object, &|privilege| Sql::trusted(privilege), &on))
    },
});

/// Privileges, granted by an alteration of the kind.
pub const fn grants_by(alteration: &'static Alteration) -> Attribute {
    Attribute::attached(AttributeName::GRANTS, ValueType::Grants, alteration).doc(
        "Privileges by role, beyond the default ones. `*` is the grant option, `-` a default privilege that is revoked, \
         and `by ROLE` names the grantor if that is not the owner.",
    )
}

/// Returns the `GRANT` and `REVOKE` statements that change the privileges. `privilege` writes the name of a privilege, and
/// `on` is the object.
pub fn grant_steps(object: Pair<&Object>, privilege: &dyn Fn(&str) -> Sql, on: &Sql) -> Vec<Step> {
    let (owner, old_owner) =
        (object.after.text(AttributeName::OWNER), object.before.text(AttributeName::OWNER));
    let owner_changes = !owner.is_empty() && !old_owner.is_empty() && owner != old_owner;
    let (mut steps, granted) = delegated::grants(object, owner_changes, privilege, on);
    for role in grantees(object, owner_changes) {
        let (before, after) = privileges_of_role(object, role, owner_changes);
        let changes = Changes::between(&before, &after, role == OWNER_GRANTEE, privilege);
        steps.extend(changes.steps(&object.after.id, on, &grantee(role, owner)));
    }
    steps.extend(granted);
    steps
}

/// The roles with privileges on either side, sorted.
fn grantees(object: Pair<&Object>, owner_changes: bool) -> Vec<&str> {
    let lists =
        object.before.map(AttributeName::GRANTS).iter().chain(object.after.map(AttributeName::GRANTS));
    let mut roles: Vec<&str> = lists.map(|(role, _)| role.as_str()).collect();
    roles.extend(owner_changes.then_some(OWNER_GRANTEE));
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// The privileges that the role has from the owner, before and after. `ALTER … OWNER TO` merges those of the new owner into
/// the owner's.
fn privileges_of_role(object: Pair<&Object>, role: &str, owner_changes: bool) -> (Vec<String>, Vec<String>) {
    let owner = object.after.text(AttributeName::OWNER);
    let blank = Value::List(Vec::new());
    let find = |side: &Object, role: &str| -> Vec<String> {
        let value =
            side.map(AttributeName::GRANTS).iter().find(|(name, _)| name == role).map_or(&blank, |(_, v)| v);
        let list = if let Value::List(list) = value { list.as_slice() } else { &[] };
        let by_owner = list.iter().filter(|privilege| grantor(privilege).is_none()).cloned();
        let is_by_new_owner = |privilege: &&String| owner_changes && grantor(privilege) == Some(owner);
        let by_new_owner =
            list.iter().filter(is_by_new_owner).filter_map(|privilege| privilege.split(BY).next());
        by_owner.chain(by_new_owner.map(str::to_owned)).collect()
    };
    let (mut before, after) = (find(object.before, role), find(object.after, role));
    if owner_changes && role == owner {
        before.clear();
    } else if owner_changes && role == OWNER_GRANTEE {
        let of_new_owner = find(object.before, owner);
        let has = |name: &str| of_new_owner.iter().any(|p| p.trim_end_matches('*') == name);
        before.retain(|privilege| !privilege.strip_prefix('-').is_some_and(has));
        before.extend(of_new_owner.iter().filter(|privilege| privilege.ends_with('*')).cloned());
    }
    (before, after)
}

/// The grantee as SQL.
fn grantee(role: &str, owner: &str) -> Sql {
    match role {
        OWNER_GRANTEE if owner.is_empty() => Sql::trusted("CURRENT_ROLE"),
        OWNER_GRANTEE => sql!("{}", Ident(owner)),
        role => sql!("{}", RoleName(role)),
    }
}

/// The privileges to grant to and revoke from a role.
#[derive(Default)]
struct Changes {
    revoke: Vec<Sql>,
    revoke_option: Vec<Sql>,
    grant: Vec<Sql>,
    grant_with_option: Vec<Sql>,
}

impl Changes {
    fn between(before: &[String], after: &[String], is_owner: bool, privilege: &dyn Fn(&str) -> Sql) -> Self {
        use Holding::{Default as Unchanged, Granted, Revoked, WithGrantOption};
        let plain = |privilege: &String| privilege.trim_start_matches('-').trim_end_matches('*').to_owned();
        let mut names: Vec<String> = before.iter().chain(after).map(plain).collect();
        names.sort_unstable();
        names.dedup();
        let mut changes = Self::default();
        for name in names {
            let (old, new) = (Holding::of(before, &name), Holding::of(after, &name));
            let list = match (old, new) {
                _ if old == new => continue,
                (WithGrantOption, Granted) => &mut changes.revoke_option,
                // The owner has the privilege itself by default.
                (WithGrantOption, Unchanged) if is_owner => &mut changes.revoke_option,
                (_, WithGrantOption) => &mut changes.grant_with_option,
                (Unchanged | Revoked, Granted) | (Revoked, Unchanged) => &mut changes.grant,
                (Granted | WithGrantOption, Unchanged | Revoked) | (Unchanged, Revoked) => {
                    &mut changes.revoke
                }
                (Granted, Granted) | (Unchanged, Unchanged) | (Revoked, Revoked) => continue,
            };
            list.push(privilege(&name));
        }
        changes
    }

    fn steps(&self, id: &ObjectId, on: &Sql, grantee: &Sql) -> Vec<Step> {
        let list = |privileges: &[Sql]| Sql::join(privileges, ", ");
        let mut steps = Vec::new();
        if !self.revoke.is_empty() {
            steps.push(sql!("REVOKE {} ON {} FROM {}", list(&self.revoke), on, grantee));
        }
        if !self.revoke_option.is_empty() {
            let privileges = list(&self.revoke_option);
            steps.push(sql!("REVOKE GRANT OPTION FOR {} ON {} FROM {}", privileges, on, grantee));
        }
        if !self.grant.is_empty() {
            steps.push(sql!("GRANT {} ON {} TO {}", list(&self.grant), on, grantee));
        }
        if !self.grant_with_option.is_empty() {
            let privileges = list(&self.grant_with_option);
            steps.push(sql!("GRANT {} ON {} TO {} WITH GRANT OPTION", privileges, on, grantee));
        }
        steps.into_iter().map(|sql| Step::attach(id, sql)).collect()
    }
}

/// Returns the same for a part of a relation, such as a column, whose owner is the relation's. The steps follow a change of
/// that owner.
pub fn part_grant_steps(
    part: Pair<&Object>,
    privilege: &dyn Fn(&str) -> Sql,
    on: &Sql,
    context: &Context,
) -> Vec<Step> {
    let mut after = part.after.clone();
    let relation = relation_of(&part.after.id, context);
    let owner = context.sides.after.get(&relation).map_or("", |relation| relation.text(AttributeName::OWNER));
    after.set(AttributeName::OWNER, Value::Text(owner.to_owned()));
    let steps = grant_steps(Pair { before: part.before, after: &after }, privilege, on);
    steps.into_iter().map(|step| step.requires(relation.clone())).collect()
}

/// The column of a query for [`ValueType::Grants`]: the owner, the ACL, and the default ACL of the class, which is a letter
/// of `acldefault` (manual, section 9.26.11). The reader compares them, which saves the server most of the time that it
/// would take to plan the query on a small database.
pub fn grants_column(acl: &str, class: char, owner: &str) -> String {
    grants_beyond(acl, &format!("acldefault('{class}', {owner})"), owner)
}

/// The same column with the given default ACL.
pub fn grants_beyond(acl: &str, default_acl: &str, owner: &str) -> String {
    format!(
        "CASE WHEN {acl} IS NOT NULL THEN ARRAY[pg_get_userbyid({owner})::text, {acl}::text, {default_acl}::text] END"
    )
}

/// The object as it follows `ON` in `GRANT`.
fn grant_reference(object: &Object) -> Sql {
    let kind = object.id.kind.get();
    kind.grant_reference.unwrap_or(kind.reference)(object)
}
