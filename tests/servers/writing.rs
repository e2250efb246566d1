//! `generate` and `explain` on a project: refusals, renames, violations and reports.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use crate::phases::{WITH_MAIL, WITHOUT_MAIL, with_rows};
use crate::project::Project;
use crate::runner::TARGET;
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; folder_that_cannot_be_written, data_loss_must_be_allowed, swapped_columns_are_renamed_once, ambiguous_renames, new_constraints_that_existing_rows_violate, explain_a_migration_file);
}

/// Two columns whose names are swapped.
const EXCHANGED: &str = "CREATE TABLE pair (
    id bigint PRIMARY KEY,
    a text, -- schemadiff: renamed_from: b
    b text -- schemadiff: renamed_from: a
);
";
fn folder_that_cannot_be_written(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", TARGET);
    project.write("file", "");
    let run = project.run("generate --migrations file/generated").ends(2).says("cannot write to");
    assert!(!run.err.contains("scratch server"), "{}", run.err);
    project.run("generate --migrations file").ends(2).says("is a file");
}

fn data_loss_must_be_allowed(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", TARGET);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.write("schema.sql", "CREATE TABLE customer (id bigint PRIMARY KEY);\n");
    project.run("generate").ends(2).says("SD022").says("email");
    assert_eq!(std::fs::read_dir(project.path("generated")).unwrap().count(), 2);
    let run =
        project.run("generate --allow DataLoss --no-verify --at 2026-01-02T12:00:00 --layout dated").ends(0);
    run.says("this migration was not rehearsed");
    let text =
        std::fs::read_to_string(project.path("generated/20260102_001_drop_customer_email.sql")).unwrap();
    assert!(text.contains("-- Hazard: DataLoss") && text.contains("-- Proof: NONE"), "{text}");
    project.run("check").ends(1).says("was generated with --no-verify");
}

fn swapped_columns_are_renamed_once(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", "CREATE TABLE pair (id bigint PRIMARY KEY, a text, b text);\n");
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("INSERT INTO public.pair VALUES (1, 'was a', 'was b')");
    project.write("schema.sql", EXCHANGED);
    project.run("generate --at 2026-01-02T12:00:00 --name exchange").ends(0).says("2 renames");
    let text = std::fs::read_to_string(project.path("generated/20260102_120000_exchange.sql")).unwrap();
    assert!(text.contains("-- Renamed: column public.pair.b -> public.pair.a\n"), "{text}");
    project.run("migrate").ends(0);
    assert_eq!(project.sql("SELECT a || ', ' || b FROM public.pair"), "was b, was a");
    // The annotations may stay.
    project.run("generate").ends(0).says("nothing to do");
    project.run("check").ends(0);
    project.run("drift").ends(0);
    project.run("rollback").ends(0);
    assert_eq!(project.sql("SELECT a || ', ' || b FROM public.pair"), "was a, was b");

    // In a new folder there is nothing to rename.
    std::fs::remove_dir_all(project.path("generated")).unwrap();
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("generate").ends(0).says("nothing to do");
}

fn ambiguous_renames(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", TARGET);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.write("schema.sql", &TARGET.replace("email", "mail"));
    project.run("generate").ends(2).says("SD019").says("-- schemadiff: renamed_from: email");
    project.run("generate --renames drop").ends(2).says("SD022");
    project.run("generate --renames detect --dry-run").ends(0).says("RENAME COLUMN email TO mail");
    project.run("generate --renames never").ends(2).says("error, drop or detect");
    project.write(
        "schema.sql",
        &TARGET.replace("email text NOT NULL", "mail text NOT NULL -- schemadiff: drop: confirmed\n"),
    );
    project.run("generate").ends(2).says("SD022");
    project.write(
        "schema.sql",
        &TARGET.replace("email text NOT NULL", "mail text NOT NULL -- schemadiff: renamed_from: emial\n"),
    );
    project.run("generate").ends(2).says("SD018").says("schema.sql:1:");
    project.write("schemadiff.yaml", "target: schema.sql\nrenames: detect\n");
    project.write("schema.sql", &TARGET.replace("email", "mail"));
    project.run("generate --at 2026-01-02T12:00:00").ends(0).says("rename_customer_email_to_mail");
}

fn new_constraints_that_existing_rows_violate(server: &Arc<Server>) {
    let project = with_rows(server, 10);
    project.sql("ANALYZE public.client");
    project.write(
        "schema.sql",
        &WITH_MAIL.replace("-- schemadiff: backfill: login || '@example.org' BATCH 500", ""),
    );
    project.run("generate --from dev").ends(2).says("SD042").says("backfill");
    project.run("generate").ends(2).says("Violation");
    project.write(
        "schema.sql",
        &WITHOUT_MAIL.replace("login text NOT NULL", "login text NOT NULL CHECK (login = 'u1')"),
    );
    project
        .run("generate --from dev")
        .ends(2)
        .says("9 rows of table public.client violate the new constraint");
    project.sql("DELETE FROM public.client WHERE login <> 'u1'");
    project.run("generate --from dev --dry-run").ends(0).says("VALIDATE CONSTRAINT");
    project.sql("DELETE FROM public.client");
    let run = project.run("generate --from dev --dry-run").ends(0);
    assert!(!run.out.contains("VALIDATE"), "a table without rows needs no separate validation: {}", run.out);
    project.run("stats pull --out stats.json").ends(0);
    project.run("generate --stats stats.json --dry-run").ends(0);
    project.write("schema.sql", &WITHOUT_MAIL.replace("login text", "login varchar(10)"));
    project.run("generate --allow Rewrte").ends(2).says("unknown hazard");
}

fn explain_a_migration_file(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_t.sql", "CREATE TABLE t (a int);\nCREATE TABLE u ();\n");
    project.write("generated/001_t_rollback.sql", "DROP TABLE u;\nDROP TABLE t;\n");
    let text = "-- ticket 7\nALTER TABLE t ADD b text DEFAULT md5(random()::text);\n\
        -- Built while reading and writing go on.\n-- Avoided: CREATE INDEX keeps writers waiting.\n\
        -- reads, for an index, about 10 rows (8 kB), some less than a second; Scan: reads t\n\
        CREATE INDEX CONCURRENTLY i ON t (b);\nBEGIN;\nALTER TABLE t ALTER a TYPE bigint;\n\
        ALTER TABLE t DROP b;\nCOMMIT;\n";
    project.write("generated/002_b.sql", text);
    let report = project.run("explain generated/002_b.sql --format json").ends(0);
    let json: serde_json::Value = serde_json::from_str(&report.out).unwrap();
    let statement = |i: usize| json["statements"][i].clone();
    assert_eq!(statement(0)["purpose"], "ticket 7");
    assert_eq!(statement(0)["lock"]["mode"], "ACCESS EXCLUSIVE");
    assert_eq!(statement(0)["rewrites"], serde_json::json!(["t"]));
    assert_eq!((&statement(1)["observed"], &statement(1)["line"]), (&false.into(), &6.into()));
    assert_eq!(statement(1)["avoided"], "CREATE INDEX keeps writers waiting");
    assert_eq!(statement(1)["hazards"][0]["code"], "Scan");
    assert_eq!(statement(3)["lock"], serde_json::json!({ "mode": "ACCESS EXCLUSIVE", "relation": "t" }));
    assert_eq!(statement(4)["lock"], serde_json::Value::Null);
    let report = project.run("explain generated/002_b.sql").ends(0);
    report
        .says("not observed, because the statement cannot run in a transaction")
        .says("which its transaction already holds");
    project.run("explain generated/001_t_rollback.sql").ends(0).says("ACCESS EXCLUSIVE on u");

    project.write("from.sql", "CREATE TABLE t (a int);\n");
    project.write("by_hand.sql", "UPDATE t SET a = 1;\nCREATE ROLE somebody;\n");
    project.run("explain by_hand.sql --from from.sql").ends(0).says("ROW EXCLUSIVE on t").says("not run");
    project.run("explain by_hand.sql").ends(2).says("by_hand.sql:1:8");
    project.run("explain nowhere.sql").ends(2).says("nowhere.sql");
    project.run("explain SD022 --from from.sql").ends(2).says("--from");
}
