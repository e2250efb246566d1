//! A revision that is not written yet: its name, its description, its two texts.

use jiff::civil::DateTime;

use super::{Header, Order, slug};
use crate::config::Layout;
use crate::kinds::Identity;
use crate::model::{Change, Difference, Fingerprint, Hazard, Migration, ObjectId, Pair, Rename};

/// A revision that is not written yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// How it is named.
    pub layout: Layout,
    /// The text of the migration.
    pub up: String,
    /// The text of the rollback.
    pub rollback: String,
}

impl Draft {
    /// The revision of a migration that comes after `last`, at a time in UTC.
    pub fn new(
        migration: &Migration,
        states: &Pair<Fingerprint>,
        (layout, last): (Layout, Option<Order>),
        message: Option<&str>,
        at: DateTime,
    ) -> Self {
        let mut renames = migration.renames.clone();
        if renames.is_empty() && migration.changes.is_empty() {
            let pairs = migration.names.pairs();
            renames = pairs.map(|pair| Rename::of(pair.before.clone(), pair.after.clone())).collect();
        }
        let described = describe(&migration.changes, &renames);
        let description = message.unwrap_or(&described).to_owned();
        let name = layout.next(last, at, &slug(&description));
        let head = Header {
            name: name.clone(),
            date: Some(at),
            description,
            from: Some(states.before.clone()),
            to: Some(states.after.clone()),
            renamed: migration.renames.iter().chain(&migration.completed_renames).cloned().collect(),
            hazards: hazards(&migration.hazards.up),
            proof: migration.proof.to_string(),
            tool: concat!("schemadiff ", env!("CARGO_PKG_VERSION")).into(),
        };
        let back = Header {
            from: head.to.clone(),
            to: head.from.clone(),
            renamed: Vec::new(),
            hazards: hazards(&migration.hazards.rollback),
            ..head.clone()
        };
        let up = format!("{}\n{}", head.print(), migration.up.render());
        let rollback = format!("{}\n{}", back.print_rollback(), migration.rollback.render());
        Self { name, layout, up, rollback }
    }

    /// A revision for somebody to write.
    pub fn blank((layout, last): (Layout, Option<Order>), words: &str, at: DateTime) -> Self {
        let name = layout.next(last, at, &slug(words));
        let head =
            Header { name: name.clone(), date: Some(at), description: words.to_owned(), ..Header::default() };
        let body = |what: &str| format!("BEGIN;\nSET LOCAL lock_timeout = '5s';\n\n-- {what}\n\nCOMMIT;\n");
        let up = format!("{}\n{}", head.print(), body("What is to be done."));
        let rollback = format!("{}\n{}", head.print_rollback(), body("What takes it back."));
        Self { name, layout, up, rollback }
    }

    /// The paths of the two files, from the folder.
    pub fn paths(&self) -> [String; 2] {
        [format!("{}.sql", self.name), self.layout.rollback_of(&self.name)]
    }
}

fn hazards(hazards: &[(ObjectId, Hazard)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        hazards.iter().map(|(_, hazard)| (hazard.code().to_owned(), hazard.detail().to_owned())).collect();
    all.dedup();
    all
}

/// An object in a few words.
fn words(id: &ObjectId) -> String {
    let name = id.name();
    match id.kind.get().identity {
        Identity::OnRelation | Identity::OfColumn | Identity::OfRelation => {
            let relation = id.relation().unwrap_or_default();
            if name == relation { name.to_owned() } else { format!("{relation} {name}") }
        }
        Identity::Global | Identity::OnGlobal | Identity::InSchema | Identity::Routine => name.to_owned(),
    }
}

fn described_rename(rename: &Rename, more: usize) -> String {
    let Pair { before, after } = &rename.object;
    let one = match &rename.value {
        Some(value) => format!("rename {} {} to {}", words(before), value.before, value.after),
        None => format!("rename {} to {}", words(before), after.name()),
    };
    if more > 0 { format!("{one} and {more} more") } else { one }
}

/// What changes do, in a few words: `add customer email`.
pub fn describe(changes: &[Change], renames: &[Rename]) -> String {
    if let Some(first) = renames.first() {
        return described_rename(first, changes.len() + renames.len() - 1);
    }
    // What comes and goes with something else that does is not worth a word.
    let whole = |change: &&Change| {
        !change.id.parents().any(|parent| {
            changes.iter().any(|other| other.id == parent && !matches!(other.what, Difference::Altered(_)))
        })
    };
    let told: Vec<&Change> = changes.iter().filter(whole).collect();
    let Some(first) = told.first() else { return "change".into() };
    let verb = |change: &Change| match change.what {
        Difference::Added => "add",
        Difference::Missing => "drop",
        Difference::Altered(_) => "alter",
    };
    let words = |change: &Change| words(&change.id);
    let one = format!("{} {}", verb(first), words(first));
    let same_verb = told.iter().all(|change| verb(change) == verb(first));
    match told.len() {
        1 => one,
        2 if same_verb => format!("{one} and {}", words(told[1])),
        n => format!("{one} and {} more", n - 1),
    }
}
