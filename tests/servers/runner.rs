//! The commands that work on a database: `migrate`, `rollback`, `status` and `drift`.

use std::sync::Arc;
use std::time::Duration;

use crate::project::{Project, Run};
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; all_commands_on_one_project, data_loss_in_the_repair_of_drift, output_to_a_full_device_or_closed_pipe, files_that_differ_from_the_records, protected_environments);
    blocking_tests!(suite, Needs::Installed("two runs connect at once"); concurrent_runs);
    blocking_tests!(suite, Needs::Installed("a second connection holds the lock"); lock_timeouts_are_retried);
    blocking_tests!(suite, Needs::Installed("another role logs in"); drift_as_an_unprivileged_role);
}

/// The target of most tests.
pub(crate) const TARGET: &str = "CREATE TABLE customer (id bigint PRIMARY KEY, email text NOT NULL);\n";

fn all_commands_on_one_project(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", TARGET);
    let at = "--at 2026-01-01T12:00:00";
    let first = project.run(&format!("generate --dry-run {at}")).ends(0);
    let second = project.run(&format!("generate --dry-run {at}")).ends(0);
    assert_eq!(first.out, second.out);
    project.run(&format!("generate {at}")).ends(0).says("20260101_120000_add_customer.sql");
    project.run("generate").ends(0).says("nothing to do");
    project.run("status").ends(1).says("pending");
    project.run("migrate --dry-run").ends(0).says("CREATE TABLE public.customer");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'"), "");
    project.run("migrate").ends(0).says("applied 20260101_120000_add_customer");
    project.run("migrate").ends(0).says("nothing to do");
    project.run("status").ends(0).says("applied");
    project.run("check").ends(0);
    project.run("drift").ends(0);

    project.sql("ALTER TABLE public.customer ADD nick text");
    project.sql("CREATE INDEX by_hand ON public.customer (email)");
    let drift = project.run("drift --format json --revert-to revert.sql").ends(1);
    let json: serde_json::Value = serde_json::from_str(&drift.out).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 2, "{}", drift.out);

    // A pending revision is not drift, and a migration does not absorb drift.
    project.write("schema.sql", &format!("{TARGET}CREATE TABLE orders (id bigint PRIMARY KEY);\n"));
    project.run("generate --at 2026-01-02T12:00:00").ends(0);
    let json: serde_json::Value =
        serde_json::from_str(&project.run("drift --format json").ends(1).out).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 2);
    project.run("migrate").ends(0).says("warning: dev has drifted");
    project.run("drift").ends(1).says("index public.customer.by_hand is not expected");
    let revert = std::fs::read_to_string(project.path("revert.sql")).unwrap();
    project.sql(&revert);
    project.run("drift").ends(0);

    project.run("rollback").ends(2).says("loses data");
    project.run("rollback --allow DataLoss").ends(0).says("rolled back 20260102_120000_add_orders");
    project.run("status").ends(1).says("20260102_120000_add_orders    pending");
    project.run("drift").ends(0);
    project.run("migrate").ends(0);
    project.run("rollback --to empty --allow all").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    project.run("drift --url host=nowhere").ends(2);
}

fn data_loss_in_the_repair_of_drift(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int);");
    project.run("migrate").ends(0);
    project.sql("ALTER TABLE public.t RENAME TO other");
    project.run("drift").ends(1).says("Reverting LOSES DATA: drops table public.other");
    project.run("drift --revert-to back.sql").ends(1).says("warning: back.sql: Reverting LOSES DATA");
    assert!(project.path("back.sql").exists());
}

fn output_to_a_full_device_or_closed_pipe(server: &Arc<Server>) {
    let project = Project::new(server);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = project.command("status").stdout(full()).status().unwrap();
    assert_eq!(status.code(), Some(2));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = project.command("drift --env nowhere").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

fn files_that_differ_from_the_records(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\n");
    project.write("generated/003_c.sql", "CREATE TABLE c (id int);\n");
    project.run("migrate").ends(0);
    // Line endings are not a change.
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\r\n");
    project.run("migrate").ends(0).says("nothing to do");
    project.write("generated/001_a.sql", "CREATE TABLE a (id bigint);\n");
    project.write("generated/002_b.sql", "CREATE TABLE b (id int);\n");
    std::fs::remove_file(project.path("generated/003_c.sql")).unwrap();
    project.run("status").ends(1).says("changed").says("missing");
    project
        .run("migrate")
        .ends(2)
        .says("`001_a` was edited after it was applied")
        .says("is missing, but it is applied");
    project.write("generated/003_c.sql", "CREATE TABLE c (id int);\n");
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\n");
    project.run("migrate").ends(2).says("`002_b` is not applied, but the later `003_c` is");
    std::fs::rename(project.path("generated/002_b.sql"), project.path("generated/004_b.sql")).unwrap();
    project.run("migrate").ends(0).says("applied 004_b");
    project.write("generated/4_x.sql", "SELECT 1");
    project.run("migrate").ends(2).says("have the same position");
}

fn concurrent_runs(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_a.sql", "CREATE TABLE a (id int); SELECT pg_sleep(1);");
    let runs = [project.start("migrate"), project.start("migrate")];
    let runs: Vec<Run> = runs.into_iter().map(|run| run.wait_with_output().unwrap().into()).collect();
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    let count = |text: &str| runs.iter().filter(|run| run.contains(text)).count();
    assert_eq!((count("applied 001_a"), count("nothing to do"), count("waiting for another run")), (1, 1, 1));
    let holder = project.start("migrate --to 001_a");
    holder.wait_with_output().unwrap();
    let mut guard = project.database.client();
    guard.batch_execute("SELECT pg_advisory_lock(1935893606, 1)").unwrap();
    project.run("migrate --lock-wait 0").ends(2).says("another run holds the migration lock: process");
}

fn protected_environments(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);");
    project.run("migrate --env prod").ends(2).says("`prod` is protected").says("--confirm prod");
    project.run("migrate --env prod --confirm dev").ends(2);
    project.run("migrate --env prod --dry-run").ends(0);
    project.run("migrate --env prod --confirm prod").ends(0);
    project.sql("ALTER TABLE public.a ADD by_hand int");
    project.write("generated/002_b.sql", "CREATE TABLE b (id int);");
    project.run("migrate --env prod --confirm prod").ends(2).says("SD032");
    project.run("migrate --env prod --confirm prod --allow drift").ends(0);
    project.run("migrate --env prdo").ends(2).says("did you mean `prod`?");
    project.run("rollback --env prod").ends(2).says("protected");
}

fn lock_timeouts_are_retried(server: &Arc<Server>) {
    let project = Project::new(server);
    project.sql("CREATE TABLE public.t (id int)");
    project.write("generated/001_a.sql", "BEGIN; CREATE TABLE a (id int); ALTER TABLE t ADD c int; COMMIT;");
    let mut reader = project.database.client();
    reader.batch_execute("BEGIN; SELECT FROM public.t").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let run = project.run("migrate --allow existing --lock-timeout 100 --retries 1").ends(2);
    run.says("(1 of 1)").says("in a transaction for").says("lock timeout");
    let run = project.start("migrate --allow existing --lock-timeout 1500 --retries 5");
    std::thread::sleep(Duration::from_secs(3));
    reader.batch_execute("COMMIT").unwrap();
    let retried: Run = run.wait_with_output().unwrap().into();
    retried.ends(0).says("waiting for process").says("(1 of 5)");
}

fn drift_as_an_unprivileged_role(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", TARGET);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("CREATE ROLE drift_reader LOGIN");
    let mut words: Vec<&str> =
        project.database.address().split(' ').filter(|word| !word.starts_with("user=")).collect();
    words.push("user=drift_reader");
    let reader = words.join(" ");
    let run = |words: &str| -> Run {
        let mut command = project.command(words);
        command.args(["--url", &reader]).output().unwrap().into()
    };
    run("drift").ends(0).says("may not read the schema `schemadiff`").says("matches the target schema.sql");
    project.sql("GRANT USAGE ON SCHEMA schemadiff TO drift_reader; GRANT SELECT ON ALL TABLES IN SCHEMA schemadiff TO drift_reader");
    run("drift").ends(0).says("matches the state after `20260101_120000_add_customer`");
    run("migrate").ends(0).says("nothing to do");
}
