//! Dependencies between declared objects that determine an order of creation.

use indexmap::IndexMap;

use super::names::path_of;
use crate::kinds::KindName;
use crate::model::{AttributeName, Catalog, Dependency, DependencyKind, ObjectId};

/// Returns the dependencies that determine an order of creation and whose violation the server would not report: the
/// index of a partition is created before that of its parent, which would otherwise create another one, and a partition
/// is attached when both tables have their columns and checks.
pub(super) fn dependencies(catalog: &Catalog) -> Vec<Dependency> {
    let mut list = Vec::new();
    let all = || catalog.objects.values().enumerate();
    let indexes = || all().filter(|(_, object)| object.id.kind == KindName::Index);
    let names: IndexMap<[&str; 2], usize> =
        indexes().map(|(place, index)| ([&*index.id.path()[0], index.id.name()], place)).collect();
    for (from, index) in indexes() {
        let parent = path_of(index.text(AttributeName::SHARE_OF));
        if let Some(to) = parent.and_then(|[schema, name]| names.get(&[&*schema, &*name]).copied()) {
            list.push(Dependency { from, to, kind: DependencyKind::Part });
        }
    }
    for (from, partition) in all().filter(|(_, object)| object.id.kind == KindName::Partition) {
        let parent =
            path_of(partition.text(AttributeName::OF)).map(|path| ObjectId::new(KindName::Table, &path));
        for table in partition.id.parents().chain(parent) {
            let parts = catalog.children(&table);
            for part in parts.filter(|part| matches!(part.id.kind, KindName::Column | KindName::Check)) {
                let to = catalog.objects.get_index_of(&part.id);
                list.extend(to.map(|to| Dependency { from, to, kind: DependencyKind::Normal }));
            }
        }
    }
    list
}
