//! Which kinds a database has anything of: one query, so that the others' need not be run.

use crate::db::Row;
use crate::kinds::KindName;

/// The expressions that look for the kinds, each once.
fn looks() -> Vec<String> {
    let mut looks = Vec::new();
    for (look, _) in KindName::ALL.iter().filter_map(|kind| kind.get().presence.probe()) {
        if !looks.contains(&look) {
            looks.push(look);
        }
    }
    looks
}

/// The columns of a query that looks, as [`Present::from`] reads them.
pub(super) fn columns() -> String {
    looks().join(", ")
}

/// What each look found.
pub(super) struct Present(Vec<(String, String)>);

impl From<&Row> for Present {
    fn from(row: &Row) -> Self {
        let found = |(i, look)| (look, row.get(i).unwrap_or_default().to_owned());
        Self(looks().into_iter().enumerate().map(found).collect())
    }
}

impl Present {
    /// Whether the database can have objects of the kind.
    pub(super) fn has(&self, kind: KindName) -> bool {
        let Some((look, letters)) = kind.get().presence.probe() else { return true };
        let found = self.0.iter().find(|(other, _)| *other == look).map_or("", |(_, found)| found);
        if letters.is_empty() { found == "t" } else { found.contains(|c| letters.contains(c)) }
    }
}
