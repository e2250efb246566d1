//! The exchange of a type or collation for another of the same name under the columns that use it, whose data stay.

use super::narrowing;
use crate::model::kind::{ChangeMethod, Context, KindName};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, Step};
use crate::sql;

/// Kinds that are built anew when a type is exchanged; columns stay and are altered.
pub const IN_THE_WAY: &[KindName] = &[
    KindName::View,
    KindName::MaterializedView,
    KindName::Rule,
    KindName::Policy,
    KindName::Trigger,
    KindName::Function,
    KindName::Procedure,
    KindName::Default,
    KindName::Check,
    KindName::Index,
    KindName::Exclusion,
    KindName::Domain,
    KindName::DomainConstraint,
];

/// Kinds that are built anew when the values of a column wait as text for a type that is replaced.
pub const IN_THE_WAY_OF_A_DETOUR: &[KindName] = &[
    KindName::View,
    KindName::MaterializedView,
    KindName::Rule,
    KindName::Policy,
    KindName::Trigger,
    KindName::PublicationTable,
    KindName::Function,
    KindName::Procedure,
    KindName::Default,
    KindName::Check,
    KindName::Index,
    KindName::Exclusion,
    KindName::ForeignKey,
];

/// Whether it is a type by itself, not one that comes with a relation.
pub fn is_type(id: &ObjectId) -> bool {
    id.kind.get().is_type()
}

/// The old type is renamed away, the new one created, every column that stays altered, the old one dropped.
pub fn steps(ty: Pair<&Object>, create: Vec<Step>, context: &Context) -> Vec<Step> {
    let id = &ty.after.id;
    // A domain has a type under it.
    let (before, after) = (ty.before.text("type"), ty.after.text("type"));
    let aside = aside(id.name());
    let collation = id.kind == KindName::Collation;
    let word = Sql::trusted(if collation { "COLLATION" } else { "TYPE" });
    let rename = sql!("ALTER {} {} RENAME TO {}", word, id.qualified(), Ident(&aside));
    let mut steps = vec![Step::alter(id, rename)];
    steps.extend(create.into_iter().map(|step| Step { action: crate::model::Action::Alter, ..step }));
    // Owner, privileges and comment went away with the old type.
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
        let ty = Expression(column.text("type"));
        let head = sql!("ALTER TABLE {} ALTER COLUMN {} TYPE {}", column.id.on(), name, ty);
        let sql = if collation {
            sql!("{} COLLATE {}", head, id.qualified())
        } else {
            // An explicit cast cuts what is too long, where an assignment refuses it.
            let whole = column.text("type") == sql!("{}", id.qualified()).as_str();
            let assigned = whole && narrowing::assigns("text", after);
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
    let old = crate::model::sql::QualifiedName { schema: &id.path()[0], name: &aside };
    steps.push(Step::alter(id, sql!("DROP {} {}", word, old)));
    steps
}

/// Columns that have it before and after and do not get it from a parent.
pub fn columns<'a>(id: &ObjectId, context: &'a Context) -> Vec<&'a Object> {
    let mut columns: Vec<&Object> = context
        .sides
        .before
        .dependents_of(id)
        .filter(|(user, _)| user.kind == KindName::Column)
        .filter_map(|(user, _)| context.sides.before.get(user).zip(context.sides.after.get(user)))
        .filter(|(before, after)| {
            ["type", "collation"].iter().all(|name| before.get(name) == after.get(name))
        })
        .filter(|(_, after)| !after.flag("inherited") && !context.is_new(&after.id))
        .map(|(_, after)| after)
        .collect();
    columns.sort_by(|a, b| a.id.cmp(&b.id));
    columns
}

/// A name for what goes while what takes its place is there too, within 63 bytes.
pub(super) fn aside(name: &str) -> String {
    const MARK: &str = "__old";
    let end = name.floor_char_boundary(63 - MARK.len());
    format!("{}{MARK}", &name[..end])
}
