//! The schemas that hold parked tables, and the statements that move tables there and back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha256};

use super::set::{ParkedSet, is_routine};
use crate::kinds::{KindName, common};
use crate::model::reserved::GRAVEYARD;
use crate::model::sql::{Ident, Literal};
use crate::model::{Catalog, Hazard, ObjectId, Step, Ways};
use crate::sql;

/// How many days parked tables should be kept, according to the comment on their schema.
const RETENTION_DAYS: i64 = 30;

/// The maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 63;

/// Returns a schema for parked objects by the schema from which they come. Each has its own, so that their names do not
/// conflict. The names contain the time, or else a hash of the objects.
pub(super) fn names(set: &ParkedSet, at: Option<DateTime>) -> BTreeMap<String, String> {
    let mark = at.map_or_else(|| hash(set), |at| at.strftime("%Y%m%d_%H%M%S").to_string());
    let prefix = format!("{GRAVEYARD}_{mark}_");
    let origins: BTreeSet<&str> = set.moved.iter().map(|id| &*id.path()[0]).collect();
    let mut schemas: BTreeMap<String, String> = BTreeMap::new();
    for origin in origins {
        let fit = |suffix: &str| {
            let end = origin.floor_char_boundary(MAX_NAME_BYTES - prefix.len() - suffix.len());
            format!("{prefix}{}{suffix}", &origin[..end])
        };
        let mut name = fit("");
        let mut n = 1;
        while schemas.values().any(|other| *other == name) {
            n += 1;
            name = fit(&format!("_{n}"));
        }
        schemas.insert(origin.to_owned(), name);
    }
    schemas
}

fn hash(set: &ParkedSet) -> String {
    let mut hash = Sha256::new();
    for id in &set.moved {
        hash.update(format!("{id}\n"));
    }
    hex::encode(&hash.finalize()[..4])
}

/// Returns the statements that park the objects, and those that bring them back.
pub(super) fn steps(
    set: &ParkedSet,
    schemas: &BTreeMap<String, String>,
    start: &Catalog,
    at: Option<DateTime>,
) -> Ways<Vec<Step>> {
    let schema_id = |name: &str| ObjectId::new(KindName::Schema, &[name]);
    let mut up = Vec::new();
    for (origin, name) in schemas {
        let schema = schema_id(name);
        up.push(Step::create(&schema, sql!("CREATE SCHEMA {}", Ident(name))));
        let comment = sql!("COMMENT ON SCHEMA {} IS {}", Ident(name), Literal(&comment(origin, at)));
        up.push(Step::attach(&schema, comment));
    }
    // A routine is identified by its argument types, so that it moves while they have their old schema.
    let (routines, others): (Vec<&ObjectId>, Vec<&ObjectId>) =
        set.moved.iter().partition(|id| is_routine(id));
    let mut returns = Vec::new();
    for id in routines.into_iter().chain(others) {
        let Some(object) = start.get(id) else { continue };
        let origin = &*id.path()[0];
        let schema = &schemas[origin];
        let mut step = common::move_to(object, schema);
        for hazard in &mut step.hazards {
            *hazard =
                Hazard::BreaksClients(format!("{id} is parked in schema {}", sql!("{}", Ident(schema))));
        }
        up.push(step);
        let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
        path[0] = schema;
        let mut parked = object.clone();
        parked.id = ObjectId::new(id.kind, &path);
        let mut step = common::move_to(&parked, origin);
        step.hazards.clear();
        returns.push(step);
    }
    let drops = schemas.values().map(|name| {
        let drop = sql!("DROP SCHEMA {}", Ident(name));
        Step::drop(&schema_id(name), drop)
    });
    Ways { up, rollback: returns.into_iter().rev().chain(drops).collect() }
}

/// Returns the comment on a schema of parked objects.
fn comment(origin: &str, at: Option<DateTime>) -> String {
    let until = at.and_then(|at| at.checked_add(RETENTION_DAYS.days()).ok());
    match (at, until) {
        (Some(at), Some(until)) => {
            format!("parked from {origin} by schemadiff on {}; purge after {}", at.date(), until.date())
        }
        _ => format!("parked from {origin} by schemadiff"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectId;

    #[test]
    fn names_are_unique_and_fit() {
        let long = "ä".repeat(31);
        let tables = [long.clone(), format!("{}b", "ä".repeat(30)), "s".into()]
            .map(|schema| ObjectId::new(KindName::Table, &[&schema, "t"]));
        let set = ParkedSet { moved: tables.iter().collect(), members: BTreeSet::new() };
        let schemas = names(&set, Some(jiff::civil::date(2026, 3, 1).at(10, 15, 0, 0)));
        assert_eq!(schemas["s"], "schemadiff_graveyard_20260301_101500_s");
        let names: BTreeSet<&String> = schemas.values().collect();
        assert!(names.len() == 3 && names.iter().all(|name| name.len() <= 63), "{names:?}");
        assert!(schemas[&long].starts_with("schemadiff_graveyard_20260301_101500_ä"));
    }
}
