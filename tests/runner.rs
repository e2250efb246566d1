//! The runner on a server: the whole loop, runs that die, files that do not fit, two runs at once.
#![allow(clippy::disallowed_methods, reason = "a test is its own command line")]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use schemadiff::db::{Environment, Session, Target};
use schemadiff::scratch::{Choice, Scratch, ScratchDatabase, ScratchOptions};

/// A folder with a configuration, and a database for it.
struct Project {
    folder: tempfile::TempDir,
    database: ScratchDatabase,
    address: String,
    _scratch: Scratch,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Said {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "no {text:?} in {self:#?}");
        self
    }
}

impl Project {
    async fn new(name: &str) -> Option<Self> {
        let variables = Environment::from_vars(std::env::vars_os());
        let wanted = ScratchOptions { choice: Choice::Binaries(None), ..ScratchOptions::any(variables) };
        let scratch = match Scratch::start(&wanted).await {
            Ok(scratch) => scratch,
            Err(error) => {
                eprintln!("{name} skipped: {error}");
                return None;
            }
        };
        let database = scratch.database().await.unwrap();
        let address = address(database.target());
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder, database, address, _scratch: scratch };
        project.write(
            "schemadiff.yaml",
            "target: schema.sql\nenvironments:\n  dev: {url: \"${DEV}\"}\n  prod: {url: \"${DEV}\", protected: true}\n\
             default_environment: dev\n",
        );
        project.write(".env", &format!("DEV=\"{}\"\n", project.address));
        Some(project)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
        command.args(words.split(' ')).current_dir(self.folder.path());
        for name in ["DEV", "PGUSER", "PGDATABASE", "PGHOST", "PGPORT", "PGPASSWORD"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, words: &str) -> Said {
        self.command(words).output().unwrap().into()
    }

    fn start(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    async fn sql(&self, sql: &str) -> String {
        let rows = self.database.session.rows(sql).await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap_or("NULL")).collect::<Vec<_>>().join(" ")
    }

    /// Waits until a query gives something.
    async fn wait_for(&self, sql: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.sql(sql).await.is_empty() {
            assert!(Instant::now() < until, "{sql} gives nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn address(target: &Target) -> String {
    let words = [("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user"), ("PGDATABASE", "dbname")];
    let variables = target.libpq_variables();
    let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let pairs = words.iter().filter_map(|(name, word)| Some(format!("{word}={}", value(name)?)));
    pairs.collect::<Vec<_>>().join(" ")
}

const TARGET: &str = "CREATE TABLE customer (id bigint PRIMARY KEY, email text NOT NULL);\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_loop() {
    let Some(project) = Project::new("the_whole_loop").await else { return };
    project.write("schema.sql", TARGET);
    let at = "--at 2026-01-01T12:00:00";
    let first = project.run(&format!("generate --dry-run {at}")).ends(0);
    let second = project.run(&format!("generate --dry-run {at}")).ends(0);
    assert_eq!(first.out, second.out);
    project.run(&format!("generate {at}")).ends(0).says("20260101_120000_add_customer.sql");
    project.run("generate").ends(0).says("nothing to do");
    project.run("status").ends(1).says("pending");
    project.run("migrate --dry-run").ends(0).says("CREATE TABLE public.customer");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'").await, "");
    project.run("migrate").ends(0).says("applied 20260101_120000_add_customer");
    project.run("migrate").ends(0).says("nothing to do");
    project.run("status").ends(0).says("applied");
    project.run("check").ends(0);
    project.run("drift").ends(0);

    project.sql("ALTER TABLE public.customer ADD nick text").await;
    project.sql("CREATE INDEX by_hand ON public.customer (email)").await;
    let told = project.run("drift --format json --revert-to revert.sql").ends(1);
    let json: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 2, "{}", told.out);

    // What is pending is no drift, and what is drift is not absorbed by a migration.
    project.write("schema.sql", &format!("{TARGET}CREATE TABLE orders (id bigint PRIMARY KEY);\n"));
    project.run("generate --at 2026-01-02T12:00:00").ends(0);
    let json: serde_json::Value =
        serde_json::from_str(&project.run("drift --format json").ends(1).out).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 2);
    project.run("migrate").ends(0).says("warning: dev has drifted");
    project.run("drift").ends(1).says("index public.customer.by_hand is not expected");
    let revert = std::fs::read_to_string(project.path("revert.sql")).unwrap();
    project.database.session.run(&revert).await.unwrap();
    project.run("drift").ends(0);

    project.run("rollback").ends(2).says("loses data");
    project.run("rollback --allow DataLoss").ends(0).says("rolled back 20260102_120000_add_orders");
    project.run("status").ends(1).says("20260102_120000_add_orders    pending");
    project.run("drift").ends(0);
    project.run("migrate").ends(0);
    project.run("rollback --to empty --allow all").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, "0");
    project.run("drift --url host=nowhere").ends(2);
}

/// Units of every sort; none may run twice.
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

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_killed_are_gone_on_with() {
    let Some(project) = Project::new("runs_that_are_killed_are_gone_on_with").await else { return };
    project.write("generated/001_many.sql", MANY);
    let mut kills = 0;
    for i in 0..60 {
        let mut child = project.start("migrate --lock-wait 20");
        // Each lives a little longer than the last, so that every part is hit.
        tokio::time::sleep(Duration::from_millis(20 + i * 6)).await;
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let last: Said = project.run("migrate --lock-wait 20");
    last.ends(0);
    let begun = project.sql("SELECT count(*) FROM schemadiff.journal").await;
    eprintln!("{kills} kills, {begun} entries in the journal");
    assert_eq!(project.sql("SELECT array_agg(id ORDER BY id) FROM public.a").await, "{1,2,3,4}");
    let valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid IN ('public.a_id'::regclass, 'public.b_id'::regclass)";
    assert_eq!(project.sql(valid).await, "t");
    assert_eq!(
        project.sql("SELECT count(*) FROM schemadiff.schema_migrations WHERE catalog IS NOT NULL").await,
        "1"
    );
    project.run("status").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_outlives_its_run_is_waited_for() {
    let Some(project) = Project::new("a_statement_that_outlives_its_run_is_waited_for").await else { return };
    project.write("generated/001_a.sql", "BEGIN; CREATE TABLE a (id int); SELECT pg_sleep(2); COMMIT;");
    let mut child = project.start("migrate");
    project
        .wait_for(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()",
        )
        .await;
    child.kill().unwrap();
    child.wait().unwrap();
    project.run("migrate --lock-wait 0").ends(2).says("that the server still works on");
    project.run("migrate").ends(0).says("waiting for another run to end");
    assert_eq!(project.sql("SELECT count(*) FROM public.a").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_left_invalid_is_built_again() {
    let Some(project) = Project::new("an_index_that_was_left_invalid_is_built_again").await else { return };
    project.sql("CREATE TABLE public.t (id int)").await;
    project.write("generated/001_i.sql", "CREATE INDEX CONCURRENTLY i ON public.t (id);");
    let writer = Session::connect(project.database.target()).await.unwrap();
    writer.run("BEGIN; INSERT INTO public.t VALUES (1)").await.unwrap();
    let mut child = project.start("migrate");
    project.wait_for("SELECT 1 FROM pg_index WHERE NOT indisvalid").await;
    child.kill().unwrap();
    child.wait().unwrap();
    project.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND pid <> pg_backend_pid()").await;
    writer.run("COMMIT").await.unwrap();
    assert_eq!(project.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, "1");
    project.run("migrate").ends(0).says("left invalid by an interrupted build");
    assert_eq!(project.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, "0");
    assert_eq!(project.sql("SELECT 'public.i'::regclass").await, "public.i");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_statement_is_told_and_gone_on_from() {
    let Some(project) = Project::new("a_failing_statement_is_told_and_gone_on_from").await else { return };
    project.write("generated/001_ok.sql", "CREATE TABLE first (id int);");
    let text = "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n\nBEGIN;\nCREATE TABLE b (id int);\nALTER TABLE nowhere ADD c int;\nCOMMIT;\n";
    project.write("generated/002_bad.sql", text);
    project
        .run("migrate")
        .ends(2)
        .says("applied 001_ok")
        .says("`002_bad` failed: relation \"nowhere\" does not exist")
        .says("002_bad.sql:7:1")
        .says("what stands before line 5 is applied");
    project.run("status").ends(1).says("half applied");
    assert_eq!(project.sql("SELECT to_regclass('public.b')").await, "NULL");
    // What is applied may not change, what comes after may.
    project.write("generated/002_bad.sql", &text.replace("TABLE a", "TABLE other"));
    project.run("migrate").ends(2).says("what was applied of it was changed");
    project.write("generated/002_bad.sql", &text.replace("nowhere", "b"));
    project.run("migrate").ends(0).says("`002_bad` was interrupted: 1 of its 2 parts are done");
    assert_eq!(
        project.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'b'").await,
        "2"
    );
    project.run("rollback").ends(2).says("`002_bad` has no rollback");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_run_has_done_is_no_drift() {
    let Some(project) = Project::new("what_an_interrupted_run_has_done_is_no_drift").await else { return };
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int, a text);");
    project.run("migrate").ends(0);
    project.sql("CREATE TABLE public.by_hand (id int)").await;
    let text = "BEGIN;\nALTER TABLE public.t RENAME a TO b;\nCOMMIT;\nBEGIN;\nALTER TABLE nowhere ADD c int;\nCOMMIT;\n";
    project.write("generated/002_b.sql", text);
    project.run("migrate").ends(2);
    project.run("drift").ends(2).says("the migration of `002_b` was begun and is not finished");
    project.write("generated/002_b.sql", &text.replace("nowhere", "public.t"));
    project.run("migrate").ends(0).says("going on");
    let drift = project.run("drift").ends(1).says("table public.by_hand is not expected");
    assert!(!drift.out.contains("public.t."), "{}", drift.out);
    project.sql("DROP TABLE public.by_hand").await;
    project.run("drift").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_way_back_of_drift_loses_is_told() {
    let Some(project) = Project::new("what_the_way_back_of_drift_loses_is_told").await else {
        return;
    };
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int);");
    project.run("migrate").ends(0);
    project.sql("ALTER TABLE public.t RENAME TO other").await;
    project.run("drift").ends(1).says("Reverting LOSES DATA: drops table public.other");
    project.run("drift --revert-to back.sql").ends(1).says("warning: back.sql: Reverting LOSES DATA");
    assert!(project.path("back.sql").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_is_not_finished_is_told() {
    let Some(project) = Project::new("a_rollback_that_is_not_finished_is_told").await else { return };
    project.write("generated/001_t.sql", "CREATE TABLE public.t (id int); CREATE TABLE public.u (id int);");
    let back = "BEGIN;\nDROP TABLE public.u;\nCOMMIT;\nBEGIN;\nALTER TABLE nowhere ADD c int;\nDROP TABLE public.t;\nCOMMIT;\n";
    project.write("generated/001_t_rollback.sql", back);
    project.run("migrate").ends(0);
    project.run("rollback").ends(2);
    project.run("status").ends(1).says("half rolled back");
    project.run("migrate").ends(2).says("the rollback of `001_t` was begun and is not finished");
    project.run("drift").ends(2).says("the rollback of `001_t` was begun");
    project
        .write("generated/001_t_rollback.sql", &back.replace("ALTER TABLE nowhere ADD c int;", "SELECT 1;"));
    project.run("rollback").ends(0);
    project.run("status").ends(1).says("pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_is_an_error() {
    let Some(project) = Project::new("output_that_cannot_be_written_is_an_error").await else { return };
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = project.command("status").stdout(full()).status().unwrap();
    assert_eq!(status.code(), Some(2));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = project.command("drift --env nowhere").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_fit_the_record_are_told() {
    let Some(project) = Project::new("files_that_do_not_fit_the_record_are_told").await else { return };
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\n");
    project.write("generated/003_c.sql", "CREATE TABLE c (id int);\n");
    project.run("migrate").ends(0);
    // Line ends are no change.
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\r\n");
    project.run("migrate").ends(0).says("nothing to do");
    project.write("generated/001_a.sql", "CREATE TABLE a (id bigint);\n");
    project.write("generated/002_b.sql", "CREATE TABLE b (id int);\n");
    std::fs::remove_file(project.path("generated/003_c.sql")).unwrap();
    project.run("status").ends(1).says("changed").says("missing");
    project.run("migrate").ends(2).says("`001_a` was changed after it was applied").says("its file is gone");
    project.write("generated/003_c.sql", "CREATE TABLE c (id int);\n");
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);\n");
    project.run("migrate").ends(2).says("`002_b` is not applied, and the later `003_c` is");
    std::fs::rename(project.path("generated/002_b.sql"), project.path("generated/004_b.sql")).unwrap();
    project.run("migrate").ends(0).says("applied 004_b");
    project.write("generated/4_x.sql", "SELECT 1");
    project.run("migrate").ends(2).says("claim one place");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_one_waits_and_finds_nothing_to_do() {
    let Some(project) = Project::new("of_two_runs_one_waits").await else { return };
    project.write("generated/001_a.sql", "CREATE TABLE a (id int); SELECT pg_sleep(1);");
    let runs = [project.start("migrate"), project.start("migrate")];
    let said: Vec<Said> = runs.into_iter().map(|run| run.wait_with_output().unwrap().into()).collect();
    assert!(said.iter().all(|said| said.code == Some(0)), "{said:#?}");
    let count =
        |text: &str| said.iter().filter(|said| said.out.contains(text) || said.err.contains(text)).count();
    assert_eq!((count("applied 001_a"), count("nothing to do"), count("waiting for another run")), (1, 1, 1));
    let holder = project.start("migrate --to 001_a");
    holder.wait_with_output().unwrap();
    let guard = Session::connect(project.database.target()).await.unwrap();
    guard.run("SELECT pg_advisory_lock(1935893606, 1)").await.unwrap();
    project.run("migrate --lock-wait 0").ends(2).says("another run holds the migration lock: process");
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_environments_are_confirmed_and_refuse_drift() {
    let Some(project) = Project::new("protected_environments").await else { return };
    project.write("generated/001_a.sql", "CREATE TABLE a (id int);");
    project.run("migrate --env prod").ends(2).says("`prod` is protected").says("--confirm prod");
    project.run("migrate --env prod --confirm dev").ends(2);
    project.run("migrate --env prod --dry-run").ends(0);
    project.run("migrate --env prod --confirm prod").ends(0);
    project.sql("ALTER TABLE public.a ADD by_hand int").await;
    project.write("generated/002_b.sql", "CREATE TABLE b (id int);");
    project.run("migrate --env prod --confirm prod").ends(2).says("SD032");
    project.run("migrate --env prod --confirm prod --allow drift").ends(0);
    project.run("migrate --env prdo").ends(2).says("did you mean `prod`?");
    project.run("rollback --env prod").ends(2).says("protected");
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_tried_for_again() {
    let Some(project) = Project::new("locks_are_tried_for_again").await else { return };
    project.sql("CREATE TABLE public.t (id int)").await;
    project.write("generated/001_a.sql", "BEGIN; CREATE TABLE a (id int); ALTER TABLE t ADD c int; COMMIT;");
    let reader = Session::connect(project.database.target()).await.unwrap();
    reader.run("BEGIN; SELECT FROM public.t").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let given_up = project.run("migrate --lock-timeout 100 --retries 1").ends(2);
    given_up.says("(1 of 1)").says("is in a transaction").says("lock timeout");
    let run = project.start("migrate --lock-timeout 1500 --retries 5");
    tokio::time::sleep(Duration::from_secs(3)).await;
    reader.run("COMMIT").await.unwrap();
    let said: Said = run.wait_with_output().unwrap().into();
    said.ends(0).says("waiting for process").says("(1 of 5)");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_cannot_be_written_are_told_before_any_work() {
    let Some(project) = Project::new("folders_that_cannot_be_written").await else { return };
    project.write("schema.sql", TARGET);
    project.write("file", "");
    let said = project.run("generate --migrations file/generated").ends(2).says("nothing can be written");
    assert!(!said.err.contains("scratch server"), "{}", said.err);
    project.run("generate --migrations file").ends(2).says("is a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_needs_no_rights_but_to_connect() {
    let Some(project) = Project::new("drift_needs_no_rights").await else { return };
    project.write("schema.sql", TARGET);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("CREATE ROLE reader LOGIN").await;
    let mut words: Vec<&str> = project.address.split(' ').filter(|word| !word.starts_with("user=")).collect();
    words.push("user=reader");
    let reader = words.join(" ");
    let run = |words: &str| -> Said {
        let mut command = project.command(words);
        command.args(["--url", &reader]).output().unwrap().into()
    };
    run("drift").ends(0).says("may not read the schema `schemadiff`").says("matches the target schema.sql");
    project.sql("GRANT USAGE ON SCHEMA schemadiff TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA schemadiff TO reader").await;
    run("drift").ends(0).says("matches the state after `20260101_120000_add_customer`");
    run("migrate").ends(0).says("nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_is_lost_only_when_it_is_allowed() {
    let Some(project) = Project::new("data_is_lost_only_when_it_is_allowed").await else { return };
    project.write("schema.sql", TARGET);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.write("schema.sql", "CREATE TABLE customer (id bigint PRIMARY KEY);\n");
    project.run("generate").ends(2).says("SD022").says("email");
    assert_eq!(std::fs::read_dir(project.path("generated")).unwrap().count(), 2);
    let said =
        project.run("generate --allow DataLoss --no-verify --at 2026-01-02T12:00:00 --layout dated").ends(0);
    said.says("this migration was not rehearsed");
    let text =
        std::fs::read_to_string(project.path("generated/20260102_001_drop_customer_email.sql")).unwrap();
    assert!(text.contains("-- Hazard: DataLoss") && text.contains("-- Proof: NONE"), "{text}");
    project.run("check").ends(1).says("was generated with --no-verify");
}

/// Two columns that exchange their names.
const EXCHANGED: &str = "CREATE TABLE pair (
    id bigint PRIMARY KEY,
    a text, -- schemadiff: renamed_from: b
    b text -- schemadiff: renamed_from: a
);
";

#[tokio::test(flavor = "multi_thread")]
async fn names_are_exchanged_once() {
    let Some(project) = Project::new("names_are_exchanged_once").await else { return };
    project.write("schema.sql", "CREATE TABLE pair (id bigint PRIMARY KEY, a text, b text);\n");
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("INSERT INTO public.pair VALUES (1, 'was a', 'was b')").await;
    project.write("schema.sql", EXCHANGED);
    project.run("generate --at 2026-01-02T12:00:00 --name exchange").ends(0).says("2 renames");
    let text = std::fs::read_to_string(project.path("generated/20260102_120000_exchange.sql")).unwrap();
    assert!(text.contains("-- Renamed: column public.pair.b -> public.pair.a\n"), "{text}");
    project.run("migrate").ends(0);
    assert_eq!(project.sql("SELECT a || ', ' || b FROM public.pair").await, "was b, was a");
    // The annotations may stay.
    project.run("generate").ends(0).says("nothing to do");
    project.run("check").ends(0);
    project.run("drift").ends(0);
    project.run("rollback").ends(0);
    assert_eq!(project.sql("SELECT a || ', ' || b FROM public.pair").await, "was a, was b");

    // What never had other names in this folder is as it should be from the start.
    std::fs::remove_dir_all(project.path("generated")).unwrap();
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("generate").ends(0).says("nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_a_rename_is_asked() {
    let Some(project) = Project::new("what_could_be_a_rename_is_asked").await else { return };
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

/// A column that must have a value, which rows that are there get from another.
const WITH_MAIL: &str = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL,
    mail text NOT NULL -- schemadiff: backfill: login || '@example.org' BATCH 500
);
";
const WITHOUT_MAIL: &str = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL
);
";

/// A project with a table of so many rows, and a target with one column more.
async fn with_rows(name: &str, rows: u32) -> Option<Project> {
    let project = Project::new(name).await?;
    project.write("schema.sql", WITHOUT_MAIL);
    project.run("generate --at 2026-01-01T12:00:00 --name start").ends(0);
    project.run("migrate").ends(0);
    let insert =
        format!("INSERT INTO public.client (login) SELECT 'u' || g FROM generate_series(1, {rows}) AS g");
    project.sql(&insert).await;
    project.write("schema.sql", WITH_MAIL);
    Some(project)
}

#[tokio::test(flavor = "multi_thread")]
async fn between_phases_an_old_and_a_new_program_work() {
    let Some(project) = with_rows("between_phases", 1000).await else { return };
    project.run("generate --phased --at 2026-01-02T12:00:00 --name mail").ends(0);
    project.run("check").ends(0);
    project.run("migrate --to 20260102_120000_expand_mail").ends(0);
    project.sql("INSERT INTO public.client (login) VALUES ('old')").await;
    project.sql("INSERT INTO public.client (login, mail) VALUES ('new', 'new@example.com')").await;
    let of_old = "SELECT string_agg(mail, ' ' ORDER BY id) FROM public.client WHERE login IN ('old', 'new')";
    assert_eq!(project.sql(of_old).await, "old@example.org new@example.com");
    project.run("migrate --to 20260102_120001_backfill_mail").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE mail IS NULL").await, "0");
    project.sql("INSERT INTO public.client (login) VALUES ('late')").await;
    project.run("migrate").ends(0).says("contract_mail");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    project.run("rollback --steps 3 --allow DataLoss").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client").await, "1003");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_killed_goes_on_where_it_was() {
    let Some(project) = with_rows("a_backfill_that_is_killed", 60_000).await else { return };
    project.run("generate --at 2026-01-02T12:00:00 --name mail").ends(0);
    let mut run = project.start("migrate");
    let filled =
        || async { project.sql("SELECT count(mail) FROM public.client").await.parse::<u32>().unwrap() };
    let column = "SELECT count(*) FROM pg_attribute WHERE attname = 'mail'";
    project.wait_for(&format!("{column} HAVING count(*) = 1")).await;
    project.wait_for("SELECT 1 FROM public.client WHERE mail IS NOT NULL LIMIT 1").await;
    run.kill().unwrap();
    run.wait().unwrap();
    let kept = filled().await;
    assert!((1..60_000).contains(&kept), "{kept} rows were filled when it was killed");
    // The server ends what the dead one began as soon as it notices.
    let said = project.run("migrate --lock-wait 30").ends(0);
    said.says("was interrupted");
    assert_eq!(filled().await, 60_000);
    assert_eq!(
        project.sql("SELECT count(*) FROM public.client WHERE mail <> login || '@example.org'").await,
        "0"
    );
    project.run("drift").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rows_do_not_bear_is_told_before_it_is_written() {
    let Some(project) = with_rows("what_rows_do_not_bear", 10).await else { return };
    project.sql("ANALYZE public.client").await;
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
    project.run("generate --from dev").ends(2).says("9 rows of table public.client violate the new constraint");
    project.sql("DELETE FROM public.client WHERE login <> 'u1'").await;
    project.run("generate --from dev --dry-run").ends(0).says("VALIDATE CONSTRAINT");
    project.sql("DELETE FROM public.client").await;
    let said = project.run("generate --from dev --dry-run").ends(0);
    assert!(!said.out.contains("VALIDATE"), "a table without rows takes the plain form: {}", said.out);
    project.run("stats pull --out stats.json").ends(0);
    project.run("generate --stats stats.json --dry-run").ends(0);
    project.write("schema.sql", &WITHOUT_MAIL.replace("login text", "login varchar(10)"));
    project.run("generate --allow Rewrte").ends(2).says("unknown hazard");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_explained_as_they_run() {
    let Some(project) = Project::new("files_are_explained_as_they_run").await else { return };
    project.write("generated/001_t.sql", "CREATE TABLE t (a int);\nCREATE TABLE u ();\n");
    project.write("generated/001_t_rollback.sql", "DROP TABLE u;\nDROP TABLE t;\n");
    let text = "-- ticket 7\nALTER TABLE t ADD b text DEFAULT md5(random()::text);\n\
        -- Built while reading and writing go on.\n-- Avoided: CREATE INDEX keeps writers waiting.\n\
        -- reads, for an index, about 10 rows (8 kB), some less than a second; Scan: reads t\n\
        CREATE INDEX CONCURRENTLY i ON t (b);\nBEGIN;\nALTER TABLE t ALTER a TYPE bigint;\n\
        ALTER TABLE t DROP b;\nCOMMIT;\n";
    project.write("generated/002_b.sql", text);
    let told = project.run("explain generated/002_b.sql --format json").ends(0);
    let json: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    let statement = |i: usize| json["statements"][i].clone();
    assert_eq!(statement(0)["purpose"], "ticket 7");
    assert_eq!(statement(0)["lock"]["mode"], "ACCESS EXCLUSIVE");
    assert_eq!(statement(0)["rewrites"], serde_json::json!(["t"]));
    assert_eq!((&statement(1)["observed"], &statement(1)["line"]), (&false.into(), &6.into()));
    assert_eq!(statement(1)["avoided"], "CREATE INDEX keeps writers waiting");
    assert_eq!(statement(1)["hazards"][0]["code"], "Scan");
    assert_eq!(statement(3)["lock"], serde_json::json!({ "mode": "ACCESS EXCLUSIVE", "relation": "t" }));
    assert_eq!(statement(4)["lock"], serde_json::Value::Null);
    let told = project.run("explain generated/002_b.sql").ends(0);
    told.says("not observed, because the statement cannot run in a transaction").says("which its transaction already holds");
    project.run("explain generated/001_t_rollback.sql").ends(0).says("ACCESS EXCLUSIVE on u");

    project.write("from.sql", "CREATE TABLE t (a int);\n");
    project.write("by_hand.sql", "UPDATE t SET a = 1;\nCREATE ROLE somebody;\n");
    project.run("explain by_hand.sql --from from.sql").ends(0).says("ROW EXCLUSIVE on t").says("not run");
    project.run("explain by_hand.sql").ends(2).says("by_hand.sql:1:8");
    project.run("explain nowhere.sql").ends(2).says("nowhere.sql");
    project.run("explain SD022 --from from.sql").ends(2).says("--from");
}

#[tokio::test(flavor = "multi_thread")]
async fn between_phases_a_table_has_its_old_name_too() {
    let Some(project) = with_rows("between_phases_a_table", 10).await else { return };
    project.sql("CREATE ROLE clerk").await;
    let text = "-- schemadiff: renamed_from: client
CREATE TABLE customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL -- schemadiff: renamed_from: login
);
";
    project.write("schema.sql", text);
    project.run("generate --phased --at 2026-01-02T12:00:00 --name rename").ends(0);
    project.run("check").ends(0);
    project.run("migrate --to 20260102_120000_expand_rename").ends(0);
    project.sql("INSERT INTO public.client (login) VALUES ('old')").await;
    project.sql("UPDATE public.client SET login = login || '!' WHERE login = 'old'").await;
    project.sql("INSERT INTO public.customer (name) VALUES ('new')").await;
    assert_eq!(project.sql("SELECT count(*) FROM public.client").await, "12");
    project.run("migrate").ends(0).says("contract_rename");
    assert_eq!(project.sql("SELECT to_regclass('public.client')").await, "NULL");
    assert_eq!(project.sql("SELECT count(*) FROM public.customer WHERE name = 'old!'").await, "1");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    project.run("rollback --steps 2").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client").await, "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_never_without_a_name_between_phases() {
    let Some(project) = Project::new("a_table_is_never_without_a_name_between_phases").await else { return };
    let coupon = "CREATE TABLE public.coupon (id int PRIMARY KEY, item int REFERENCES public.item);\n";
    project
        .write("schema.sql", &format!("CREATE TABLE public.item (id int PRIMARY KEY, name text);\n{coupon}"));
    project.run("generate --at 2026-01-01T00:00:00").ends(0);
    let renamed = "-- schemadiff: renamed_from: item\nCREATE TABLE public.thing (id int PRIMARY KEY, name text, more int);\n";
    project.write("schema.sql", renamed);
    project.run("generate --phased --drop park --allow all --at 2026-01-02T00:00:00").ends(0);
    let files = std::fs::read_dir(project.path("generated")).unwrap();
    let mut expand = files.map(|file| file.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        name.contains("expand") && !name.ends_with("rollback.sql")
    });
    let text = std::fs::read_to_string(expand.next().unwrap()).unwrap();
    let (rename, view) =
        (text.find("RENAME TO thing").unwrap(), text.find("CREATE VIEW public.item").unwrap());
    assert!(!text[rename..view].contains("COMMIT"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn between_phases_a_column_has_both_its_names() {
    let Some(project) = with_rows("between_phases_a_column", 10).await else { return };
    let text = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL, -- schemadiff: renamed_from: login
    initial text NOT NULL -- schemadiff: backfill: left(name, 1)
);
";
    project.write("schema.sql", text);
    project.run("generate --policy phased --at 2026-01-02T12:00:00 --name rename --dry-run").says("contract");
    project.run("generate --phased --at 2026-01-02T12:00:00 --name rename").ends(0).says("BreaksClients");
    project.run("check").ends(0);
    let differ = "SELECT count(*) FROM public.client WHERE login IS DISTINCT FROM name OR initial IS NULL";
    project.run("migrate --to 20260102_120001_backfill_rename").ends(0);
    assert_eq!(project.sql(differ).await, "0");
    project.sql("INSERT INTO public.client (login) VALUES ('old')").await;
    project.sql("INSERT INTO public.client (name, initial) VALUES ('new', 'n')").await;
    project.sql("UPDATE public.client SET login = 'older' WHERE login = 'old'").await;
    project.sql("UPDATE public.client SET name = 'newer' WHERE name = 'new'").await;
    assert_eq!(project.sql(differ).await, "0");
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE name IN ('older', 'newer')").await, "2");
    project.run("migrate").ends(0).says("contract_rename");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE name IN ('older', 'newer')").await, "2");
    project.run("rollback").ends(0);
    assert_eq!(project.sql(differ).await, "0");
}
