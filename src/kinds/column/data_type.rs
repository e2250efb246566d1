//! The data type of a column, and the conversion of its values.

use super::inherited::follows_parent;
use super::statement::{alter_column, alter_column_sql};
use super::storage::set_storage;
use crate::kinds::common::relation_of;
use crate::kinds::narrowing;
use crate::model::kind::{Alteration, AttributeName, Context, KindName};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Action, Catalog, DependencyKind, Hazard, Object, ObjectId, Pair, Step};
use crate::sql;

/// The type with its collation.
pub static TYPE: Alteration = Alteration {
    name: "type",
    steps: |column, context| {
        if follows_parent(column, AttributeName::TYPE, context)
            || follows_parent(column, AttributeName::COLLATION, context)
        {
            return Some(Vec::new());
        }
        let after = column.after;
        // The type of a column of the partition key cannot be changed.
        let mut needs = context.sides.before.dependencies_of(&after.id);
        if needs.any(|(_, kind)| kind == DependencyKind::Internal) {
            return None;
        }
        let before = context.sides.before.dependencies_of(&after.id).map(|(id, _)| id);
        let mut replaced = before.filter(|id| context.dropped.contains(*id) && context.is_new(id));
        let through_text = replaced.any(|id| id.kind.get().is_type());
        let foreign = relation_of(&after.id, context).kind == KindName::ForeignTable;
        let name = sql!("{}", Ident(after.id.name()));
        let domain =
            domain_of(after, context.sides.after).map_or("", |domain| domain.text(AttributeName::TYPE));
        let using = if foreign {
            None
        } else if through_text {
            // An assignment raises an error for values that are too long, also for those of a domain.
            let assigned = narrowing::assigns("text", domain);
            (!assigned).then(|| sql!("{}::{}", name, Expression(after.text(AttributeName::TYPE))))
        } else {
            let using = || cast(column, &name, context.sides);
            after.text(AttributeName::GENERATED).is_empty().then(using).flatten()
        };
        let mut steps = vec![alter_column(after, &type_action(after, using.as_ref()))];
        if through_text {
            // The values are stored as text while the type is replaced.
            let using = if foreign { Sql::default() } else { sql!("USING {}::text", name) };
            let to_text = alter_column(after, &sql!("TYPE text").then(&using));
            steps.insert(0, Step { action: Action::Release, ..to_text });
        }
        let rounds =
            narrowing::rounds(column.before.text(AttributeName::TYPE), after.text(AttributeName::TYPE));
        if !foreign && (rounds || through_text && replaced_type_rounds(&after.id, context)) {
            let risk = format!("rounds values of {} to {}", after.id, after.text(AttributeName::TYPE));
            steps[0].hazards.push(Hazard::DataLoss(risk));
        }
        for step in steps.iter_mut().filter(|_| !foreign) {
            step.hazards.push(Hazard::Rewrite(format!("may rewrite the table of {}", after.id)));
        }
        // ALTER COLUMN TYPE resets both to the defaults of the new type.
        if column.before.get(AttributeName::STORAGE) == after.get(AttributeName::STORAGE)
            && after.get(AttributeName::STORAGE).is_some()
        {
            steps.push(set_storage(after, AttributeName::STORAGE, "STORAGE"));
        }
        if column.before.get(AttributeName::COMPRESSION) == after.get(AttributeName::COMPRESSION)
            && after.get(AttributeName::COMPRESSION).is_some()
        {
            steps.push(set_storage(after, AttributeName::COMPRESSION, "COMPRESSION"));
        }
        Some(steps)
    },
};

/// The statement that changes the type of a column with a `USING` expression.
pub fn change_type(after: &Object, using: &Sql) -> Sql {
    alter_column_sql(after, false, &type_action(after, Some(using)))
}

/// Returns the default cast of a value to the new type, or nothing if an assignment cast converts it.
pub fn cast(column: Pair<&Object>, value: &Sql, sides: Pair<&Catalog>) -> Option<Sql> {
    // An explicit cast truncates values that are too long. An assignment raises an error.
    if narrowing::assigns(column.before.text(AttributeName::TYPE), column.after.text(AttributeName::TYPE)) {
        return None;
    }
    let ty = Expression(column.after.text(AttributeName::TYPE));
    // There is rarely a cast between user-defined types, but every type can be converted from and to text.
    let through_text = is_enum_or_composite(column.before.text(AttributeName::TYPE), sides.before)
        || is_enum_or_composite(column.after.text(AttributeName::TYPE), sides.after);
    Some(if through_text { sql!("{}::text::{}", value, ty) } else { sql!("{}::{}", value, ty) })
}

/// The `TYPE` action of `ALTER COLUMN`.
fn type_action(after: &Object, using: Option<&Sql>) -> Sql {
    let mut action = sql!("TYPE {}", Expression(after.text(AttributeName::TYPE)));
    if !after.text(AttributeName::COLLATION).is_empty() {
        action.push(&sql!("COLLATE {}", Expression(after.text(AttributeName::COLLATION))));
    }
    if let Some(using) = using {
        action.push(&sql!("USING {}", using));
    }
    action
}

/// The domain that is the type of the column, if there is one.
fn domain_of<'a>(column: &Object, catalog: &'a Catalog) -> Option<&'a Object> {
    let domains = catalog.dependencies_of(&column.id).filter(|(id, _)| id.kind == KindName::Domain);
    let mut of_type =
        domains.filter(|(id, _)| sql!("{}", id.qualified()).as_str() == column.text(AttributeName::TYPE));
    of_type.next().and_then(|(id, _)| catalog.get(id))
}

/// Returns whether a type within the column's type is replaced by one to which its values are rounded.
fn replaced_type_rounds(column: &ObjectId, context: &Context) -> bool {
    let Pair { before, after } = context.sides;
    context.dropped.iter().filter(|id| before.depends_on(column, &containing_type(id))).any(|id| {
        let ty = |catalog: &Catalog| {
            let object = catalog.get(id);
            object.map_or_else(String::new, |o| {
                format!("{}{}", o.text(AttributeName::TYPE), o.text(AttributeName::SUBTYPE))
            })
        };
        narrowing::rounds(&ty(before), &ty(after))
    })
}

/// The type itself, or the composite type of an attribute.
fn containing_type(id: &ObjectId) -> ObjectId {
    if id.kind == KindName::Attribute {
        ObjectId::new(KindName::Composite, &id.path()[..2])
    } else {
        id.clone()
    }
}

/// Returns whether the type, or the element type of an array, is an enum or composite type of the catalog.
fn is_enum_or_composite(ty: &str, catalog: &Catalog) -> bool {
    let element = ty.trim_end_matches("[]");
    catalog.objects.keys().any(|id| {
        matches!(id.kind, KindName::Enum | KindName::Composite)
            && sql!("{}", id.qualified()).as_str() == element
    })
}
