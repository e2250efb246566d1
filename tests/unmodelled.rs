//! What no kind describes is told, and `--strict` makes it an error; on every server that is here.
#![allow(clippy::disallowed_methods)]

use std::process::{Command, Stdio};

use schemadiff::catalog;
use schemadiff::db::Environment;
use schemadiff::scratch::{self, Choice, Scratch, ScratchDatabase, ScratchOptions};

/// What is modelled, or comes with something that is, or is no part of the schema.
const MODELLED: &str = "\
    CREATE TABLE parent (id int PRIMARY KEY, label text NOT NULL, CHECK (id > 0));\
    COMMENT ON INDEX parent_pkey IS 'read with its constraint';\
    CREATE TABLE child (parent int REFERENCES parent, number serial, \
    twice int GENERATED ALWAYS AS (1 + 1) STORED, self int GENERATED ALWAYS AS IDENTITY);\
    CREATE TABLE whole (id int PRIMARY KEY, parent int REFERENCES parent, note text) PARTITION BY RANGE (id);\
    CREATE TABLE part PARTITION OF whole DEFAULT;\
    CREATE TABLE beside (id int REFERENCES whole);\
    CREATE VIEW seen AS SELECT id FROM parent;\
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM parent;\
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';\
    CREATE TRIGGER fires AFTER INSERT ON whole FOR EACH ROW EXECUTE FUNCTION fire();\
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON parent DEFERRABLE FOR EACH ROW EXECUTE FUNCTION fire();\
    CREATE TYPE span AS RANGE (subtype = int4);\
    CREATE TYPE pair AS (one int, two text);\
    CREATE DOMAIN positive AS int NOT NULL CHECK (value > 0);\
    CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';\
    CREATE OPERATOR === (FUNCTION = same, LEFTARG = int, RIGHTARG = int, COMMUTATOR = ====);\
    CREATE SCHEMA schemadiff; CREATE TABLE schemadiff.own (id int PRIMARY KEY, note text);\
    CREATE TEMP TABLE passing (id int PRIMARY KEY, note text);\
    CREATE FUNCTION pg_temp.passes() RETURNS int LANGUAGE sql AS 'SELECT 1'";

/// What is not. Labels and the state of an interrupted command can only be had by force.
const UNMODELLED: &str = "\
    COMMENT ON TYPE parent IS 'on a row type';\
    ALTER TABLE child DISABLE TRIGGER ALL;\
    ALTER INDEX parent_pkey DEPENDS ON EXTENSION plpgsql;\
    CREATE SCHEMA theirs; ALTER EXTENSION plpgsql ADD SCHEMA theirs;\
    CREATE TABLE theirs.of_a_user (id int PRIMARY KEY);\
    SET allow_system_table_mods = on;\
    INSERT INTO pg_seclabel VALUES ('parent'::regclass, 'pg_class'::regclass, 2, 'masker', 'hidden');\
    UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'part'::regclass;\
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half_done'::regclass;\
    RESET allow_system_table_mods";

const TOLD: &[&str] = &[
    "comment on type public.parent",
    "dependence on an extension of index public.parent_pkey",
    "disabled triggers of table constraint child_parent_fkey on public.child",
    "index public.half_done, which is not valid",
    "interrupted detachment of table public.part",
    "security label of masker on table column public.parent.label",
    "table theirs.of_a_user",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_modelled_is_told() {
    let variables = Environment::from_vars(std::env::vars_os());
    for (version, folder) in scratch::installed(&variables) {
        let wanted = ScratchOptions {
            choice: Choice::Binaries(Some(folder)),
            ..ScratchOptions::any(variables.clone())
        };
        let server = match Scratch::start(&wanted).await {
            Ok(server) => server,
            Err(error) => {
                eprintln!("{version} skipped: {error}");
                continue;
            }
        };
        let database = server.database().await.unwrap();
        let session = &database.session;
        session.run("SET search_path = public; SET client_min_messages = warning").await.unwrap();
        session.run(MODELLED).await.unwrap();
        assert!(catalog::read(session).await.unwrap().unmodelled.is_empty());
        let (clean, text) = introspect(&database);
        assert!(clean && text.is_empty(), "{text}");

        session.run("CREATE INDEX half_done ON parent (label)").await.unwrap();
        session.run(UNMODELLED).await.unwrap();
        let catalog = catalog::read(session).await.unwrap();
        assert_eq!(catalog.unmodelled, TOLD, "{}", session.version());
        let (clean, text) = introspect(&database);
        assert!(!clean && text.contains("SD023") && text.contains(TOLD[0]), "{text}");
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}

/// Whether `schemadiff introspect --strict` went well, and what it said.
fn introspect(database: &ScratchDatabase) -> (bool, String) {
    let source = format!("dbname={}", database.session.database());
    let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
    command.args(["introspect", "--strict", &source]).envs(database.target().libpq_variables());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 2)));
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}
