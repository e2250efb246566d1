//! What hangs off objects of every kind: owner, comment, privileges; and helpers of several kinds.

use super::{Alteration, Attribute, Context, KindName, Type};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, RoleName, Sql};
use crate::model::{Catalog, DependencyKind, Hazard, LockMode, Object, ObjectId, Pair, Step, Value};
use crate::sql;

/// Another name for an object, which those who use it see.
pub fn rename(object: &Object, name: &str) -> Step {
    let step = rename_quietly(object, name);
    let id = &object.id;
    step.hazard(Hazard::BreaksClients(format!("{id} is called {} from then on", sql!("{}", Ident(name)))))
}

/// Another schema for an object, which takes along what is part of it.
pub fn move_to(object: &Object, schema: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    let step = Step::alter(&object.id, sql!("ALTER {} SET SCHEMA {}", reference, Ident(schema)));
    let what = format!("{} is in schema {} from then on", object.id, sql!("{}", Ident(schema)));
    let step = step.hazard(Hazard::BreaksClients(what));
    let is_relation = object.id.kind.get().namespaces.contains(&super::Namespace::Relations);
    if is_relation { step.lock(LockMode::AccessExclusive, &object.id) } else { step }
}

/// The same for a relation, which nobody can use meanwhile.
pub fn rename_relation(object: &Object, name: &str) -> Step {
    rename(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// The same for an object that nobody names but who changes the schema.
pub fn rename_quietly(object: &Object, name: &str) -> Step {
    let reference = (object.id.kind.get().reference)(object);
    Step::alter(&object.id, sql!("ALTER {} RENAME TO {}", reference, Ident(name)))
}

/// The same for what hangs off a relation.
pub fn rename_on_relation(object: &Object, name: &str) -> Step {
    rename_quietly(object, name).lock(LockMode::AccessExclusive, &object.id)
}

/// Another name for a constraint.
pub fn rename_constraint(constraint: &Object, name: &str) -> Step {
    let id = &constraint.id;
    let sql = sql!("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", id.on(), Ident(id.name()), Ident(name));
    Step::alter(id, sql).lock(LockMode::AccessExclusive, id)
}

/// Another name for an index and for the constraint on it. `ALTER INDEX` lets everybody go on, which
/// `RENAME CONSTRAINT` does not (manual, `ALTER INDEX`).
pub fn rename_index(index: &Object, name: &str) -> Step {
    let id = &index.id;
    let old = sql!("{}.{}", Ident(&id.path()[0]), Ident(id.name()));
    let step = Step::alter(id, sql!("ALTER INDEX {} RENAME TO {}", old, Ident(name)));
    step.lock(LockMode::ShareUpdateExclusive, old.to_string())
}

/// The comment on an object (`pg_description`).
pub const COMMENT: Attribute = Attribute::attached(
    "comment",
    Type::Text,
    &Alteration {
        name: "comment",
        steps: |object, _| {
            let reference = (object.after.id.kind.get().reference)(object.after);
            Some(vec![Step::attach(&object.after.id, comment(&reference, object.after.text("comment")))])
        },
    },
)
.doc("The comment on the object.");

/// `COMMENT ON …`; none takes away the one that is there.
pub fn comment(on: &Sql, text: &str) -> Sql {
    if text.is_empty() {
        sql!("COMMENT ON {} IS NULL", on)
    } else {
        sql!("COMMENT ON {} IS {}", on, Literal(text))
    }
}

/// The extensions with which an object goes. It is read from `pg_depend`, once for all kinds.
pub const DEPENDS_ON_EXTENSIONS: Attribute = Attribute::attached(
    "depends_on_extensions",
    Type::Names,
    &Alteration {
        name: "depends on extensions",
        steps: |object, _| {
            let (before, after) =
                [object.before, object.after].map(|side| side.list("depends_on_extensions")).into();
            let reference = (object.after.id.kind.get().reference)(object.after);
            let step = |no: &str, name: &String| {
                let sql =
                    sql!("ALTER {} {}DEPENDS ON EXTENSION {}", reference, Sql::trusted(no), Ident(name));
                Step::attach(&object.after.id, sql)
            };
            let extension = |name: &String| ObjectId::new(KindName::Extension, &[name]);
            let gone = before.iter().filter(|name| !after.contains(name));
            let mut steps: Vec<Step> = gone.map(|name| step("NO ", name).precedes(extension(name))).collect();
            let new = after.iter().filter(|name| !before.contains(name));
            steps.extend(new.map(|name| step("", name).requires(extension(name))));
            Some(steps)
        },
    },
)
.doc("The extensions with which it is dropped.");

/// The owner of an object.
pub const OWNER: Attribute = owner_by(&Alteration { name: "owner", steps: |object, _| owner_steps(object) });

/// The owner, given by steps of another form.
pub const fn owner_by(alteration: &'static Alteration) -> Attribute {
    Attribute::attached("owner", Type::Role, alteration)
        .inherited_when_unsaid()
        .doc("The role that owns the object; whoever runs the migration when it is not said.")
}

/// `ALTER … OWNER TO`, where an owner is said.
#[allow(clippy::unnecessary_wraps)]
pub fn owner_steps(object: Pair<&Object>) -> Option<Vec<Step>> {
    let owner = object.after.text("owner");
    if owner.is_empty() {
        return Some(Vec::new());
    }
    let reference = (object.after.id.kind.get().reference)(object.after);
    Some(vec![Step::attach(&object.after.id, sql!("ALTER {} OWNER TO {}", reference, Ident(owner)))])
}

/// How the owner is spelled in the grants of a catalog, whoever it is.
pub const OWNER_GRANTEE: &str = "$owner";

/// What stands between a privilege and the role that granted it, where that is not the owner.
const BY: &str = " by ";

/// The role that granted a privilege, where that is not the owner.
pub fn grantor(privilege: &str) -> Option<&str> {
    privilege.split_once(BY).map(|(_, role)| role)
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
    Attribute::attached("grants", Type::Grants, alteration).doc(
        "Privileges by role, beyond the default ones; `*` is the grant option, `-` a default one revoked, `by ROLE` says who \
         granted it where the owner did not.",
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

/// Statements that lead from one set of grants to another. `privilege` writes one privilege.
pub fn grant_steps(object: Pair<&Object>, privilege: &dyn Fn(&str) -> Sql, on: &Sql) -> Vec<Step> {
    let (owner, was) = (object.after.text("owner"), object.before.text("owner"));
    let passed_on = !owner.is_empty() && !was.is_empty() && owner != was;
    let (mut steps, granted) = passed_grants(object, passed_on, privilege, on);
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
                (Standing::Option, Standing::Plain) => revoke_option.push(written),
                // An owner without the option to pass on what is the owner's is as usual.
                (Standing::Option, Standing::Default) if role == OWNER_GRANTEE => revoke_option.push(written),
                (_, Standing::Option) => grant_option.push(written),
                (Standing::Default | Standing::Revoked, Standing::Plain)
                | (Standing::Revoked, Standing::Default) => {
                    grant.push(written);
                }
                (Standing::Plain | Standing::Option, Standing::Default | Standing::Revoked)
                | (Standing::Default, Standing::Revoked) => revoke.push(written),
                (Standing::Plain, Standing::Plain)
                | (Standing::Default, Standing::Default)
                | (Standing::Revoked, Standing::Revoked) => {}
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

/// What others than the owner granted, for which they must be the ones who say it: first what is revoked, by who was
/// granted last, then what is granted, by who was granted first.
fn passed_grants(
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

/// How a role stands to a privilege.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As the object is born.
    Default,
    /// Without one that it is born with.
    Revoked,
    /// With it.
    Plain,
    /// With it and the right to pass it on.
    Option,
}

fn standing(privileges: &[String], name: &str) -> Standing {
    for privilege in privileges {
        if privilege == name {
            return Standing::Plain;
        } else if privilege.strip_suffix('*') == Some(name) {
            return Standing::Option;
        } else if privilege.strip_prefix('-') == Some(name) {
            return Standing::Revoked;
        }
    }
    Standing::Default
}

/// A query's column for [`Type::Grants`]: the privileges of an ACL that differ from the default ones.
/// `class` is the letter of `acldefault` (manual, section 9.26.11).
pub fn grants_column(acl: &str, class: char, owner: &str) -> String {
    format!(
        "CASE WHEN {acl} IS NOT NULL THEN ARRAY(\
         SELECT sign || chr(31) || CASE grantee WHEN 0 THEN 'public' WHEN {owner} THEN '{OWNER_GRANTEE}' \
         ELSE pg_get_userbyid(grantee)::text END || chr(31) || privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END \
         || CASE WHEN grantor <> {owner} THEN '{BY}' || pg_get_userbyid(grantor) ELSE '' END \
         FROM ((SELECT '' AS sign, grantor, grantee, privilege_type, is_grantable FROM aclexplode({acl}) \
         EXCEPT SELECT '', grantor, grantee, privilege_type, is_grantable FROM aclexplode(acldefault('{class}', {owner}))) \
         UNION ALL (SELECT '-', grantor, grantee, privilege_type, false FROM aclexplode(acldefault('{class}', {owner})) \
         EXCEPT SELECT '-', grantor, grantee, privilege_type, false FROM aclexplode({acl}))) AS difference \
         ORDER BY grantee <> 0, 1) END"
    )
}

/// A query's column for the owner.
pub fn owner_column(owner: &str) -> String {
    format!("pg_get_userbyid({owner})")
}

/// `SET (…)` or `RESET (…)` steps for options that differ.
pub fn option_steps(object: Pair<&Object>, attribute: &str, alter: &Sql) -> Vec<Step> {
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
    steps
}

/// Options as `name = 'value'`.
pub fn options(options: &[(String, Value)]) -> Sql {
    let list: Vec<Sql> = options
        .iter()
        .map(|(key, value)| sql!("{} = {}", option_name(key), Literal(&value.to_string())))
        .collect();
    Sql::join(&list, ", ")
}

/// An option's name; one before the first dot is a namespace (`toast.autovacuum_enabled`).
fn option_name(key: &str) -> Sql {
    match key.split_once('.') {
        Some((namespace, name)) => sql!("{}.{}", Ident(namespace), Ident(name)),
        None => sql!("{}", Ident(key)),
    }
}

/// Identifiers with commas.
pub fn idents(names: &[String]) -> Sql {
    let list: Vec<Sql> = names.iter().map(|name| sql!("{}", Ident(name))).collect();
    Sql::join(&list, ", ")
}

/// Texts that are SQL already, with commas.
pub fn expressions(texts: &[String]) -> Sql {
    let list: Vec<Sql> = texts.iter().map(|text| sql!("{}", Expression(text))).collect();
    Sql::join(&list, ", ")
}

/// A step that lets a sequence go on after the values that a column holds.
pub fn go_on(of: &ObjectId, sequence: &Sql, column: &ObjectId, descends: bool, bound: Option<i64>) -> Step {
    let (function, compared) = if descends { ("min", "<=") } else { ("max", ">=") };
    let last = sql!("{}({})", Sql::trusted(function), Ident(column.name()));
    let sql = sql!(
        "SELECT pg_catalog.setval({}, {}) FROM {} HAVING {} {} {}",
        sequence,
        last,
        column.on(),
        last,
        Sql::trusted(compared),
        bound.unwrap_or(if descends { -1 } else { 1 }),
    );
    Step::populate(of, sql)
}

/// The table that a part of one belongs to.
pub fn table_of(id: &ObjectId) -> ObjectId {
    ObjectId::new(KindName::Table, &id.path()[..2])
}

/// Whether the context's plan creates the table that the object is part of.
pub fn table_is_new(id: &ObjectId, context: &Context) -> bool {
    context.is_new(&table_of(id))
}

/// A constraint as `COMMENT ON` names it.
pub fn constraint_reference(constraint: &Object) -> Sql {
    sql!("CONSTRAINT {} ON {}", Ident(constraint.id.name()), constraint.id.on())
}

/// `ALTER TABLE … DROP CONSTRAINT`.
pub fn drop_constraint(constraint: &Object) -> Step {
    let id = &constraint.id;
    let sql = sql!("ALTER TABLE {} DROP CONSTRAINT {}", id.on(), Ident(id.name()));
    Step::drop(id, sql).lock(crate::model::LockMode::AccessExclusive, table_of(id))
}

/// `ALTER TABLE … ADD CONSTRAINT`, which folds into a new table when it may.
pub fn add_constraint(constraint: &Object, definition: &Sql, folds: bool) -> Step {
    let id = &constraint.id;
    let clause = sql!("CONSTRAINT {} {}", Ident(id.name()), definition);
    let step = Step::create(id, sql!("ALTER TABLE {} ADD {}", id.on(), clause));
    let step = step.lock(crate::model::LockMode::AccessExclusive, table_of(id));
    if folds { step.folds(table_of(id), crate::model::step::Clause::Entry(clause)) } else { step }
}

/// `DEFERRABLE` and `INITIALLY DEFERRED`, or nothing.
pub fn deferrability(constraint: &Object) -> Sql {
    let mut sql = Sql::default();
    if constraint.flag("deferrable") {
        sql.push(&sql!("DEFERRABLE"));
    }
    if constraint.flag("initially_deferred") {
        sql.push(&sql!("INITIALLY DEFERRED"));
    }
    sql
}

/// `(NAME = value, FLAG, …)` of the definitions that are lists, a line each; what has no value is left out.
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

/// The table or foreign table that a part of one belongs to.
pub fn relation_of(id: &ObjectId, context: &Context) -> ObjectId {
    let sides = context.sides;
    sides.after.parent(id).or_else(|| sides.before.parent(id)).unwrap_or_else(|| table_of(id))
}

/// Takes off an object what hangs off it, where the object is no more than that and its whole stays.
pub fn shed(object: &Object, context: &Context) -> Vec<Step> {
    if context.sides.after.parent(&object.id).is_none_or(|parent| context.is_new(&parent)) {
        return Vec::new();
    }
    let blank = Object::new(object.id.clone());
    hung(Pair { before: object, after: &blank }, context)
}

/// Hangs on a new object all that hangs off the one whose place it takes.
pub fn hang(object: &Object, context: &Context) -> Vec<Step> {
    let blank = Object::new(object.id.clone());
    hung(Pair { before: &blank, after: object }, context)
}

/// What leads from a blank object to another, or back, of all that hangs off it.
fn hung(object: Pair<&Object>, context: &Context) -> Vec<Step> {
    let mut done: Vec<&Alteration> = Vec::new();
    let mut steps = Vec::new();
    let is_there = |name| object.before.get(name).is_some() || object.after.get(name).is_some();
    for attribute in object.before.id.kind.get().attributes.iter().filter(|a| is_there(a.name)) {
        if let super::How::Attach(by) = attribute.how
            && !done.iter().any(|other| std::ptr::eq(*other, by))
        {
            done.push(by);
            steps.extend((by.steps)(object, context).unwrap_or_default());
        }
    }
    steps
}

/// The operator classes that make the operators of a query an order, which the server does not record.
pub fn orderings(query: &ObjectId, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    let operators = catalog.dependencies_of(query).filter(|(id, _)| id.kind == KindName::Operator);
    let users = operators.flat_map(|(operator, _)| catalog.dependents_of(operator));
    let classes = users.filter(|(user, _)| user.kind == KindName::OperatorClass);
    classes.map(|(class, _)| (class.clone(), DependencyKind::Normal)).collect()
}
