//! What hangs off objects of every kind: owner, comment, privileges; and helpers of several kinds.

mod constraint;
mod grants;
mod options;
mod rename;

pub use constraint::{add_constraint, constraint_reference, deferrability, drop_constraint};
pub use grants::{
    GRANTS, OWNER_BY_NAME, OWNER_GRANTEE, grant_steps, granted_by, grantor, grants_beyond, grants_by,
    grants_column, part_grant_steps, privilege,
};
pub use options::{definition_list, option_steps, options};
pub use rename::{
    move_to, rename, rename_constraint, rename_index, rename_on_relation, rename_quietly, rename_relation,
};

use crate::model::kind::{Alteration, Attribute, ChangeMethod, Context, KindName, ValueType};
use crate::model::sql::{Expression, Ident, Literal, Sql};
use crate::model::{Catalog, DependencyKind, Object, ObjectId, Pair, Step};
use crate::sql;

/// The comment on an object (`pg_description`).
pub const COMMENT: Attribute = Attribute::attached(
    "comment",
    ValueType::Text,
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
    ValueType::Names,
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
    Attribute::attached("owner", ValueType::Role, alteration)
        .unmanaged_if_unset()
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

/// A query's column for the owner.
pub fn owner_column(owner: &str) -> String {
    format!("pg_get_userbyid({owner})")
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

/// The table or foreign table that a part of one belongs to.
pub fn relation_of(id: &ObjectId, context: &Context) -> ObjectId {
    let sides = context.sides;
    sides.after.parent(id).or_else(|| sides.before.parent(id)).unwrap_or_else(|| table_of(id))
}

/// Takes off an object what hangs off it, where the object is no more than that and its whole stays.
pub fn detach(object: &Object, context: &Context) -> Vec<Step> {
    if context.sides.after.parent(&object.id).is_none_or(|parent| context.is_new(&parent)) {
        return Vec::new();
    }
    let blank = Object::new(object.id.clone());
    attachment_steps(Pair { before: object, after: &blank }, context)
}

/// Hangs on a new object all that hangs off the one whose place it takes.
pub fn attach_all(object: &Object, context: &Context) -> Vec<Step> {
    let blank = Object::new(object.id.clone());
    attachment_steps(Pair { before: &blank, after: object }, context)
}

/// What leads from a blank object to another, or back, of all that hangs off it.
fn attachment_steps(object: Pair<&Object>, context: &Context) -> Vec<Step> {
    let mut done: Vec<&Alteration> = Vec::new();
    let mut steps = Vec::new();
    let is_there = |name| object.before.get(name).is_some() || object.after.get(name).is_some();
    for attribute in object.before.id.kind.get().attributes.iter().filter(|a| is_there(a.name)) {
        if let ChangeMethod::Attach(by) = attribute.change_method
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
