//! Facts that no kind models are reported, and `--strict` refuses them.

use std::process::{Command, Stdio};
use std::sync::Arc;

use schemadiff::catalog;
use schemadiff::db::Session;

use crate::support::{Database, Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(suite, Needs::EachServer; unmodelled_facts_are_reported);
}

/// Objects that are modelled, belong to one that is, or are not part of the schema.
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

/// Facts that are not modelled. Labels and the state of an interrupted command are forced into the catalogs.
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

/// How they are reported.
const REPORTED: &[&str] = &[
    "comment on type public.parent",
    "dependence on an extension of index public.parent_pkey",
    "disabled triggers of table constraint child_parent_fkey on public.child",
    "index public.half_done, which is not valid",
    "interrupted detachment of table public.part",
    "security label of masker on table column public.parent.label",
    "table theirs.of_a_user",
];

async fn unmodelled_facts_are_reported(server: Arc<Server>) {
    let database = Database::new(&server).await;
    let session = connect(&database).await;
    session.run(MODELLED).await.unwrap();
    assert!(catalog::read(&session).await.unwrap().unmodelled.is_empty());
    let (session, clean, text) = introspect(&database, session).await;
    assert!(clean && text.is_empty(), "{text}");

    session.run("CREATE INDEX half_done ON parent (label)").await.unwrap();
    session.run(UNMODELLED).await.unwrap();
    let catalog = catalog::read(&session).await.unwrap();
    assert_eq!(catalog.unmodelled, REPORTED);
    let (session, clean, text) = introspect(&database, session).await;
    assert!(!clean && text.contains("SD023") && text.contains(REPORTED[0]), "{text}");
    session.close().await;
}

async fn connect(database: &Database) -> Session {
    let session = database.connect().await;
    session.run("SET search_path = public; SET client_min_messages = warning").await.unwrap();
    session
}

/// Runs `schemadiff introspect --strict`: whether it succeeded, and its messages. Temporary objects are there while it
/// runs, unless the server takes one connection at a time.
async fn introspect(database: &Database, session: Session) -> (Session, bool, String) {
    let open = if database.is_embedded() {
        session.close().await;
        None
    } else {
        Some(session)
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
    let output = command.args(["introspect", "--strict", database.address()]).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(matches!(output.status.code(), Some(0 | 2)));
    let session = match open {
        Some(session) => session,
        None => connect(database).await,
    };
    (session, output.status.success(), String::from_utf8(output.stderr).unwrap())
}
