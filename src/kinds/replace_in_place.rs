//! Replacement of a type or collation by one of the same name, while the columns that use it keep their values.

use super::narrowing;
use crate::model::kind::{AttributeName, ChangeMethod, Context, KindName};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, Step};
use crate::sql;

/// Renames the old type, creates the new one, alters the columns, and drops the old type.
pub fn steps(ty: Pair<&Object>, create: Vec<Step>, context: &Context) -> Vec<Step> {
    let id = &ty.after.id;
    // The underlying types of a domain.
    let (before, after) = (ty.before.text(AttributeName::TYPE), ty.after.text(AttributeName::TYPE));
    let temporary_name = temporary_name(id.name());
    let collation = id.kind == KindName::Collation;
    let word = Sql::trusted(if collation { "COLLATION" } else { "TYPE" });
    let rename = sql!("ALTER {} {} RENAME TO {}", word, id.qualified(), Ident(&temporary_name));
    let mut steps = vec![Step::alter(id, rename)];
    steps.extend(create.into_iter().map(|step| Step { action: crate::model::Action::Alter, ..step }));
    // The owner, the privileges and the comment belong to the old type.
    let blank = Object::new(id.clone());
    for attribute in
        id.kind.get().attributes.iter().filter(|attribute| ty.after.get(attribute.name).is_some())
    {
        if let ChangeMethod::Attach(by) = attribute.change_method {
            steps.extend((by.steps)(Pair { before: &blank, after: ty.after }, context).unwrap_or_default());
        }
    }
    for column in columns(id, context) {
        let name = Ident(column.id.name());
        let ty = Expression(column.text(AttributeName::TYPE));
        let head = sql!("ALTER TABLE {} ALTER COLUMN {} TYPE {}", column.id.qualified_relation(), name, ty);
        let sql = if collation {
            sql!("{} COLLATE {}", head, id.qualified())
        } else {
            // An explicit cast truncates values that are too long. An assignment raises an error.
            let is_type = column.text(AttributeName::TYPE) == sql!("{}", id.qualified()).as_str();
            let assigned = is_type && narrowing::assigns("text", after);
            let cast = if assigned { Sql::default() } else { sql!("::{}", ty) };
            sql!("{} USING {}::text{}", head, name, cast)
        };
        let table = super::common::table_of(&column.id);
        let mut step = Step::alter(id, sql).lock(LockMode::AccessExclusive, &table);
        if narrowing::rounds(before, after) {
            step = step.hazard(Hazard::DataLoss(format!("rounds values of {} to {after}", column.id)));
        }
        steps.push(step.hazard(Hazard::Rewrite(format!("rewrites {table}"))));
    }
    let old = crate::model::sql::QualifiedName { schema: &id.path()[0], name: &temporary_name };
    steps.push(Step::alter(id, sql!("DROP {} {}", word, old)));
    steps
}

/// Returns the columns that use the type before and after and do not inherit it.
pub fn columns<'a>(id: &ObjectId, context: &'a Context) -> Vec<&'a Object> {
    let mut columns: Vec<&Object> = context
        .sides
        .before
        .dependents_of(id)
        .filter(|(user, _)| user.kind == KindName::Column)
        .filter_map(|(user, _)| context.sides.before.get(user).zip(context.sides.after.get(user)))
        .filter(|(before, after)| {
            [AttributeName::TYPE, AttributeName::COLLATION]
                .into_iter()
                .all(|name| before.get(name) == after.get(name))
        })
        .filter(|(_, after)| !after.flag(AttributeName::INHERITED) && !context.is_new(&after.id))
        .map(|(_, after)| after)
        .collect();
    columns.sort_by(|a, b| a.id.cmp(&b.id));
    columns
}

/// The name of the old object while the new one exists, within 63 bytes.
pub(super) fn temporary_name(name: &str) -> String {
    const SUFFIX: &str = "__old";
    let end = name.floor_char_boundary(63 - SUFFIX.len());
    format!("{}{SUFFIX}", &name[..end])
}
