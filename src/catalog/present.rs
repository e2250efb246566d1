//! Determines with one query of which kinds a database can have objects, so that the other queries need not run.

use crate::db::Row;
use crate::kinds::KindName;

/// Returns the distinct expressions that probe for kinds.
fn probes() -> Vec<String> {
    let mut probes = Vec::new();
    for (probe, _) in KindName::ALL.iter().filter_map(|kind| kind.get().presence.probe()) {
        if !probes.contains(&probe) {
            probes.push(probe);
        }
    }
    probes
}

/// Returns the columns of a query whose row [`PresentKinds::from`] reads.
pub(super) fn columns() -> String {
    probes().join(", ")
}

/// The results of the probes.
pub(super) struct PresentKinds(Vec<(String, String)>);

impl From<&Row> for PresentKinds {
    fn from(row: &Row) -> Self {
        let found = |(i, probe)| (probe, row.get(i).unwrap_or_default().to_owned());
        Self(probes().into_iter().enumerate().map(found).collect())
    }
}

impl PresentKinds {
    /// Whether the database can have objects of the kind.
    pub(super) fn has(&self, kind: KindName) -> bool {
        let Some((probe, letters)) = kind.get().presence.probe() else { return true };
        let found = self.0.iter().find(|(other, _)| *other == probe).map_or("", |(_, found)| found);
        if letters.is_empty() { found == "t" } else { found.contains(|c| letters.contains(c)) }
    }
}
