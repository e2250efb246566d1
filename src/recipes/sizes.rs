//! How large tables are, as far as somebody looked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::db::Session;
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::sql::Literal;
use crate::model::{Catalog, ObjectId};
use crate::sql;

/// The size of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Rows, as the server estimates them; exact where there are none.
    pub rows: f64,
    /// Bytes of the table itself.
    pub bytes: u64,
    /// Bytes of its indexes.
    pub indexes: u64,
    /// Whether it is sure that there is no row.
    pub empty: bool,
}

impl Size {
    /// Whether the table and its indexes are written anew faster than anybody notices.
    pub fn is_small(self) -> bool {
        self.bytes + self.indexes < 1 << 20
    }
}

/// A file of sizes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
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
    /// Whether a table that is not told of has no rows.
    complete: bool,
}

impl Sizes {
    /// Those of a state that holds nothing.
    pub fn nothing() -> Self {
        Self { tables: BTreeMap::new(), complete: true }
    }

    /// Those that were saved to a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = crate::files::read(file)?;
        let wrong = |why: String| {
            Diagnostic::new(codes::VALUE, format!("{} holds no sizes of tables: {why}", file.display()))
                .help("`schemadiff stats pull --env NAME` writes such a file")
        };
        let saved: Saved = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
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

    /// The text that [`Self::read`] reads.
    pub fn print(&self) -> String {
        let one = |((schema, name), size): (&(String, String), &Size)| SavedTable {
            schema: schema.clone(),
            name: name.clone(),
            rows: size.rows.round(),
            bytes: size.bytes,
            indexes: size.indexes,
        };
        let saved = Saved { tables: self.tables.iter().map(one).collect() };
        serde_json::to_string_pretty(&saved).unwrap_or_default() + "\n"
    }

    /// The same, without the word that there are no others.
    #[must_use]
    pub fn in_part(mut self) -> Self {
        self.complete = false;
        self
    }

    /// The tables, sorted.
    pub fn tables(&self) -> impl Iterator<Item = (&(String, String), &Size)> {
        self.tables.iter()
    }

    /// The size of a table, where somebody looked.
    pub fn of(&self, table: &ObjectId) -> Option<Size> {
        let name = (table.path().first()?.to_string(), table.name().to_owned());
        self.tables.get(&name).copied()
    }

    /// Whether a table and all its partitions and inheritance children are known to hold no row.
    pub fn is_empty(&self, table: &ObjectId, catalog: &Catalog) -> bool {
        let mut tables = catalog.table_and_descendants(table).into_iter();
        tables.all(|table| self.of(&table).map_or(self.complete, |size| size.empty))
    }

    /// The size of a table with its partitions and inheritance children.
    pub fn whole(&self, table: &ObjectId, catalog: &Catalog) -> Option<Size> {
        let mut sum = self.of(table)?;
        for child in catalog.table_and_descendants(table).iter().filter(|child| *child != table) {
            let size = self.of(child).unwrap_or_default();
            sum.rows += size.rows;
            sum.bytes += size.bytes;
            sum.indexes += size.indexes;
            sum.empty &= size.empty;
        }
        Some(sum)
    }

    /// Asks a database. Only what `wanted` names is looked into for a first row.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn ask(session: &Session, wanted: &BTreeSet<ObjectId>) -> Result<Self> {
        let rows = session.rows(
            "SELECT n.nspname, c.relname, greatest(c.reltuples, 0), pg_catalog.pg_relation_size(c.oid), \
             pg_catalog.pg_indexes_size(c.oid), c.relkind = 'p' FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384",
        );
        let mut tables = BTreeMap::new();
        for row in rows.await? {
            let text = |column: usize| row.get(column).unwrap_or_default();
            let number = |column: usize| text(column).parse::<u64>().unwrap_or_default();
            let bytes = number(3);
            let size = Size {
                rows: text(2).parse().unwrap_or_default(),
                bytes,
                indexes: number(4),
                // A partitioned table holds what its partitions hold.
                empty: bytes == 0,
            };
            tables.insert((text(0).to_owned(), text(1).to_owned()), size);
        }
        let mut sizes = Self { tables, complete: true };
        sizes.look_inside(session, wanted).await?;
        Ok(sizes)
    }

    /// A table can have a size and no row. What may not be read counts as full.
    async fn look_inside(&mut self, session: &Session, wanted: &BTreeSet<ObjectId>) -> Result<()> {
        let full = wanted.iter().filter(|table| self.of(table).is_some_and(|size| !size.empty));
        for table in full.cloned().collect::<Vec<_>>() {
            let query = sql!(
                "SELECT EXISTS (SELECT FROM ONLY {}) WHERE pg_catalog.has_table_privilege({}, 'select')",
                table.qualified(),
                Literal(&sql!("{}", table.qualified()).to_string()),
            );
            let found = match session.rows(query.as_str()).await {
                Ok(rows) => rows.first().and_then(|row| row.get(0)) != Some("f"),
                // Row security and the like: the size alone tells.
                Err(Error::Server(_)) => true,
                Err(other) => return Err(other),
            };
            let name = (table.path()[0].to_string(), table.name().to_owned());
            if let Some(size) = self.tables.get_mut(&name).filter(|_| !found) {
                size.empty = true;
                size.rows = 0.0;
            }
        }
        Ok(())
    }
}
