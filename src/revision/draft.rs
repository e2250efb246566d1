//! New revisions: their names, descriptions and files.

use jiff::civil::DateTime;

use super::header::Header;
use super::order::{Order, slug};
use crate::config::Layout;
use crate::kinds::Identity;
use crate::model::{Change, Difference, Fingerprint, Hazard, Migration, ObjectId, Pair, Rename};

/// A revision that has not been written to files.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// The naming scheme of its files.
    pub layout: Layout,
    /// The text of the migration.
    pub up: String,
    /// The text of the rollback.
    pub rollback: String,
}

impl Draft {
    /// Creates a revision after `last` from a migration. The description is `message`, or else derived from the changes; the
    /// time is in UTC.
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
        let description = message.map_or_else(|| describe(&migration.changes, &renames), str::to_owned);
        let name = layout.next(last, at, &slug(&description));
        let header = Header {
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
        let rollback_header = Header {
            from: header.to.clone(),
            to: header.from.clone(),
            renamed: Vec::new(),
            hazards: hazards(&migration.hazards.rollback),
            ..header.clone()
        };
        let up = format!("{}\n{}", header.print(), migration.up.render());
        let rollback = format!("{}\n{}", rollback_header.print_rollback(), migration.rollback.render());
        Self { name, layout, up, rollback }
    }

    /// Creates a revision after `last` whose migration is to be written by hand.
    pub fn blank((layout, last): (Layout, Option<Order>), description: &str, at: DateTime) -> Self {
        let name = layout.next(last, at, &slug(description));
        let header = Header {
            name: name.clone(),
            date: Some(at),
            description: description.to_owned(),
            ..Header::default()
        };
        let body = |hint: &str| format!("BEGIN;\nSET LOCAL lock_timeout = '5s';\n\n-- {hint}\n\nCOMMIT;\n");
        let up = format!("{}\n{}", header.print(), body("Write the migration here."));
        let rollback = format!("{}\n{}", header.print_rollback(), body("Write the rollback here."));
        Self { name, layout, up, rollback }
    }

    /// The paths of the migration and the rollback, relative to the folder.
    pub fn paths(&self) -> [String; 2] {
        [format!("{}.sql", self.name), self.layout.rollback_of(&self.name)]
    }
}

/// The codes and details of hazards.
fn hazards(hazards: &[(ObjectId, Hazard)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        hazards.iter().map(|(_, hazard)| (hazard.code().to_owned(), hazard.detail().to_owned())).collect();
    all.dedup();
    all
}

/// A short name of an object.
fn short_name(id: &ObjectId) -> String {
    let name = id.name();
    match id.kind.get().identity {
        Identity::OnRelation | Identity::OfColumn | Identity::OfRelation => {
            let relation = id.relation().unwrap_or_default();
            if name == relation { name.to_owned() } else { format!("{relation} {name}") }
        }
        Identity::Global | Identity::OnGlobal | Identity::InSchema | Identity::Routine => name.to_owned(),
    }
}

fn describe_rename(rename: &Rename, more: usize) -> String {
    let Pair { before, after } = &rename.object;
    let one = match &rename.value {
        Some(value) => format!("rename {} {} to {}", short_name(before), value.before, value.after),
        None => format!("rename {} to {}", short_name(before), after.name()),
    };
    if more > 0 { format!("{one} and {more} more") } else { one }
}

/// Describes changes in a few words: `add customer email`.
pub fn describe(changes: &[Change], renames: &[Rename]) -> String {
    if let Some(first) = renames.first() {
        return describe_rename(first, changes.len() + renames.len() - 1);
    }
    // Parts of an object that is added or dropped are not mentioned.
    let not_a_part = |change: &&Change| {
        !change.id.parents().any(|parent| {
            changes.iter().any(|other| other.id == parent && !matches!(other.what, Difference::Altered(_)))
        })
    };
    let mentioned: Vec<&Change> = changes.iter().filter(not_a_part).collect();
    let Some(first) = mentioned.first() else { return "change".into() };
    let verb = |change: &Change| match change.what {
        Difference::Added => "add",
        Difference::Missing => "drop",
        Difference::Altered(_) => "alter",
    };
    let name = |change: &Change| short_name(&change.id);
    let one = format!("{} {}", verb(first), name(first));
    let same_verb = mentioned.iter().all(|change| verb(change) == verb(first));
    match mentioned.len() {
        1 => one,
        2 if same_verb => format!("{one} and {}", name(mentioned[1])),
        n => format!("{one} and {} more", n - 1),
    }
}
