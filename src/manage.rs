//! What is managed, what is only reported, and what is left alone.
//!
//! What is not managed is taken for what it is at the start, so that nothing is planned for it, and it is there for
//! what needs it when a plan is tried out.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::diff;
use crate::kinds::KindName;
use crate::model::Change;
use crate::model::{Catalog, ObjectId, Pair, Value, graft};

/// What is done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagePolicy {
    /// It is compared and changed.
    Manage,
    /// It is compared and never changed.
    Report,
    /// It is left alone.
    Ignore,
}

impl ManagePolicy {
    /// What a word of the configuration means.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "manage" => Some(Self::Manage),
            "report" => Some(Self::Report),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }
}

/// One rule: objects and what is done about them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is done.
    pub care: ManagePolicy,
    /// The kind; any where it is not said.
    pub kind: Option<KindName>,
    /// The name with its schema, and with that of its table where it has one, between dots. `*` stands for any
    /// letters, `?` for one.
    pub name: String,
}

/// All rules. The last that fits an object counts; where none does, what holds of the whole of which it is a part.
#[derive(Clone, Debug, Default)]
pub struct Manage {
    /// The rules in their order.
    pub rules: Vec<Rule>,
    /// The roles whose privileges are managed, where not all are.
    pub grantees: Option<Vec<String>>,
}

impl Manage {
    /// Whether there is anything that may not be managed.
    pub fn matters(&self, start: &Catalog) -> bool {
        let has = |extension: &str| start.contains(&ObjectId::new(KindName::Extension, &[extension]));
        !self.rules.is_empty() || self.grantees.is_some() || EXTENSIONS.iter().any(|extension| has(extension))
    }

    /// What is done about an object of one of two states.
    pub fn care(&self, id: &ObjectId, sides: Pair<&Catalog>) -> ManagePolicy {
        let name = id.path().join(".");
        let fits = |rule: &&Rule| rule.kind.is_none_or(|kind| kind == id.kind) && matches(&rule.name, &name);
        if let Some(rule) = self.rules.iter().rev().find(fits) {
            return rule.care;
        }
        if is_of_extension(id, sides) {
            return ManagePolicy::Ignore;
        }
        let whole = sides.before.parent(id).or_else(|| sides.after.parent(id));
        // What is in a schema is not part of it.
        whole
            .filter(|whole| whole.kind != KindName::Schema)
            .map_or(ManagePolicy::Manage, |whole| self.care(&whole, sides))
    }

    /// The target with what is not managed as it is at the start, and what differs of that which is reported.
    pub fn apply(&self, target: &Catalog, start: &Catalog) -> (Catalog, Vec<Change>) {
        let sides = Pair { before: start, after: target };
        let (mut taken, mut removed) = (BTreeSet::new(), BTreeSet::new());
        let all = start.objects.keys().chain(target.objects.keys().filter(|id| !start.contains(id)));
        for id in all.filter(|id| self.care(id, sides) != ManagePolicy::Manage) {
            if start.contains(id) {
                taken.insert(id.clone())
            } else {
                removed.insert(id.clone())
            };
        }
        // What stays needs the place where it is.
        let places = taken.iter().filter_map(|id| start.parent(id)).filter(|place| !target.contains(place));
        taken.extend(places.collect::<Vec<_>>());
        let mut reported = Vec::new();
        let mut made = if taken.is_empty() && removed.is_empty() {
            target.clone()
        } else {
            let changes = diff::diff(sides);
            let told = |change: &&Change| {
                self.care(&change.id, sides) == ManagePolicy::Report
                    && !diff::follows_from_parent(change, &changes)
            };
            reported = changes.iter().filter(told).cloned().collect();
            graft(target, &removed, start, &taken)
        };
        if let Some(grantees) = &self.grantees {
            for object in made.objects.values_mut() {
                let Some(before) = start.get(&object.id) else { continue };
                let managed = |role: &str| grantees.iter().any(|name| name == role);
                let mut grants: Vec<(String, Value)> = object.map("grants").to_vec();
                grants.retain(|(role, _)| managed(role));
                grants.extend(before.map("grants").iter().filter(|(role, _)| !managed(role)).cloned());
                grants.sort_by(|a, b| a.0.cmp(&b.0));
                object.set("grants", Value::Map(grants));
            }
        }
        (made, reported)
    }
}

/// Extensions that make things at run time.
const EXTENSIONS: [&str; 3] = ["timescaledb", "pgmq", "pg_partman"];

/// What extensions make at run time without calling it theirs. Rules can say otherwise.
fn is_of_extension(id: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let has = |extension: &str| sides.before.contains(&ObjectId::new(KindName::Extension, &[extension]));
    let schema = id.schema().unwrap_or_default();
    match id.kind {
        // Chunks of hypertables.
        _ if schema.starts_with("_timescaledb_") => has("timescaledb"),
        // Queues and their archives.
        KindName::Table | KindName::Sequence if schema == "pgmq" => has("pgmq"),
        // Partitions that nobody declares are those that are made as time goes by.
        KindName::Table => {
            let is_partition = || sides.before.children(id).any(|part| part.id.kind == KindName::Partition);
            has("pg_partman") && !sides.after.contains(id) && is_partition()
        }
        _ => false,
    }
}

/// Whether a name fits a pattern of `*` and `?`, in which every other character stands for itself.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut escaped = String::with_capacity(pattern.len());
    for letter in pattern.chars() {
        match letter {
            // Two in a row are one; `glob` gives them a meaning in paths.
            '*' if escaped.ends_with('*') => {}
            '*' | '?' => escaped.push(letter),
            _ => escaped.push_str(&Pattern::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    Pattern::new(&escaped).is_ok_and(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::model::{Object, Objects, PgVersion};

    /// Schemas, and tables with a role that may read them.
    fn catalog(schemas: &[&str], tables: &[(&str, &str)]) -> Catalog {
        let mut all = Objects::default();
        for schema in schemas {
            let id = ObjectId::new(KindName::Schema, &[*schema]);
            all.insert(id.clone(), Object::new(id));
        }
        for (name, reader) in tables {
            let mut table = Object::new(ObjectId::new(KindName::Table, &name.split('.').collect::<Vec<_>>()));
            let grant = ((*reader).to_owned(), Value::List(vec!["SELECT".into()]));
            table.set("grants", Value::Map(vec![grant]));
            all.insert(table.id.clone(), table);
        }
        let mut catalog = Catalog::new(PgVersion::V14, all);
        catalog.set_dependencies(Vec::new());
        catalog
    }

    fn rule(care: ManagePolicy, kind: Option<KindName>, name: &str) -> Rule {
        Rule { care, kind, name: name.into() }
    }

    #[test]
    fn what_is_not_managed_stays_as_it_is() {
        let start =
            catalog(&["audit", "s"], &[("audit.log", "a"), ("s.tmp", "a"), ("s.old", "a"), ("s.t", "a")]);
        let target = catalog(&["s"], &[("s.t", "b"), ("s.tmp_2", "a"), ("s.new", "a")]);
        let manage = Manage {
            rules: vec![
                rule(ManagePolicy::Ignore, None, "audit.*"),
                rule(ManagePolicy::Report, Some(KindName::Table), "s.tmp*"),
                rule(ManagePolicy::Ignore, Some(KindName::View), "s.*"),
            ],
            grantees: Some(vec!["b".into()]),
        };
        let (made, reported) = manage.apply(&target, &start);
        let changes = diff::diff(Pair { before: &start, after: &made });
        let told = |changes: &[Change]| changes.iter().map(|c| c.id.to_string()).collect::<Vec<_>>();
        assert_eq!(told(&changes), ["table s.new", "table s.old", "table s.t"]);
        assert_eq!(told(&reported), ["table s.tmp", "table s.tmp_2"]);
        // Of the privileges on `s.t` those of `a` stay, and those of `b` come.
        let table = made.get(&ObjectId::new(KindName::Table, &["s", "t"])).unwrap();
        assert_eq!(table.map("grants").iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn patterns_take_letters() {
        for (pattern, name, fits) in [
            ("*", "a.b", true),
            ("a.*", "a.b", true),
            ("a.*", "ab", false),
            ("*.tmp_?", "s.tmp_1", true),
            ("*.tmp_?", "s.tmp_12", false),
            ("a*b*c", "a1b2b3c", true),
            ("", "", true),
            ("é?", "éü", true),
            ("a**b", "a.x.b", true),
            ("[a]", "[a]", true),
            ("[a]", "a", false),
            ("a/*", "a/b/c", true),
            ("*a", ".a", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
