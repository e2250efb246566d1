//! Which columns can have a second one beside them.

use super::super::RecipeContext;
use crate::kinds::{KindName, column};
use crate::model::{Catalog, Object, ObjectId, PgVersion};
use crate::sql;

/// Whether the table is one by itself, that nothing depends on as a whole, and whose rows can be written without
/// anybody noticing.
pub(super) fn is_plain_table(site: &RecipeContext) -> bool {
    let table = site.table();
    let is_plain = |side: &Catalog| {
        let Some(object) = side.get(&table) else { return false };
        let parted = ["partition_by", "of_type"].iter().any(|name| !object.text(name).is_empty());
        let related = !object.list("inherits").is_empty() || object.flag("force_row_security");
        // Its row type, children or partitions.
        let used = side.dependents_of(&table).any(|(user, _)| {
            let own = side.parent(user).as_ref() == Some(&table);
            let whole = [
                KindName::View,
                KindName::MaterializedView,
                KindName::Policy,
                KindName::ForeignKey,
                KindName::Sequence,
            ];
            !own && !whole.contains(&user.kind)
        });
        // A trigger or a rule would notice that rows are filled, and one that copies whole rows that there is another
        // column, and later that they stand in another order.
        let heard =
            |part: &Object| matches!(part.id.kind, KindName::Trigger | KindName::Rule | KindName::Partition);
        let loud = side.children(&table).any(heard);
        !parted && !related && !used && !loud && !is_published(side, &table)
    };
    let own = table.kind == KindName::Table && !site.touched.contains(&table);
    own && is_plain(site.sides.before) && is_plain(site.sides.after)
}

/// Whether a publication sends the table's rows, and so would send the new column to who has none.
fn is_published(side: &Catalog, table: &ObjectId) -> bool {
    let name = sql!("{}", table.qualified()).to_string();
    side.objects.values().any(|object| match object.id.kind {
        KindName::Publication => object.flag("all_tables"),
        KindName::PublicationSchema => object.id.name() == &*table.path()[0],
        KindName::PublicationTable => object.id.name() == name,
        _ => false,
    })
}

/// Whether the column holds values of its own, of a type that takes NULL until it has one.
pub(super) fn is_plain_column(before: &Object, after: &Object, site: &RecipeContext) -> bool {
    let marks = [
        "inherited",
        "generated",
        "not_null_name",
        "not_null_no_inherit",
        "not_null_not_valid",
        "not_null_inherited",
        "not_null_comment",
    ];
    let marked = marks.iter().any(|name| before.get(name).is_some() || after.get(name).is_some());
    // Domains may refuse NULL, and composite values are tested for NULL otherwise.
    let special = |side: &Catalog| {
        let types = side.dependencies_of(&after.id).map(|(id, _)| id.kind);
        types.into_iter().any(|kind| {
            matches!(kind, KindName::Domain | KindName::Composite | KindName::Table | KindName::View)
        })
    };
    let differs = ["identity", "sequence"].iter().any(|name| before.get(name) != after.get(name));
    let options = ["as", "logged"].iter().any(|name| column::sequence_option(after, name).is_some());
    // A type that is replaced takes the old values along in a way of its own.
    let replaced = site.sides.before.dependencies_of(&before.id).any(|(id, _)| site.dropped.contains(id));
    let long = site.version() >= PgVersion::V18 && column::not_null_name(after).len() > 63;
    !marked
        && !differs
        && !options
        && !replaced
        && !special(site.sides.after)
        && !special(site.sides.before)
        && !long
}
