//! Revisions that stopped half way, by an error or because the program was killed, and how they resume.

use std::sync::Arc;
use std::time::Duration;

use crate::phases::with_rows;
use crate::project::{Project, Run};
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; failed_statement_is_reported_and_resumed, half_applied_revision_is_not_drift, half_finished_rollback);
    blocking_tests!(suite, Needs::Installed("the server must outlive the killed process"); killed_runs_resume, statement_that_outlives_its_run, killed_backfill_resumes);
    blocking_tests!(suite, Needs::Installed("a second connection blocks the index build"); invalid_index_is_rebuilt);
}

/// Every kind of unit. None may run twice.
const MANY: &str = "CREATE TABLE a (id int);
INSERT INTO a SELECT 1 FROM pg_sleep(0.1);
BEGIN;
CREATE TABLE b (id int);
INSERT INTO a SELECT 2 FROM pg_sleep(0.1);
COMMIT;
CREATE INDEX CONCURRENTLY a_id ON a (id);
SET search_path = public;
SELECT pg_sleep(0.1);
BEGIN;
ALTER TABLE b ADD c int;
INSERT INTO a SELECT 3 FROM pg_sleep(0.1);
COMMIT;
CREATE UNIQUE INDEX CONCURRENTLY b_id ON b (id);
INSERT INTO a SELECT 4 FROM pg_sleep(0.1);
";
fn killed_runs_resume(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_many.sql", MANY);
    let mut kills = 0;
    for i in 0..60 {
        let mut child = project.start("migrate --lock-wait 20");
        // Each run lives a little longer than the one before, so that every part is interrupted.
        std::thread::sleep(Duration::from_millis(20 + i * 6));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let last: Run = project.run("migrate --lock-wait 20");
    last.ends(0);
    let begun = project.sql("SELECT count(*) FROM schemadiff.journal");
    eprintln!("{kills} kills, {begun} entries in the journal");
    assert_eq!(project.sql("SELECT array_agg(id ORDER BY id) FROM public.a"), "{1,2,3,4}");
    let valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid IN ('public.a_id'::regclass, 'public.b_id'::regclass)";
    assert_eq!(project.sql(valid), "t");
    assert_eq!(
        project.sql("SELECT count(*) FROM schemadiff.schema_migrations WHERE catalog IS NOT NULL"),
        "1"
    );
    project.run("status").ends(0);
}

fn statement_that_outlives_its_run(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_a.sql", "BEGIN; CREATE TABLE a (id int); SELECT pg_sleep(2); COMMIT;");
    let mut child = project.start("migrate");
    project
        .wait_for(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database() AND pid <> pg_backend_pid()",
        );
    child.kill().unwrap();
    child.wait().unwrap();
    project.run("migrate --lock-wait 0").ends(2).says("is still executing");
    project.run("migrate").ends(0).says("waiting for another run");
    assert_eq!(project.sql("SELECT count(*) FROM public.a"), "0");
}

fn invalid_index_is_rebuilt(server: &Arc<Server>) {
    let project = Project::new(server);
    project.sql("CREATE TABLE public.t (id int)");
    project.write("generated/001_i.sql", "CREATE INDEX CONCURRENTLY i ON public.t (id);");
    let mut writer = project.database.client();
    writer.batch_execute("BEGIN; INSERT INTO public.t VALUES (1)").unwrap();
    let mut child = project.start("migrate --allow existing");
    project.wait_for("SELECT 1 FROM pg_index WHERE NOT indisvalid");
    child.kill().unwrap();
    child.wait().unwrap();
    project.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND datname = current_database() AND pid <> pg_backend_pid()");
    writer.batch_execute("COMMIT").unwrap();
    assert_eq!(project.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "1");
    project.run("migrate").ends(0).says("left invalid by an interrupted build");
    assert_eq!(project.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
    assert_eq!(project.sql("SELECT 'public.i'::regclass"), "public.i");
}

fn failed_statement_is_reported_and_resumed(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_ok.sql", "CREATE TABLE first (id int);");
    let text = "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n\nBEGIN;\nCREATE TABLE b (id int);\nALTER TABLE nowhere ADD c int;\nCOMMIT;\n";
    project.write("generated/002_bad.sql", text);
    project
        .run("migrate")
        .ends(2)
        .says("applied 001_ok")
        .says("`002_bad` failed: relation \"nowhere\" does not exist")
        .says("002_bad.sql:7:1")
        .says("the statements before line 5 are applied");
    project.run("status").ends(1).says("half applied");
    assert_eq!(project.sql("SELECT to_regclass('public.b')"), "NULL");
    // The applied part must not change; the rest may.
    project.write("generated/002_bad.sql", &text.replace("TABLE a", "TABLE other"));
    project.run("migrate").ends(2).says("and the applied part was edited");
    project.write("generated/002_bad.sql", &text.replace("nowhere", "b"));
    project.run("migrate").ends(0).says("`002_bad` was interrupted after 1 of 2 parts");
    assert_eq!(project.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'b'"), "2");
    project.run("rollback").ends(2).says("`002_bad` has no rollback");
}

fn half_applied_revision_is_not_drift(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int, a text);");
    project.run("migrate").ends(0);
    project.sql("CREATE TABLE public.by_hand (id int)");
    let text = "BEGIN;\nALTER TABLE public.t RENAME a TO b;\nCOMMIT;\nBEGIN;\nALTER TABLE nowhere ADD c int;\nCOMMIT;\n";
    project.write("generated/002_b.sql", text);
    project.run("migrate").ends(2);
    project.run("drift").ends(2).says("the migration `002_b` is unfinished");
    project.write("generated/002_b.sql", &text.replace("nowhere", "public.t"));
    project.run("migrate").ends(0).says("resuming");
    let drift = project.run("drift").ends(1).says("table public.by_hand is not expected");
    assert!(!drift.out.contains("public.t."), "{}", drift.out);
    project.sql("DROP TABLE public.by_hand");
    project.run("drift").ends(0);
}

fn half_finished_rollback(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int); CREATE TABLE public.u (id int);");
    let back = "BEGIN;\nDROP TABLE public.u;\nCOMMIT;\nBEGIN;\nALTER TABLE nowhere ADD c int;\nDROP TABLE public.t;\nCOMMIT;\n";
    project.write("generated/001_t_rollback.sql", back);
    project.run("migrate").ends(0);
    project.run("rollback").ends(2);
    project.run("status").ends(1).says("half rolled back");
    project.run("migrate").ends(2).says("the rollback of `001_t` is unfinished");
    project.run("drift").ends(2).says("the rollback of `001_t` is unfinished");
    project
        .write("generated/001_t_rollback.sql", &back.replace("ALTER TABLE nowhere ADD c int;", "SELECT 1;"));
    project.run("rollback").ends(0);
    project.run("status").ends(1).says("pending");
}

fn killed_backfill_resumes(server: &Arc<Server>) {
    let project = with_rows(server, 60_000);
    project.run("generate --at 2026-01-02T12:00:00 --name mail").ends(0);
    let mut run = project.start("migrate");
    let filled = || project.sql("SELECT count(mail) FROM public.client").parse::<u32>().unwrap();
    let column = "SELECT count(*) FROM pg_attribute WHERE attname = 'mail'";
    project.wait_for(&format!("{column} HAVING count(*) = 1"));
    project.wait_for("SELECT 1 FROM public.client WHERE mail IS NOT NULL LIMIT 1");
    run.kill().unwrap();
    run.wait().unwrap();
    let kept = filled();
    assert!((1..60_000).contains(&kept), "{kept} rows were filled when it was killed");
    // The server ends the statement of the killed program as soon as it notices that the client is gone.
    let run = project.run("migrate --lock-wait 30").ends(0);
    run.says("was interrupted");
    assert_eq!(filled(), 60_000);
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE mail <> login || '@example.org'"), "0");
    project.run("drift").ends(0);
}
