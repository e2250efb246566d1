//! Revisions that are half applied: how they are shown and undone; signals; the order of records.

use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Instant;

use crate::project::{Project, Run};
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; half_applied_revision_is_undone, half_applied_revision_without_its_file, undone_renames_keep_their_rows, order_of_records_without_a_clock, tables_of_version_0_1);
    blocking_tests!(suite, Needs::Installed("a second connection holds a lock"); undoing_that_fails, signals_cancel_the_statement);
}

const FIRST: &str = "CREATE TABLE public.t (id int, a text);\nCREATE TABLE public.u (id int);\n";
const SECOND: &str = "BEGIN;
ALTER TABLE public.t ADD c int;
COMMIT;
CREATE INDEX CONCURRENTLY t_c ON public.t (c);
BEGIN;
ALTER TABLE public.u ADD c int;
COMMIT;
BEGIN;
ALTER TABLE nowhere ADD c int;
COMMIT;
";

/// A project whose second revision is half applied.
fn half_applied(server: &Arc<Server>) -> Project {
    let project = Project::new(server);
    project.write("generated/001_t.sql", FIRST);
    project.write("generated/001_t_rollback.sql", "DROP TABLE public.t; DROP TABLE public.u;");
    project.run("migrate").ends(0);
    project.sql("INSERT INTO public.t VALUES (1, 'x')");
    project.write("generated/002_b.sql", SECOND);
    let failed = project.run("migrate").ends(2).says("the statements before line 8 are applied");
    failed.says("or undo what is applied with `schemadiff rollback`");
    project
}

fn half_applied_revision_is_undone(server: &Arc<Server>) {
    let project = half_applied(server);
    let plan =
        project.run("rollback --dry-run").ends(0).says("DROP COLUMN c").says("would roll back 1 revision");
    assert!(!plan.contains("DROP TABLE"), "{plan:?}");
    project.run("rollback").ends(2).says("the rollback of `002_b` loses data");
    project.run("status").ends(1).says("half applied");
    project.run("rollback --allow DataLoss").ends(0).says("rolled back 002_b");
    project.run("status").ends(1).says("002_b  pending");
    project.run("drift").ends(0);
    assert_eq!(project.sql("SELECT a FROM public.t"), "x");
    // It can be applied again, and the next rollback is that of the revision before.
    project.run("migrate").ends(2).says("the statements before line 8 are applied");
    project
        .run("rollback --allow DataLoss --steps 2")
        .ends(0)
        .says("rolled back 002_b")
        .says("rolled back 001_t");
    project.run("rollback").ends(0).says("nothing to roll back");
}

fn half_applied_revision_without_its_file(server: &Arc<Server>) {
    let project = half_applied(server);
    let text = std::fs::read_to_string(project.path("generated/002_b.sql")).unwrap();
    std::fs::remove_file(project.path("generated/002_b.sql")).unwrap();
    project.run("status").ends(1).says("002_b  half applied");
    let refused = project.run("migrate").ends(2).says("`002_b` is half applied, and its file is missing");
    refused.says("restore the file `002_b.sql`").says("`schemadiff rollback`");
    project.write(
        "generated/002_b.sql",
        &text.replace("nowhere", "public.u").replace("u ADD c int;\nCOMMIT;\n\"", ""),
    );
    project.run("migrate").ends(2).says("already exists");
    std::fs::remove_file(project.path("generated/002_b.sql")).unwrap();
    project.run("rollback --allow DataLoss").ends(0).says("rolled back 002_b");
    project.run("status").ends(0);
    project.run("migrate").ends(0).says("nothing to do");
    project.run("drift").ends(0);
}

fn undone_renames_keep_their_rows(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", FIRST);
    project.run("generate --name start --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("INSERT INTO public.t VALUES (1, 'x'); CREATE ROLE taker");
    project.write(
        "schema.sql",
        "CREATE TABLE public.t (id int,\n b text -- schemadiff: renamed_from: a\n);\nCREATE TABLE public.u (id int);\n",
    );
    project.run("generate --name rename --allow all --at 2026-01-02T12:00:00").ends(0);
    let file = "generated/20260102_120000_rename.sql";
    let text = std::fs::read_to_string(project.path(file)).unwrap();
    for text in [format!("{text}SELECT 1/0;\n"), "ALTER TABLE public.t RENAME a TO b; SELECT 1/0;".to_owned()]
    {
        project.write(file, &text);
        project.run("migrate").ends(2).says("division by zero");
        project.run("rollback").ends(0).says("rolled back 20260102_120000_rename");
        assert_eq!(project.sql("SELECT a FROM public.t"), "x");
        project.run("drift").ends(0);
    }
}

fn undoing_that_fails(server: &Arc<Server>) {
    let project = half_applied(server);
    let mut reader = project.database.client();
    let undo = "rollback --allow DataLoss --retries 0";
    for (table, state) in [("t, public.u", "nothing of it is undone"), ("t", "it is partly undone")] {
        reader.batch_execute(&format!("BEGIN; LOCK TABLE public.{table} IN ACCESS SHARE MODE")).unwrap();
        let failed = project.run(undo).ends(2);
        reader.batch_execute("COMMIT").unwrap();
        if failed.contains(state) {
            continue;
        }
        // The order of the plan's statements is its own.
        assert!(failed.contains("undone; run `schemadiff rollback` again"), "{failed:?}");
    }
    let resumed = project.run("status").ends(1);
    if resumed.contains("half rolled back") {
        project
            .run("migrate")
            .ends(2)
            .says("the rollback of `002_b` is unfinished")
            .says("`schemadiff rollback`");
    }
    project.run(undo).ends(0).says("rolled back 002_b");
    project.run("drift").ends(0);
    project.run("status").ends(1).says("002_b  pending");
}

/// Sends a signal and returns how the run ends.
fn interrupt(child: Child, signal: &str) -> Run {
    let started = Instant::now();
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let run = child.wait_with_output().unwrap().into();
    assert!(started.elapsed().as_secs() < 20);
    run
}

fn signals_cancel_the_statement(server: &Arc<Server>) {
    let project = Project::new(server);
    let active = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE";
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let text = "CREATE TABLE public.a (id int);\nBEGIN;\nSELECT pg_sleep(60);\nCOMMIT;\n";
        project.write("generated/001_a.sql", text);
        let child = project.start("migrate");
        project.wait_for(&format!("{active} 'SELECT pg_sleep%'"));
        let ended = interrupt(child, signal).ends(code).says("`001_a` was interrupted").says("SD041");
        ended.says(
            "the statements before line 2 are applied; run `schemadiff migrate` again; it resumes at line 2",
        );
        assert_eq!(project.sql(&format!("{active} 'SELECT pg_sleep%'")), "");
        project.run("status").ends(1).says("half applied");
        project.write("generated/001_a.sql", &text.replace("60", "0"));
        project.run("migrate").ends(0);
        project.sql("DROP TABLE public.a; DELETE FROM schemadiff.schema_migrations");
    }
    // What a cancelled build leaves is dropped.
    project.sql("CREATE TABLE public.t (id int)");
    project.write("generated/001_a.sql", "CREATE INDEX CONCURRENTLY i ON public.t (id);");
    let mut writer = project.database.client();
    writer.batch_execute("BEGIN; INSERT INTO public.t VALUES (1)").unwrap();
    let child = project.start("migrate --allow existing --lock-timeout 1s");
    project.wait_for("SELECT 1 FROM pg_index WHERE NOT indisvalid");
    interrupt(child, "-INT").ends(130).says("is half done, which the next run cleans up");
    writer.batch_execute("COMMIT").unwrap();
    project.run("migrate").ends(0).says("dropping the index i");
    // A lock that is not acquired.
    project.write("generated/002_b.sql", "ALTER TABLE public.t ADD b int;");
    writer.batch_execute("BEGIN; SELECT FROM public.t").unwrap();
    let child = project.start("migrate --lock-timeout 60s");
    project.wait_for(&format!("{active} 'ALTER TABLE%' AND wait_event_type = 'Lock'"));
    interrupt(child, "-TERM")
        .ends(143)
        .says("nothing of this file is applied; run `schemadiff migrate` again");
    writer.batch_execute("COMMIT").unwrap();
    project.run("migrate").ends(0);
}

fn order_of_records_without_a_clock(server: &Arc<Server>) {
    let project = Project::new(server);
    for name in ["001_a", "002_b"] {
        project.write(&format!("generated/{name}.sql"), "SELECT 1;");
        project.write(&format!("generated/{name}_rollback.sql"), "SELECT 1;");
    }
    project.run("migrate").ends(0);
    project.sql("UPDATE schemadiff.schema_migrations SET applied_at = applied_at - interval '1 day' WHERE name = '002_b'");
    project.run("rollback").ends(0).says("rolled back 002_b");
    project.run("migrate").ends(0);
    assert_eq!(
        project.sql("SELECT name FROM schemadiff.schema_migrations ORDER BY serial DESC LIMIT 1"),
        "002_b"
    );
}

fn tables_of_version_0_1(server: &Arc<Server>) {
    let project = Project::new(server);
    for name in ["001_b", "002_a"] {
        project.write(&format!("generated/{name}.sql"), "SELECT 1;");
        project.write(&format!("generated/{name}_rollback.sql"), "SELECT 1;");
    }
    project.run("migrate").ends(0);
    let old = "ALTER TABLE schemadiff.schema_migrations DROP COLUMN serial; \
               ALTER TABLE schemadiff.journal DROP COLUMN before, DROP COLUMN outcome, DROP COLUMN error";
    project.sql(old);
    project.run("status").ends(0);
    project.run("drift").ends(0);
    project.write("generated/003_c.sql", "SELECT 1;");
    project.run("migrate").ends(0);
    let order = "SELECT string_agg(name, ' ' ORDER BY serial) FROM schemadiff.schema_migrations";
    assert_eq!(project.sql(order), "001_b 002_a 003_c");
    // A statement that version 0.1 has left.
    project.write(
        "generated/004_d.sql",
        "CREATE TABLE public.d (a int);\nCREATE INDEX CONCURRENTLY i ON public.d (typo);",
    );
    project.run("migrate").ends(2);
    project.sql(old);
    project.write(
        "generated/004_d.sql",
        "CREATE TABLE public.d (a int);\nCREATE INDEX CONCURRENTLY i ON public.d (a);",
    );
    project.run("migrate").ends(0);
}
