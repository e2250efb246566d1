//! The sizes of tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::catalog::Catalog;
use crate::model::object::ObjectId;

/// The size of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Size {
    /// The number of rows. Zero is exact; other numbers are the server's estimates.
    pub rows: f64,
    /// The size of the table itself, in bytes.
    pub bytes: u64,
    /// The size of its indexes, in bytes.
    pub indexes: u64,
    /// Whether the table is known to have no row.
    pub empty: bool,
}

impl Size {
    /// Whether rewriting the table and its indexes takes no noticeable time.
    pub fn is_small(self) -> bool {
        self.bytes + self.indexes < 1 << 20
    }
}

/// A file of table sizes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedSizes {
    tables: Vec<SavedTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTable {
    schema: String,
    name: String,
    rows: f64,
    bytes: u64,
    indexes: u64,
}

/// The sizes of tables, by schema and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    tables: BTreeMap<(String, String), Size>,
    /// Whether a table that is not listed has no rows.
    complete: bool,
}

impl Sizes {
    /// The sizes of all tables of a database.
    pub fn complete(tables: BTreeMap<(String, String), Size>) -> Self {
        Self { tables, complete: true }
    }

    /// Parses the JSON text that [`to_json`](Self::to_json) prints.
    ///
    /// # Errors
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let saved: SavedSizes = serde_json::from_str(text)?;
        let mut tables = BTreeMap::new();
        for table in saved.tables {
            let size = Size {
                rows: table.rows,
                bytes: table.bytes,
                indexes: table.indexes,
                empty: table.bytes == 0 && table.rows == 0.0,
            };
            tables.insert((table.schema, table.name), size);
        }
        Ok(Self { tables, complete: false })
    }

    /// Prints the sizes as JSON.
    pub fn to_json(&self) -> String {
        let saved_table = |((schema, name), size): (&(String, String), &Size)| SavedTable {
            schema: schema.clone(),
            name: name.clone(),
            rows: size.rows.round(),
            bytes: size.bytes,
            indexes: size.indexes,
        };
        let saved = SavedSizes { tables: self.tables.iter().map(saved_table).collect() };
        serde_json::to_string_pretty(&saved).unwrap_or_default() + "\n"
    }

    /// Returns the same sizes, but tables that are not listed may have rows.
    #[must_use]
    pub fn into_incomplete(mut self) -> Self {
        self.complete = false;
        self
    }

    /// Returns the number of tables.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether no table is listed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Returns the size of a table, if it is known. Partitions and children are not included.
    pub fn get(&self, table: &ObjectId) -> Option<Size> {
        let name = (table.path().first()?.to_string(), table.name().to_owned());
        self.tables.get(&name).copied()
    }

    /// Records that a table has no row.
    pub fn set_empty(&mut self, table: &ObjectId) {
        let name = (table.path()[0].to_string(), table.name().to_owned());
        if let Some(size) = self.tables.get_mut(&name) {
            size.empty = true;
            size.rows = 0.0;
        }
    }

    /// Whether a table and all its partitions and inheritance children are known to have no row.
    pub fn has_no_rows(&self, table: &ObjectId, catalog: &Catalog) -> bool {
        let mut tables = catalog.table_and_descendants(table).into_iter();
        tables.all(|table| self.get(&table).map_or(self.complete, |size| size.empty))
    }

    /// Returns the size of a table with its partitions and inheritance children.
    pub fn total(&self, table: &ObjectId, catalog: &Catalog) -> Option<Size> {
        let mut sum = self.get(table)?;
        for child in catalog.table_and_descendants(table).iter().filter(|child| *child != table) {
            let size = self.get(child).unwrap_or_default();
            sum.rows += size.rows;
            sum.bytes += size.bytes;
            sum.indexes += size.indexes;
            sum.empty &= size.empty;
        }
        Some(sum)
    }
}
