//! Which kinds a database has anything of: one query, so that the others' need not be run.

use crate::db::Row;
use crate::kinds::KindName;
use crate::kinds::presence::Place;

/// The places where the kinds' presence shows, each once.
fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for (place, _) in KindName::ALL.iter().filter_map(|kind| kind.get().presence.place()) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The columns of a query that looks at each place, as [`Present::from`] reads them.
pub(super) fn columns() -> String {
    let column = |Place { catalog, letter }| match letter {
        None => format!("EXISTS (SELECT FROM {catalog} WHERE oid >= 16384)"),
        Some(letter) => format!("ARRAY(SELECT DISTINCT {letter} FROM {catalog} WHERE oid >= 16384)"),
    };
    places().into_iter().map(column).collect::<Vec<String>>().join(", ")
}

/// What was found at each place.
pub(super) struct Present(Vec<(Place, String)>);

impl From<&Row> for Present {
    fn from(row: &Row) -> Self {
        let found = |(i, place)| (place, row.get(i).unwrap_or_default().to_owned());
        Self(places().into_iter().enumerate().map(found).collect())
    }
}

impl Present {
    /// Whether the database can have objects of the kind.
    pub(super) fn has(&self, kind: KindName) -> bool {
        let Some((place, letters)) = kind.get().presence.place() else { return true };
        let found = self.0.iter().find(|(other, _)| *other == place).map_or("", |(_, found)| found);
        if place.letter.is_some() { found.contains(|c| letters.contains(c)) } else { found == "t" }
    }
}
