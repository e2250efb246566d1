//! Tables in which other migration tools keep their records. They belong to the tool and are left unchanged.

use std::collections::BTreeSet;

use crate::kinds::KindName;
use crate::model::{Catalog, ObjectId, TrackingTable, graft};

/// What a table in which a tool keeps its records looks like.
struct KnownTable {
    tool: &'static str,
    name: &'static str,
    /// The columns that it has in every version of the tool.
    columns: &'static [&'static str],
    /// The columns that it has in some versions.
    optional: &'static [&'static str],
}

/// The tables, recognized by their names and columns.
const TABLES: &[KnownTable] = &[
    table("Alembic", "alembic_version", &["version_num"], &[]),
    table("dbmate or Rails", "schema_migrations", &["version"], &[]),
    table("golang-migrate", "schema_migrations", &["version", "dirty"], &[]),
    table("Ecto", "schema_migrations", &["version", "inserted_at"], &[]),
    table("Rails", "ar_internal_metadata", &["key", "value", "created_at", "updated_at"], &[]),
    table("Diesel", "__diesel_schema_migrations", &["version", "run_on"], &[]),
    table("refinery", "refinery_schema_history", &["version", "name", "applied_on", "checksum"], &[]),
    table("goose", "goose_db_version", &["id", "version_id", "is_applied", "tstamp"], &[]),
    table(
        "sqlx",
        "_sqlx_migrations",
        &["version", "description", "installed_on", "success", "checksum"],
        &["execution_time"],
    ),
    table("Prisma", "_prisma_migrations", PRISMA, &[]),
    table("Flyway", "flyway_schema_history", FLYWAY, &[]),
    table("Flyway", "schema_version", FLYWAY, &[]),
    table("Liquibase", "databasechangelog", LIQUIBASE, &["contexts", "labels", "deployment_id"]),
    table("Liquibase", "databasechangeloglock", &["id", "locked", "lockgranted", "lockedby"], &[]),
];

const PRISMA: &[&str] = &[
    "id",
    "checksum",
    "finished_at",
    "migration_name",
    "logs",
    "rolled_back_at",
    "started_at",
    "applied_steps_count",
];

const FLYWAY: &[&str] = &[
    "installed_rank",
    "version",
    "description",
    "type",
    "script",
    "checksum",
    "installed_by",
    "installed_on",
    "execution_time",
    "success",
];

const LIQUIBASE: &[&str] = &[
    "id",
    "author",
    "filename",
    "dateexecuted",
    "orderexecuted",
    "exectype",
    "md5sum",
    "description",
    "comments",
    "tag",
    "liquibase",
];

const fn table(
    tool: &'static str,
    name: &'static str,
    columns: &'static [&'static str],
    optional: &'static [&'static str],
) -> KnownTable {
    KnownTable { tool, name, columns, optional }
}

/// Removes the tables of other tools from a catalog, and lists them in it. A table on which other objects depend stays.
pub(super) fn exclude(catalog: Catalog) -> Catalog {
    let tables = catalog.objects.keys().filter(|id| id.kind == KindName::Table);
    let named: Vec<&ObjectId> =
        tables.filter(|id| TABLES.iter().any(|table| table.name == id.name())).collect();
    let mut removed = BTreeSet::new();
    let mut listed = Vec::new();
    for id in named {
        let Some(tool) = tool_of(&catalog, id) else { continue };
        let parts = parts(&catalog, id);
        if !is_used(&catalog, &parts) {
            let sequences = parts.iter().filter(|part| part.kind == KindName::Sequence).cloned().collect();
            listed.push(TrackingTable { table: id.clone(), sequences, tool });
            removed.extend(parts);
        }
    }
    if removed.is_empty() {
        return catalog;
    }
    let mut result = graft(&catalog, &removed, &catalog, &BTreeSet::new());
    result.tracking_tables = listed;
    result
}

/// Returns the tool whose table this is.
fn tool_of(catalog: &Catalog, id: &ObjectId) -> Option<&'static str> {
    let columns = catalog.children(id).filter(|part| part.id.kind == KindName::Column);
    let columns: Vec<&str> = columns.map(|column| column.id.name()).collect();
    let is = |table: &&KnownTable| {
        table.name == id.name()
            && table.columns.iter().all(|column| columns.contains(column))
            && columns.iter().all(|column| table.columns.contains(column) || table.optional.contains(column))
    };
    TABLES.iter().find(is).map(|table| table.tool)
}

/// Returns a table with its parts, and the sequences that its columns own.
fn parts(catalog: &Catalog, id: &ObjectId) -> BTreeSet<ObjectId> {
    let mut parts = BTreeSet::from([id.clone()]);
    let mut stack = vec![id.clone()];
    while let Some(here) = stack.pop() {
        let children = catalog.children(&here).map(|part| part.id.clone());
        let owned = catalog.dependents_of(&here).map(|(dependent, _)| dependent.clone());
        let owned = owned.filter(|dependent| dependent.kind == KindName::Sequence);
        for part in children.chain(owned) {
            if parts.insert(part.clone()) {
                stack.push(part);
            }
        }
    }
    parts
}

/// Whether an object that is not among these depends on one of them.
fn is_used(catalog: &Catalog, parts: &BTreeSet<ObjectId>) -> bool {
    let mut dependents = parts.iter().flat_map(|part| catalog.dependents_of(part));
    dependents.any(|(dependent, _)| !parts.contains(dependent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Object, Objects, PgVersion};

    fn catalog(tables: &[(&str, &[&str])]) -> Catalog {
        let mut all = Objects::default();
        for (table, columns) in tables {
            let id = ObjectId::new(KindName::Table, &["public", *table]);
            all.insert(id.clone(), Object::new(id));
            for column in *columns {
                let id = ObjectId::new(KindName::Column, &["public", *table, *column]);
                all.insert(id.clone(), Object::new(id));
            }
        }
        let mut catalog = Catalog::new(PgVersion::V14, all);
        catalog.set_dependencies(Vec::new());
        catalog
    }

    #[test]
    fn tables_are_recognized_by_name_and_columns() {
        let all = catalog(&[
            ("schema_migrations", &["version", "dirty"]),
            ("alembic_version", &["version_num", "mine"]),
            ("databasechangeloglock", &["id", "locked", "lockgranted", "lockedby"]),
            ("t", &["version"]),
        ]);
        let rest = exclude(all);
        let left: Vec<String> = rest.objects.keys().map(ToString::to_string).collect();
        assert_eq!(
            left,
            [
                "table public.alembic_version",
                "column public.alembic_version.version_num",
                "column public.alembic_version.mine",
                "table public.t",
                "column public.t.version"
            ]
        );
        assert_eq!(
            rest.tracking_tables.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "table public.schema_migrations of golang-migrate",
                "table public.databasechangeloglock of Liquibase"
            ]
        );
    }
}
