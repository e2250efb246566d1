//! Which attributes' mutations were found.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemadiff::kinds::KindName;

use crate::file::Mark;

/// Whether all mutations of an attribute were.
type Killed = BTreeMap<Mark, bool>;

/// The attributes by major version.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<u32, Killed>>);

impl Tally {
    /// Takes down one mutation.
    pub(crate) fn note(&self, major: u32, kind: KindName, attribute: &str, killed: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all_killed = all.entry(major).or_default().entry((kind, attribute.to_owned())).or_insert(true);
        *all_killed &= killed;
    }

    /// Prints the rates, and what survived.
    pub(crate) fn print(&self) {
        for (major, attributes) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let (killed, count) = (attributes.values().filter(|killed| **killed).count(), attributes.len());
            println!("mutations: {killed} of {count} attributes killed on PostgreSQL {major}");
            let survivors = attributes.iter().filter(|(_, killed)| !**killed);
            for ((kind, attribute), _) in survivors {
                println!("    {}.{attribute} survives", kind.get().name);
            }
        }
    }
}
