//! Privileges on an object, beyond those that it is born with.

mod passed;

use super::relation_of;
use crate::model::kind::{Alteration, Attribute, Context, KindName, ValueType};
use crate::model::sql::{Ident, RoleName, Sql};
use crate::model::{Object, Pair, Step, Value};
use crate::sql;

/// How the owner is spelled in the grants of a catalog, whoever it is.
pub const OWNER_GRANTEE: &str = "$owner";

/// What follows the ACLs of a query's column for [`ValueType::Grants`] where the owner is told by name too.
pub const OWNER_BY_NAME: &str = "owner by name";

/// What stands between a privilege and the role that granted it, where that is not the owner.
const BY: &str = " by ";

/// The role that granted a privilege, where that is not the owner.
pub fn grantor(privilege: &str) -> Option<&str> {
    privilege.split_once(BY).map(|(_, role)| role)
}

/// What tells who granted a privilege.
pub fn granted_by(role: &str) -> String {
    format!("{BY}{role}")
}

/// A privilege as it is compared: its own words in upper case, a role as it is.
pub fn privilege(text: &str) -> String {
    match text.split_once(BY) {
        Some((what, role)) => format!("{}{BY}{role}", what.to_uppercase()),
        None => text.to_uppercase(),
    }
}

/// Privileges on an object that differ from those it is born with.
pub const GRANTS: Attribute = grants_by(&Alteration {
    name: "grants",
    steps: |object, _| {
        let on = grant_reference(object.after);
        Some(grant_steps(object, &|privilege| Sql::trusted(privilege), &on))
    },
});

/// Privileges, granted by statements of another form.
pub const fn grants_by(alteration: &'static Alteration) -> Attribute {
    Attribute::attached("grants", ValueType::Grants, alteration).doc(
        "Privileges by role, beyond the default ones; `*` is the grant option, `-` a default one revoked, `by ROLE` says who \
         granted it where the owner did not.",
    )
}

/// Statements that lead from one set of grants to another. `privilege` writes one privilege.
pub fn grant_steps(object: Pair<&Object>, privilege: &dyn Fn(&str) -> Sql, on: &Sql) -> Vec<Step> {
    let (owner, was) = (object.after.text("owner"), object.before.text("owner"));
    let passed_on = !owner.is_empty() && !was.is_empty() && owner != was;
    let (mut steps, granted) = passed::grants(object, passed_on, privilege, on);
    let blank = Value::List(Vec::new());
    let find = |side: &Object, role: &str| -> Vec<String> {
        let value = side.map("grants").iter().find(|(name, _)| name == role).map_or(&blank, |(_, v)| v);
        let list = if let Value::List(list) = value { list.as_slice() } else { &[] };
        let own = list.iter().filter(|privilege| grantor(privilege).is_none()).cloned();
        let by_new_owner = |privilege: &&String| passed_on && grantor(privilege) == Some(owner);
        let taken_over = list.iter().filter(by_new_owner).filter_map(|privilege| privilege.split(BY).next());
        own.chain(taken_over.map(str::to_owned)).collect()
    };
    let mut roles: Vec<&str> = Vec::new();
    for (role, _) in object.before.map("grants").iter().chain(object.after.map("grants")) {
        if !roles.contains(&role.as_str()) {
            roles.push(role);
        }
    }
    if passed_on && !roles.contains(&OWNER_GRANTEE) {
        roles.push(OWNER_GRANTEE);
    }
    roles.sort_unstable();
    for role in roles {
        let (mut before, after) = (find(object.before, role), find(object.after, role));
        if passed_on {
            // What the new owner was granted has become part of what an owner has.
            let taken_over = find(object.before, owner);
            if role == owner {
                before.clear();
            } else if role == OWNER_GRANTEE {
                let has = |name: &str| taken_over.iter().any(|p| p.trim_end_matches('*') == name);
                before.retain(|privilege| !privilege.strip_prefix('-').is_some_and(has));
                before.extend(taken_over.iter().filter(|privilege| privilege.ends_with('*')).cloned());
            }
        }
        let grantee = if role == OWNER_GRANTEE {
            if owner.is_empty() { Sql::trusted("CURRENT_ROLE") } else { sql!("{}", Ident(owner)) }
        } else {
            sql!("{}", RoleName(role))
        };
        let (mut grant, mut grant_option, mut revoke, mut revoke_option) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let names = |list: &[String]| -> Vec<String> {
            list.iter().map(|p| p.trim_start_matches('-').trim_end_matches('*').to_owned()).collect()
        };
        let mut all = names(&before);
        all.extend(names(&after));
        all.sort_unstable();
        all.dedup();
        for name in all {
            let (was, is) = (standing(&before, &name), standing(&after, &name));
            let written = privilege(&name);
            match (was, is) {
                _ if was == is => {}
                (RevisionStatus::Option, RevisionStatus::Plain) => revoke_option.push(written),
                // An owner without the option to pass on what is the owner's is as usual.
                (RevisionStatus::Option, RevisionStatus::Default) if role == OWNER_GRANTEE => {
                    revoke_option.push(written);
                }
                (_, RevisionStatus::Option) => grant_option.push(written),
                (RevisionStatus::Default | RevisionStatus::Revoked, RevisionStatus::Plain)
                | (RevisionStatus::Revoked, RevisionStatus::Default) => {
                    grant.push(written);
                }
                (
                    RevisionStatus::Plain | RevisionStatus::Option,
                    RevisionStatus::Default | RevisionStatus::Revoked,
                )
                | (RevisionStatus::Default, RevisionStatus::Revoked) => revoke.push(written),
                (RevisionStatus::Plain, RevisionStatus::Plain)
                | (RevisionStatus::Default, RevisionStatus::Default)
                | (RevisionStatus::Revoked, RevisionStatus::Revoked) => {}
            }
        }
        let list = |privileges: &[Sql]| Sql::join(privileges, ", ");
        let id = &object.after.id;
        if !revoke.is_empty() {
            steps.push(Step::attach(id, sql!("REVOKE {} ON {} FROM {}", list(&revoke), on, grantee)));
        }
        if !revoke_option.is_empty() {
            let sql = sql!("REVOKE GRANT OPTION FOR {} ON {} FROM {}", list(&revoke_option), on, grantee);
            steps.push(Step::attach(id, sql));
        }
        if !grant.is_empty() {
            steps.push(Step::attach(id, sql!("GRANT {} ON {} TO {}", list(&grant), on, grantee)));
        }
        if !grant_option.is_empty() {
            let sql = sql!("GRANT {} ON {} TO {} WITH GRANT OPTION", list(&grant_option), on, grantee);
            steps.push(Step::attach(id, sql));
        }
    }
    steps.extend(granted);
    steps
}

/// The same for a part of a relation, such as a column: its owner is the relation's, who is another from the
/// moment on in which the relation is given away.
pub fn part_grant_steps(
    part: Pair<&Object>,
    privilege: &dyn Fn(&str) -> Sql,
    on: &Sql,
    context: &Context,
) -> Vec<Step> {
    let mut after = part.after.clone();
    let relation = relation_of(&part.after.id, context);
    let owner = context.sides.after.get(&relation).map_or("", |relation| relation.text("owner"));
    after.set("owner", Value::Text(owner.to_owned()));
    let steps = grant_steps(Pair { before: part.before, after: &after }, privilege, on);
    steps.into_iter().map(|step| step.requires(relation.clone())).collect()
}

/// A query's column for [`ValueType::Grants`]: the owner, an ACL, and what is usual for its class, which is the letter of
/// `acldefault` (manual, section 9.26.11). They are compared here: it saves the server the planning, which for a small
/// database is most of what it does.
pub fn grants_column(acl: &str, class: char, owner: &str) -> String {
    grants_beyond(acl, &format!("acldefault('{class}', {owner})"), owner)
}

/// The same beside another ACL that is the usual one.
pub fn grants_beyond(acl: &str, usual: &str, owner: &str) -> String {
    format!(
        "CASE WHEN {acl} IS NOT NULL THEN ARRAY[pg_get_userbyid({owner})::text, {acl}::text, {usual}::text] END"
    )
}

/// What stands after `ON` in a grant.
fn grant_reference(object: &Object) -> Sql {
    match object.id.kind {
        KindName::View | KindName::MaterializedView | KindName::Table | KindName::ForeignTable => {
            sql!("TABLE {}", object.id.qualified())
        }
        KindName::Aggregate => {
            let types = Sql::trusted(object.id.arguments().unwrap_or_default());
            sql!("FUNCTION {}({})", object.id.qualified(), types)
        }
        KindName::Server => sql!("FOREIGN {}", (object.id.kind.get().reference)(object)),
        _ => (object.id.kind.get().reference)(object),
    }
}

/// How a role stands to a privilege.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RevisionStatus {
    /// As the object is born.
    Default,
    /// Without one that it is born with.
    Revoked,
    /// With it.
    Plain,
    /// With it and the right to pass it on.
    Option,
}

fn standing(privileges: &[String], name: &str) -> RevisionStatus {
    for privilege in privileges {
        if privilege == name {
            return RevisionStatus::Plain;
        } else if privilege.strip_suffix('*') == Some(name) {
            return RevisionStatus::Option;
        } else if privilege.strip_prefix('-') == Some(name) {
            return RevisionStatus::Revoked;
        }
    }
    RevisionStatus::Default
}
