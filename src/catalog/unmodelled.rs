//! User objects, and features of objects, that no kind models, so that they can be reported.

use rustc_hash::FxHashMap as Map;

use super::address::{Address, NO_CATALOG, address};
use super::dependencies::DependencyRow;
use crate::db::{Row, Session};
use crate::error::Result;
use crate::model::AttributeName;
use crate::model::Catalog;
use crate::model::kind::SystemCatalog;
use crate::model::sql::{Literal, Sql};
use crate::sql;

/// An object, or a feature of one, that no kind models.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnmodelledItem {
    /// The object.
    at: Address,
    /// The feature, in words that the name of the object follows; empty for the object itself.
    feature: String,
}

/// Returns the query for features that are not modelled: addresses and features. [`crate::coverage`] lists each of them
/// as a gap.
pub(super) fn query() -> String {
    String::from(
        "SELECT classoid, objoid, objsubid, 'security label of ' || quote_ident(provider) || ' on ' FROM pg_seclabel \
         UNION ALL SELECT DISTINCT 'pg_constraint'::regclass::oid, g.tgconstraint, 0, 'disabled triggers of ' \
         FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint \
         WHERE g.tgisinternal AND g.tgenabled <> 'O' AND k.contype <> 't' \
         UNION ALL SELECT 'pg_class'::regclass::oid, inhrelid, 0, 'interrupted detachment of ' \
         FROM pg_inherits WHERE inhdetachpending",
    )
}

impl From<&Row> for UnmodelledItem {
    fn from(row: &Row) -> Self {
        Self { at: address(row), feature: row.get(3).unwrap_or_default().to_owned() }
    }
}

/// A search for what is not modelled, after all kinds have been read.
pub(super) struct UnmodelledSearch<'a> {
    /// The modelled objects.
    pub(super) catalog: &'a Catalog,
    /// Their indexes in the catalog, by address.
    pub(super) addresses: &'a Map<Address, usize>,
    /// The members of extensions.
    pub(super) members: &'a Map<(u32, u32), Address>,
    /// The rows of `pg_depend`.
    pub(super) rows: &'a [DependencyRow],
}

impl UnmodelledSearch<'_> {
    /// Returns what is not modelled. `orphans` are rows of kinds whose parent is not in the catalog.
    pub(super) fn find(
        &self,
        orphans: impl IntoIterator<Item = Address>,
        comments: &Map<Address, String>,
        features: Vec<UnmodelledItem>,
    ) -> Vec<UnmodelledItem> {
        let unknown = self.unknown_rows();
        let item = |at: Address, feature: &str| UnmodelledItem { at, feature: feature.to_owned() };
        let object = |(class, oid): (u32, u32)| item((class, oid, 0), "");
        let objects = unknown.keys().copied().chain(orphans.into_iter().map(|(class, oid, _)| (class, oid)));
        let objects = objects.filter(|(class, _)| !is_part_class(*class)).map(object);
        let comments = comments.keys().filter(|at| !self.has(**at, AttributeName::COMMENT));
        let dependents = self.rows.iter().filter(|row| row.kind == 'x').map(|row| row.from);
        let dependents = dependents.filter(|at| !self.has(*at, AttributeName::DEPENDS_ON_EXTENSIONS));
        let mut found: Vec<UnmodelledItem> = objects
            .filter(|item| !self.is_part(unknown.get(&(item.at.0, item.at.1))))
            .chain(comments.map(|at| item(*at, "comment on ")))
            .chain(dependents.map(|at| item(at, "dependence on an extension of ")))
            .filter(|item| !self.is_excluded((item.at.0, item.at.1), &unknown, 0))
            .collect();
        let is_included = |item: &UnmodelledItem| !self.is_excluded((item.at.0, item.at.1), &unknown, 0);
        found.extend(features.into_iter().filter(is_included));
        found.sort();
        found.dedup();
        found
    }

    /// Returns the rows that are not in the catalog, with their dependencies. Nearly every user object depends on
    /// another one, at least on its schema or table.
    fn unknown_rows(&self) -> Map<(u32, u32), Vec<&DependencyRow>> {
        let mut unknown: Map<(u32, u32), Vec<&DependencyRow>> = Map::default();
        for row in self.rows {
            let (class, oid, _) = row.from;
            if !self.addresses.contains_key(&(class, oid, 0)) && !self.members.contains_key(&(class, oid)) {
                unknown.entry((class, oid)).or_default().push(row);
            }
        }
        unknown
    }

    /// Whether a row is part of another object: a row type, the index of a constraint, a foreign key of a partition, or
    /// something that belongs to a row that is not in the catalog either, such as a TOAST table.
    fn is_part(&self, dependencies: Option<&Vec<&DependencyRow>>) -> bool {
        let is_modelled = |to: Address| self.addresses.contains_key(&(to.0, to.1, 0));
        dependencies.into_iter().flatten().any(|row| match row.kind {
            'i' | 'P' | 'S' => true,
            'a' => !is_modelled(row.to),
            _ => false,
        })
    }

    /// Whether the object at an address is modelled and its kind has an attribute.
    fn has(&self, at: Address, attribute: AttributeName) -> bool {
        let kind = self.addresses.get(&at).map(|place| self.catalog.id(*place).kind.get());
        kind.is_some_and(|kind| kind.attribute(attribute).is_some())
    }

    /// Whether a row belongs to an extension, to temporary objects or to schemadiff itself.
    fn is_excluded(
        &self,
        row: (u32, u32),
        unknown: &Map<(u32, u32), Vec<&DependencyRow>>,
        depth: u8,
    ) -> bool {
        let (class_of, oid) = row;
        // A schema of temporary objects or of schemadiff.
        let is_excluded_schema =
            class_of == SystemCatalog::NAMESPACE.oid && !self.addresses.contains_key(&(class_of, oid, 0));
        // It cannot be determined whether a user created what belongs to a member; pg_dump omits it too.
        if self.members.contains_key(&row) || is_excluded_schema {
            return true;
        }
        // Through several objects, as from a trigger of a constraint of a table in a schema. No chain is longer.
        let dependencies = unknown.get(&row).filter(|_| depth < 6);
        dependencies.into_iter().flatten().any(|row| {
            let to = (row.to.0, row.to.1);
            let in_schema =
                row.kind == 'n' && to.0 == SystemCatalog::NAMESPACE.oid && !self.members.contains_key(&to);
            let belongs = matches!(row.kind, 'i' | 'a' | 'P' | 'S');
            (in_schema || belongs) && self.is_excluded(to, unknown, depth + 1)
        })
    }
}

/// Whether all rows of a system catalog are parts of other objects: column defaults, members of operator families.
fn is_part_class(class_of: u32) -> bool {
    [NO_CATALOG, SystemCatalog::ATTRDEF.oid, SystemCatalog::AMOP.oid, SystemCatalog::AMPROC.oid]
        .contains(&class_of)
}

/// Returns the names of items, sorted, with objects identified as in `pg_identify_object`.
pub(super) async fn names(session: &Session, items: &[UnmodelledItem]) -> Result<Vec<String>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Sql> = items
        .iter()
        .map(|item| {
            let (class, oid, sub) = item.at;
            sql!(
                "({}, {}::oid, {}::oid, {})",
                Literal(&item.feature),
                i64::from(class),
                i64::from(oid),
                i64::from(sub)
            )
        })
        .collect();
    let query =
        sql!("{} (VALUES {}) {}", Sql::trusted(NAME), Sql::join(&values, ", "), Sql::trusted(REPORTED));
    let rows = session.rows(query.as_str()).await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect())
}

const NAME: &str = "SELECT DISTINCT u.words || i.type || ' ' || i.identity || CASE WHEN x.indexrelid IS NOT NULL \
    AND u.words = '' THEN ', which is not valid' ELSE '' END COLLATE \"C\" FROM";

/// Leaves out objects that no longer exist, large objects (data), operators that are only forward references,
/// collations for other encodings, NOT NULL constraints, which are attributes of columns, and comments on the indexes
/// of constraints, which the kinds of constraints read.
const REPORTED: &str = "AS u (words, class, oid, sub) CROSS JOIN LATERAL pg_identify_object(u.class, u.oid, u.sub::int) i \
    LEFT JOIN pg_index x ON u.class = 'pg_class'::regclass AND x.indexrelid = u.oid AND NOT x.indisvalid \
    WHERE i.identity IS NOT NULL AND u.class <> 'pg_largeobject'::regclass \
    AND NOT EXISTS (SELECT FROM pg_operator o WHERE u.class = 'pg_operator'::regclass AND o.oid = u.oid AND o.oprcode = 0) \
    AND NOT EXISTS (SELECT FROM pg_collation l WHERE u.class = 'pg_collation'::regclass AND l.oid = u.oid \
    AND l.collencoding NOT IN (-1, pg_char_to_encoding(getdatabaseencoding()))) \
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE u.class = 'pg_constraint'::regclass AND k.oid = u.oid \
    AND k.contype = 'n') \
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE u.class = 'pg_class'::regclass AND u.words = 'comment on ' \
    AND k.conindid = u.oid AND k.contype IN ('p', 'u', 'x')) \
    ORDER BY 1";
