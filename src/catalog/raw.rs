//! The rows of catalog queries before OIDs are resolved to names.

use rustc_hash::FxHashMap as Map;

use super::address::{Address, address};
use super::dependencies::DependencyRow;
use super::query::CatalogQuery;
use super::unmodelled::UnmodelledItem;
use crate::db::Row;
use crate::model::AttributeName;
use crate::model::Object;

/// The rows of catalog queries before OIDs are resolved to names.
#[derive(Default)]
pub(super) struct RawCatalog {
    /// Objects with their addresses.
    pub(super) objects: Vec<(Address, Object)>,
    /// Attributes that hold column numbers: index of the object, attribute, numbers.
    pub(super) columns: Vec<(usize, AttributeName, String)>,
    /// Names of columns, by relation and number.
    pub(super) names: Map<(u32, i32), String>,
    /// The current role.
    pub(super) user: String,
    pub(super) superusers: Vec<String>,
    pub(super) comments: Map<Address, String>,
    pub(super) dependencies: Vec<DependencyRow>,
    pub(super) features: Vec<UnmodelledItem>,
}

impl RawCatalog {
    /// Adds a row of a query that is not of a kind.
    pub(super) fn add_row(&mut self, query: CatalogQuery, row: &Row) {
        match query {
            CatalogQuery::Comments => {
                let text = row.get(3).unwrap_or_default().to_owned();
                self.comments.insert(address(row), text);
            }
            CatalogQuery::Roles => {
                let name = row.get(0).unwrap_or_default();
                if row.get(1) == Some("t") {
                    self.superusers.push(name.to_owned());
                }
                if row.get(2) == Some("t") {
                    name.clone_into(&mut self.user);
                }
            }
            CatalogQuery::Dependencies => self.dependencies.push(DependencyRow::from(row)),
            CatalogQuery::Features => self.features.push(UnmodelledItem::from(row)),
            CatalogQuery::Kind(_) => {}
        }
    }

    /// Joins the results of several queries.
    pub(super) fn join(results: Vec<(CatalogQuery, Self)>) -> Self {
        let mut all = Self::default();
        for (query, result) in results {
            let start = all.objects.len();
            all.objects.extend(result.objects);
            all.columns
                .extend(result.columns.into_iter().map(|(i, name, numbers)| (start + i, name, numbers)));
            all.names.extend(result.names);
            match query {
                CatalogQuery::Comments => all.comments = result.comments,
                CatalogQuery::Roles => (all.user, all.superusers) = (result.user, result.superusers),
                CatalogQuery::Dependencies => all.dependencies = result.dependencies,
                CatalogQuery::Features => all.features = result.features,
                CatalogQuery::Kind(_) => {}
            }
        }
        all
    }
}
