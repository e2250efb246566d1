//! Which objects are managed, which are only reported, and which are ignored.
//!
//! In the target, an object that is not managed is replaced by that of the start. So nothing is planned for it, and
//! objects that depend on it can still be created on the scratch server.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::diff;
use crate::kinds::KindName;
use crate::model::Change;
use crate::model::{AttributeName, Catalog, ObjectId, Pair, Value, graft};

/// How differences of an object are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagePolicy {
    /// They are planned.
    Manage,
    /// They are reported and never planned.
    Report,
    /// They are ignored.
    Ignore,
}

impl ManagePolicy {
    /// Returns the policy of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "manage" => Some(Self::Manage),
            "report" => Some(Self::Report),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }
}

/// A rule: a policy for some objects.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The policy.
    pub policy: ManagePolicy,
    /// The kind of the objects; any if none.
    pub kind: Option<KindName>,
    /// A pattern of qualified names, such as `audit.*` or `shop.customer.tmp_?`. `*` matches any characters, `?` one.
    pub name: String,
}

/// The rules. The last one that matches an object applies; without one, that of its parent.
#[derive(Clone, Debug, Default)]
pub struct Manage {
    /// The rules, in the order of the configuration.
    pub rules: Vec<Rule>,
    /// The roles whose privileges are managed; all if none.
    pub grantees: Option<Vec<String>>,
}

impl Manage {
    /// Whether the rules or extensions may exclude anything.
    pub fn matters(&self, start: &Catalog) -> bool {
        let has = |extension: &str| start.contains(&ObjectId::new(KindName::Extension, &[extension]));
        !self.rules.is_empty() || self.grantees.is_some() || EXTENSIONS.iter().any(|extension| has(extension))
    }

    /// Returns the policy for an object of either state.
    pub fn policy(&self, id: &ObjectId, sides: Pair<&Catalog>) -> ManagePolicy {
        let name = id.path().join(".");
        let applies =
            |rule: &&Rule| rule.kind.is_none_or(|kind| kind == id.kind) && matches(&rule.name, &name);
        if let Some(rule) = self.rules.iter().rev().find(applies) {
            return rule.policy;
        }
        if is_of_extension(id, sides) {
            return ManagePolicy::Ignore;
        }
        let parent = sides.before.parent(id).or_else(|| sides.after.parent(id));
        // A rule for a schema does not apply to the objects in it.
        parent
            .filter(|parent| parent.kind != KindName::Schema)
            .map_or(ManagePolicy::Manage, |parent| self.policy(&parent, sides))
    }

    /// Returns the target with unmanaged objects replaced by those of the start, and the differences that are reported.
    pub fn apply(&self, target: &Catalog, start: &Catalog) -> (Catalog, Vec<Change>) {
        let sides = Pair { before: start, after: target };
        let (mut kept, mut removed) = (BTreeSet::new(), BTreeSet::new());
        let all = start.objects.keys().chain(target.objects.keys().filter(|id| !start.contains(id)));
        for id in all.filter(|id| self.policy(id, sides) != ManagePolicy::Manage) {
            if start.contains(id) {
                kept.insert(id.clone())
            } else {
                removed.insert(id.clone())
            };
        }
        // An object that is kept needs its parent.
        let parents = kept.iter().filter_map(|id| start.parent(id)).filter(|parent| !target.contains(parent));
        kept.extend(parents.collect::<Vec<_>>());
        let mut reported = Vec::new();
        let mut combined = if kept.is_empty() && removed.is_empty() {
            target.clone()
        } else {
            let changes = diff::diff(sides);
            let is_reported = |change: &&Change| {
                self.policy(&change.id, sides) == ManagePolicy::Report
                    && !diff::follows_from_parent(change, &changes)
            };
            reported = changes.iter().filter(is_reported).cloned().collect();
            graft(target, &removed, start, &kept)
        };
        if let Some(grantees) = &self.grantees {
            for object in combined.objects.values_mut() {
                let Some(before) = start.get(&object.id) else { continue };
                let managed = |role: &str| grantees.iter().any(|name| name == role);
                let mut grants: Vec<(String, Value)> = object.map(AttributeName::GRANTS).to_vec();
                grants.retain(|(role, _)| managed(role));
                grants.extend(
                    before.map(AttributeName::GRANTS).iter().filter(|(role, _)| !managed(role)).cloned(),
                );
                grants.sort_by(|a, b| a.0.cmp(&b.0));
                object.set(AttributeName::GRANTS, Value::Map(grants));
            }
        }
        (combined, reported)
    }
}

/// Extensions that create objects at run time.
const EXTENSIONS: [&str; 3] = ["timescaledb", "pgmq", "pg_partman"];

/// Whether an extension created an object at run time without recording it as its own. Rules take precedence.
fn is_of_extension(id: &ObjectId, sides: Pair<&Catalog>) -> bool {
    let has = |extension: &str| sides.before.contains(&ObjectId::new(KindName::Extension, &[extension]));
    let schema = id.schema().unwrap_or_default();
    match id.kind {
        // Chunks of hypertables.
        _ if schema.starts_with("_timescaledb_") => has("timescaledb"),
        // Queues and their archives.
        KindName::Table | KindName::Sequence if schema == "pgmq" => has("pgmq"),
        // Partitions that are not declared are those that the extension creates for each period.
        KindName::Table => {
            let is_partition = || sides.before.partition_bound(id).is_some();
            has("pg_partman") && !sides.after.contains(id) && is_partition()
        }
        _ => false,
    }
}

/// Whether a name matches a pattern of `*` and `?`, in which every other character stands for itself.
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

    /// A catalog of schemas, and of tables with a role that has SELECT on them.
    fn catalog(schemas: &[&str], tables: &[(&str, &str)]) -> Catalog {
        let mut all = Objects::default();
        for schema in schemas {
            let id = ObjectId::new(KindName::Schema, &[*schema]);
            all.insert(id.clone(), Object::new(id));
        }
        for (name, reader) in tables {
            let mut table = Object::new(ObjectId::new(KindName::Table, &name.split('.').collect::<Vec<_>>()));
            let grant = ((*reader).to_owned(), Value::List(vec!["SELECT".into()]));
            table.set(AttributeName::GRANTS, Value::Map(vec![grant]));
            all.insert(table.id.clone(), table);
        }
        let mut catalog = Catalog::new(PgVersion::V14, all);
        catalog.set_dependencies(Vec::new());
        catalog
    }

    fn rule(policy: ManagePolicy, kind: Option<KindName>, name: &str) -> Rule {
        Rule { policy, kind, name: name.into() }
    }

    #[test]
    fn unmanaged_objects_keep_their_state() {
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
        let (combined, reported) = manage.apply(&target, &start);
        let changes = diff::diff(Pair { before: &start, after: &combined });
        let names = |changes: &[Change]| changes.iter().map(|c| c.id.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&changes), ["table s.new", "table s.old", "table s.t"]);
        assert_eq!(names(&reported), ["table s.tmp", "table s.tmp_2"]);
        // The privileges of `a` on `s.t` are kept, those of `b` are added.
        let table = combined.get(&ObjectId::new(KindName::Table, &["s", "t"])).unwrap();
        assert_eq!(
            table.map(AttributeName::GRANTS).iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }

    #[test]
    fn patterns_with_wildcards() {
        for (pattern, name, expected) in [
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
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
