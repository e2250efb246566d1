//! Facts that no kind models are reported, and `--strict` refuses them.

use std::process::{Command, Stdio};
use std::sync::Arc;

use pretty_assertions::assert_eq;
use schemadiff::catalog;
use schemadiff::db::Session;

use crate::support::{Database, Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::EachServer; unmodelled_facts_are_reported);
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

fn unmodelled_facts_are_reported(server: &Arc<Server>) {
    let database = Database::new(server);
    let mut connection = Connection::new(server, &database);
    connection.run(MODELLED);
    assert!(connection.unmodelled().is_empty());
    let (clean, text) = connection.introspect();
    assert!(clean && text.is_empty(), "{text}");

    connection.run("CREATE INDEX half_done ON parent (label)");
    connection.run(UNMODELLED);
    assert_eq!(connection.unmodelled(), REPORTED);
    let (clean, text) = connection.introspect();
    assert!(!clean && text.contains("SD023") && text.contains(REPORTED[0]), "{text}");
}

/// A connection, which is closed while the program connects to an embedded database.
struct Connection<'a> {
    server: &'a Server,
    database: &'a Database,
    session: Option<Session>,
}

impl<'a> Connection<'a> {
    fn new(server: &'a Server, database: &'a Database) -> Self {
        let mut connection = Self { server, database, session: None };
        connection.open();
        connection
    }

    fn open(&mut self) {
        self.session = Some(self.database.session());
        self.run("SET search_path = public; SET client_min_messages = warning");
    }

    fn session(&self) -> &Session {
        self.session.as_ref().expect("the connection is open")
    }

    fn run(&self, sql: &str) {
        self.server.block_on(self.session().run(sql)).unwrap();
    }

    fn unmodelled(&self) -> Vec<String> {
        self.server.block_on(catalog::read(self.session())).unwrap().unmodelled
    }

    /// Runs `schemadiff introspect --strict`: whether it succeeded, and its messages. Temporary objects exist meanwhile,
    /// except on the embedded server.
    fn introspect(&mut self) -> (bool, String) {
        if self.database.is_embedded() {
            self.server.block_on(self.session.take().expect("the connection is open").close());
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
        command.args(["introspect", "--strict", self.database.address()]).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2)));
        if self.session.is_none() {
            self.open();
        }
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }
}
