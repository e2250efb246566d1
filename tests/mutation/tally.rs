//! The attributes whose mutations were found.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemadiff::kinds::KindName;

use crate::file::Mark;

/// Whether all mutations of an attribute were found.
type Found = BTreeMap<Mark, bool>;

/// The attributes by major version.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<u32, Found>>);

impl Tally {
    /// Records the outcome of a mutation.
    pub(crate) fn note(&self, major: u32, kind: KindName, attribute: &str, found: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all_killed = all.entry(major).or_default().entry((kind, attribute.to_owned())).or_insert(true);
        *all_killed &= found;
    }

    /// Prints the rates, and the attributes with a mutation that was not found.
    pub(crate) fn print(&self) {
        for (major, attributes) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let (found, count) = (attributes.values().filter(|found| **found).count(), attributes.len());
            println!("mutations: {found} of {count} attributes found on PostgreSQL {major}");
            let survivors = attributes.iter().filter(|(_, found)| !**found);
            for ((kind, attribute), _) in survivors {
                println!("    {}.{attribute} has a mutation that was not found", kind.get().name);
            }
        }
    }
}
