//! The type of a column, and how its values become those of another.

use super::inherited::follows_parent;
use super::mark::storage;
use super::statement::{alter_column, alter_column_sql};
use crate::kinds::common::relation_of;
use crate::kinds::{narrowing, replace_in_place};
use crate::model::kind::{Alteration, Context, KindName};
use crate::model::sql::{Expression, Ident, Sql};
use crate::model::{Action, Catalog, DependencyKind, Hazard, Object, ObjectId, Pair, Step};
use crate::sql;

/// Kinds that refuse a change of the type of a column they use (manual, `ALTER TABLE`, and by trial).
pub(super) const IN_THE_WAY: &[KindName] = &[
    KindName::View,
    KindName::MaterializedView,
    KindName::Rule,
    KindName::Policy,
    KindName::Trigger,
    KindName::PublicationTable,
    KindName::Function,
    KindName::Procedure,
    // A default may not be castable to the new type; it is set anew after it.
    KindName::Default,
];

/// The type with its collation.
pub(super) static TYPE: Alteration = Alteration {
    name: "type",
    steps: |column, context| {
        if follows_parent(column, "type", context) || follows_parent(column, "collation", context) {
            return Some(Vec::new());
        }
        let after = column.after;
        // A table's partition key is for ever.
        let mut needs = context.sides.before.dependencies_of(&after.id);
        if needs.any(|(_, kind)| kind == DependencyKind::Internal) {
            return None;
        }
        let before = context.sides.before.dependencies_of(&after.id).map(|(id, _)| id);
        let mut replaced = before.filter(|id| context.dropped.contains(*id) && context.is_new(id));
        let detours = replaced.any(replace_in_place::is_type);
        let foreign = relation_of(&after.id, context).kind == KindName::ForeignTable;
        let name = sql!("{}", Ident(after.id.name()));
        let domain = domain_of(after, context.sides.after).map_or("", |domain| domain.text("type"));
        let using = if foreign {
            None
        } else if detours {
            // An assignment refuses what is too long for a domain, too.
            let assigned = narrowing::assigns("text", domain);
            (!assigned).then(|| sql!("{}::{}", name, Expression(after.text("type"))))
        } else {
            let using = || cast(column, &name, context.sides);
            after.text("generated").is_empty().then(using).flatten()
        };
        let mut steps = vec![alter_column(after, &typed(after, using.as_ref()))];
        if detours {
            // The values wait as text for the new type of the same name.
            let using = if foreign { Sql::default() } else { sql!("USING {}::text", name) };
            let aside = alter_column(after, &sql!("TYPE text").then(&using));
            steps.insert(0, Step { action: Action::Release, ..aside });
        }
        let rounds = narrowing::rounds(column.before.text("type"), after.text("type"));
        if !foreign && (rounds || detours && rounds_inside(&after.id, context)) {
            let text = format!("rounds values of {} to {}", after.id, after.text("type"));
            steps[0].hazards.push(Hazard::DataLoss(text));
        }
        for step in steps.iter_mut().filter(|_| !foreign) {
            step.hazards.push(Hazard::Rewrite(format!("may rewrite the table of {}", after.id)));
        }
        // Both go back to the new type's own when the type changes.
        if column.before.get("storage") == after.get("storage") && after.get("storage").is_some() {
            steps.push(storage(after, "storage", "STORAGE"));
        }
        if column.before.get("compression") == after.get("compression") && after.get("compression").is_some() {
            steps.push(storage(after, "compression", "COMPRESSION"));
        }
        Some(steps)
    },
};

/// The statement that gives a column its type by a conversion of one's own.
pub fn change_type(after: &Object, using: &Sql) -> Sql {
    alter_column_sql(after, false, &typed(after, Some(using)))
}

/// How a value of the old type is cast to the new type, where nobody says it; nothing where an assignment does it.
pub fn cast(column: Pair<&Object>, value: &Sql, sides: Pair<&Catalog>) -> Option<Sql> {
    // An explicit cast cuts what is too long, where an assignment refuses it.
    if narrowing::assigns(column.before.text("type"), column.after.text("type")) {
        return None;
    }
    let ty = Expression(column.after.text("type"));
    // Between user types there is rarely a cast, but every type can be written and read.
    let through_text = is_made_of_text(column.before.text("type"), sides.before)
        || is_made_of_text(column.after.text("type"), sides.after);
    Some(if through_text { sql!("{}::text::{}", value, ty) } else { sql!("{}::{}", value, ty) })
}

/// What stands after the column's name where its type changes.
fn typed(after: &Object, using: Option<&Sql>) -> Sql {
    let mut what = sql!("TYPE {}", Expression(after.text("type")));
    if !after.text("collation").is_empty() {
        what.push(&sql!("COLLATE {}", Expression(after.text("collation"))));
    }
    if let Some(using) = using {
        what.push(&sql!("USING {}", using));
    }
    what
}

/// The domain that a column is of, if it is of one.
fn domain_of<'a>(column: &Object, catalog: &'a Catalog) -> Option<&'a Object> {
    let domains = catalog.dependencies_of(&column.id).filter(|(id, _)| id.kind == KindName::Domain);
    let mut whole = domains.filter(|(id, _)| sql!("{}", id.qualified()).as_str() == column.text("type"));
    whole.next().and_then(|(id, _)| catalog.get(id))
}

/// Whether a type of which the column's is made is replaced by one to which its values are rounded.
fn rounds_inside(column: &ObjectId, context: &Context) -> bool {
    let Pair { before, after } = context.sides;
    context.dropped.iter().filter(|id| before.depends_on(column, &whole_type(id))).any(|id| {
        let ty = |catalog: &Catalog| {
            let object = catalog.get(id);
            object.map_or_else(String::new, |o| format!("{}{}", o.text("type"), o.text("subtype")))
        };
        narrowing::rounds(&ty(before), &ty(after))
    })
}

/// The type, or the one of which this is an attribute.
fn whole_type(id: &ObjectId) -> ObjectId {
    if id.kind == KindName::Attribute { ObjectId::new(KindName::Composite, &id.path()[..2]) } else { id.clone() }
}

/// Whether a type, or the type of an array's elements, is an enum or a composite type of this catalog.
fn is_made_of_text(ty: &str, catalog: &Catalog) -> bool {
    let element = ty.trim_end_matches("[]");
    catalog.objects.keys().any(|id| {
        matches!(id.kind, KindName::Enum | KindName::Composite) && sql!("{}", id.qualified()).as_str() == element
    })
}
