//! Statements outside a transaction that fail or are interrupted: what counts as done, what is cleaned up, and what may
//! be edited.

use std::sync::Arc;
use std::time::Duration;

use crate::project::{Project, Run};
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; index_of_that_name_exists, mistyped_statements_fail_again, failed_statement_may_be_edited, invalid_index_of_a_failed_build_is_dropped, block_that_has_committed_is_asked_about, backfill_without_a_value);
    blocking_tests!(suite, Needs::Installed("a second connection holds a lock"); retry_after_a_lock_timeout, interrupted_detach_is_finished, definition_decides_after_a_kill);
}

const FILE: &str = "generated/001_a.sql";

/// A project whose database has a record, and these objects.
fn with_objects(server: &Arc<Server>, sql: &str) -> Project {
    let project = Project::new(server);
    project.write("generated/000_start.sql", "SELECT 1;");
    project.run("migrate").ends(0);
    project.sql(sql);
    project
}

/// The statement of the run that the server works on.
const ACTIVE: &str = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE";

fn index_of_that_name_exists(server: &Arc<Server>) {
    let project =
        with_objects(server, "CREATE TABLE public.t (a int, b int); CREATE INDEX i ON public.t (b)");
    project.write(FILE, "CREATE INDEX CONCURRENTLY i ON public.t (a);");
    for _ in 0..2 {
        let run = project.run("migrate --allow existing").ends(2).says("already exists");
        run.says("nothing of this file is applied");
        project.run("status").ends(1).says("pending");
    }
    assert_eq!(
        project.sql("SELECT pg_get_indexdef('public.i'::regclass)"),
        "CREATE INDEX i ON public.t USING btree (b)"
    );
    project.write(FILE, "CREATE INDEX CONCURRENTLY i2 ON public.t (a);");
    project.run("migrate").ends(0).says("applied 001_a");
}

fn mistyped_statements_fail_again(server: &Arc<Server>) {
    let project = with_objects(
        server,
        "CREATE TABLE public.t (a int) PARTITION BY LIST (a); CREATE TABLE public.p PARTITION OF public.t FOR VALUES IN (1); CREATE TABLE public.other (a int)",
    );
    for statement in [
        "DROP INDEX CONCURRENTLY public.nowhere",
        "ALTER TABLE public.t DETACH PARTITION public.nowhere CONCURRENTLY",
        "ALTER TABLE public.t DETACH PARTITION public.other CONCURRENTLY",
        "CREATE INDEX CONCURRENTLY i ON public.p (nowhere)",
        "REINDEX TABLE CONCURRENTLY public.nowhere",
        "VACUUM public.nowhere",
    ] {
        project.write(FILE, statement);
        for _ in 0..2 {
            project.run("migrate --allow existing").ends(2).says("nothing of this file is applied");
        }
    }
    project.write(FILE, "SELECT 1;");
    project.run("migrate").ends(0);
}

fn failed_statement_may_be_edited(server: &Arc<Server>) {
    let project = Project::new(server);
    let text = "CREATE TABLE public.t (a int);\nCREATE INDEX CONCURRENTLY i ON public.t (typo);\n";
    project.write(FILE, text);
    project
        .run("migrate")
        .ends(2)
        .says("column \"typo\" does not exist")
        .says("the statements before line 2 are applied")
        .says("it resumes at line 2");
    project.run("status").ends(1).says("half applied");
    project.write(FILE, &text.replace("typo", "a"));
    project.run("migrate").ends(0).says("applied 001_a");
    assert_eq!(project.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass"), "t");
    let outcomes =
        "SELECT string_agg(coalesce(outcome, 'finished'), ' ' ORDER BY id) FROM schemadiff.journal";
    assert_eq!(project.sql(outcomes), "finished failed finished");
}

fn invalid_index_of_a_failed_build_is_dropped(server: &Arc<Server>) {
    let project = with_objects(server, "CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (1)");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    for statement in [
        "CREATE UNIQUE INDEX CONCURRENTLY i ON public.t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY ON public.t (a)",
    ] {
        project.write(FILE, statement);
        project
            .run("migrate --allow existing")
            .ends(2)
            .says("could not create unique index")
            .says("nothing of this file is applied");
        assert_eq!(project.sql(invalid), "0");
    }
    project.sql("DELETE FROM public.t");
    project.run("migrate").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'public.t'::regclass"), "1");
}

fn block_that_has_committed_is_asked_about(server: &Arc<Server>) {
    let project = with_objects(server, "CREATE TABLE public.log (a int)");
    project
        .sql("CREATE PROCEDURE public.fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (1); COMMIT; PERFORM 1/0; END $$");
    let rows = || project.sql("SELECT count(*) FROM public.log");
    // It fails before it has committed anything.
    project.write(FILE, "DO $$ BEGIN INSERT INTO public.log VALUES (1/0); COMMIT; END $$;");
    project.run("migrate --allow existing").ends(2).says("nothing of this file is applied");
    project.run("status").ends(1).says("pending");
    for statement in
        ["DO $$ BEGIN INSERT INTO public.log VALUES (1); COMMIT; PERFORM 1/0; END $$", "CALL public.fill()"]
    {
        project.write(FILE, statement);
        let failed = project.run("migrate").ends(2).says("a part of the statement at line 1 is committed");
        failed.says("`schemadiff migrate --in-doubt again`");
        project.run("status").ends(1).says("half applied");
        assert_eq!(rows(), "1");
        project.run("migrate").ends(2).says("after it had committed a part").says("--in-doubt done");
        assert_eq!(rows(), "1");
        // It may be edited now.
        project.write(FILE, "DO $$ BEGIN DELETE FROM public.log; COMMIT; END $$;");
        project.run("migrate --in-doubt again").ends(0);
        assert_eq!(rows(), "0");
        project.sql("DELETE FROM schemadiff.schema_migrations");
    }
    project.write(FILE, "DO $$ BEGIN INSERT INTO public.log VALUES (1); COMMIT; PERFORM 1/0; END $$");
    project.run("migrate").ends(2);
    project.write(FILE, "SELECT 1;");
    project.run("migrate --in-doubt done").ends(0);
    // A block that says so continues where it stopped.
    let text = "DO $$ -- schemadiff: repeatable\nBEGIN INSERT INTO public.log VALUES (1); COMMIT; PERFORM 1/0; END $$";
    project.write("generated/002_b.sql", text);
    project.run("migrate").ends(2).says("has committed stays").says("it resumes at line 1");
    project.write("generated/002_b.sql", &text.replace("1/0", "1"));
    project.run("migrate").ends(0);
    assert_eq!(rows(), "3");
}

fn backfill_without_a_value(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write(
        "schema.sql",
        "CREATE TABLE t (id int, part text, a int, PRIMARY KEY (id, part)); CREATE TABLE u (a int);",
    );
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project
        .sql("INSERT INTO public.t SELECT n, 'x', n FROM generate_series(1, 3000) AS n; INSERT INTO public.t VALUES (2500, 'y', NULL)");
    project.write(
        "schema.sql",
        "CREATE TABLE t (id int, part text, a int, b int, -- schemadiff: backfill: a * 2\nPRIMARY KEY (id, part)); CREATE TABLE u (a int);",
    );
    project.run("generate --name fill --at 2026-01-02T12:00:00").ends(0);
    project
        .run("migrate")
        .ends(2)
        .says("the backfill of column public.t.b has no value for the row with (id, part) = (2500, y)")
        .says("not NULL for them")
        .says("has committed stays");
    assert_ne!(project.sql("SELECT count(b) FROM public.t"), "0");
    let file = "generated/20260102_120000_fill.sql";
    let text = std::fs::read_to_string(project.path(file)).unwrap();
    project.write(file, &text.replace("(a * 2)", "(coalesce(a, 0) * 2)"));
    project.run("migrate").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.t WHERE b IS DISTINCT FROM coalesce(a, 0) * 2"), "0");
    // A table without a key.
    project.sql("INSERT INTO public.u VALUES (NULL)");
    let declared = std::fs::read_to_string(project.path("schema.sql")).unwrap();
    project.write(
        "schema.sql",
        &declared.replace("u (a int)", "u (\na int,\nb int -- schemadiff: backfill: a * 2\n)"),
    );
    project.run("generate --at 2026-01-03T12:00:00").ends(0);
    project.run("migrate").ends(2).says("has no value for the row with values (,)");
    project.sql("UPDATE public.u SET a = 1");
    project.run("migrate").ends(0);
}

fn retry_after_a_lock_timeout(server: &Arc<Server>) {
    let project = with_objects(server, "CREATE TABLE public.t (a int)");
    project.write(FILE, "SET lock_timeout = '500ms';\nCREATE INDEX CONCURRENTLY i ON public.t (a);");
    let mut writer = project.database.client();
    writer.batch_execute("BEGIN; INSERT INTO public.t VALUES (1)").unwrap();
    project
        .run("migrate --retries 1 --lock-timeout 500")
        .ends(2)
        .says("lock timeout")
        .says("the statement at line 2 is half done, which the next run cleans up");
    project.run("status").ends(1).says("half applied");
    // It may be edited now.
    project.write(FILE, "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY i ON public.t (a DESC);");
    let run = project.start("migrate --allow existing --retries 9");
    std::thread::sleep(Duration::from_millis(2500));
    writer.batch_execute("COMMIT").unwrap();
    let said: Run = run.wait_with_output().unwrap().into();
    said.ends(0).says("dropping the index i");
    let definition = "SELECT pg_get_indexdef(indexrelid) || indisvalid FROM pg_index WHERE indrelid = 'public.t'::regclass";
    assert_eq!(project.sql(definition), "CREATE INDEX i ON public.t USING btree (a DESC)true");
}

fn interrupted_detach_is_finished(server: &Arc<Server>) {
    let project = with_objects(
        server,
        "CREATE TABLE public.t (a int) PARTITION BY LIST (a); CREATE TABLE public.p PARTITION OF public.t FOR VALUES IN (1)",
    );
    project.write(
        FILE,
        "SET lock_timeout = '500ms';\nALTER TABLE public.t DETACH PARTITION public.p CONCURRENTLY;",
    );
    let mut reader = project.database.client();
    reader.batch_execute("BEGIN; SELECT FROM public.t").unwrap();
    project.run("migrate --allow existing --retries 0 --lock-timeout 500").ends(2).says("half done");
    assert_eq!(project.sql("SELECT inhdetachpending FROM pg_inherits"), "t");
    reader.batch_execute("COMMIT").unwrap();
    project.run("migrate").ends(0).says("finishing the interrupted DETACH");
    assert_eq!(project.sql("SELECT count(*) FROM pg_inherits"), "0");
}

fn definition_decides_after_a_kill(server: &Arc<Server>) {
    let project = with_objects(server, "CREATE TABLE public.t (a int, b text)");
    let statement = "CREATE INDEX CONCURRENTLY i ON public.t (lower(b)) WHERE a > 0;";
    for (by_hand, code) in [("(lower(b)) WHERE a > 0", 0), ("(b)", 2)] {
        project.write(FILE, statement);
        let mut writer = project.database.client();
        // The build waits for this lock before it creates the index.
        writer.batch_execute("BEGIN; LOCK TABLE public.t IN SHARE MODE").unwrap();
        let mut child = project.start("migrate --allow existing");
        project.wait_for(&format!("{ACTIVE} 'CREATE INDEX CONC%' AND wait_event_type = 'Lock'"));
        child.kill().unwrap();
        child.wait().unwrap();
        project.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND datname = current_database() AND pid <> pg_backend_pid()");
        writer.batch_execute(&format!("CREATE INDEX i ON public.t {by_hand}; COMMIT")).unwrap();
        let again = project.run("migrate --lock-wait 20").ends(code);
        assert_eq!(again.contains("already exists"), code == 2, "{again:?}");
        project.sql("DROP INDEX public.i");
        project.run("migrate");
        project.sql("DROP INDEX IF EXISTS public.i; DELETE FROM schemadiff.schema_migrations");
    }
}
