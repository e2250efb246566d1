//! Declared SQL on a scratch server: order, duplicates, missing objects, replays.

use pretty_assertions::assert_eq;
use schemadiff::Error;
use schemadiff::declare::sql::{LoadedFiles, SourceFile, load, replay_files, roles_of};
use schemadiff::report::diagnostic::{Colour, render};
use schemadiff::scratch::{RoleStub, ScratchDatabase};
use std::sync::Arc;

use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(
        suite, Needs::Server;
        declarations_in_any_order, unqualified_names_follow_the_file, mistakes_with_their_places,
        migrations_run_as_in_psql,
    );
}

fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
    texts.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect()
}

async fn database(server: &Server, files: &[SourceFile]) -> ScratchDatabase {
    let database = server.database().await;
    let roles: Vec<RoleStub> = roles_of(files).into_iter().map(RoleStub::new).collect();
    database.stub_roles(&roles).await.unwrap();
    database
}

async fn loaded(server: &Server, texts: &[(&str, &str)]) -> (ScratchDatabase, LoadedFiles) {
    let files = files(texts);
    let database = database(server, &files).await;
    let loaded = load(&files, &database.session).await;
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(Error::Diagnostics(d)) => panic!("{}", render(&d, Colour::Never)),
        Err(other) => panic!("{other}"),
    };
    (database, loaded)
}

async fn refused(server: &Server, texts: &[(&str, &str)]) -> String {
    let files = files(texts);
    let database = database(server, &files).await;
    match load(&files, &database.session).await {
        Err(Error::Diagnostics(diagnostics)) => render(&diagnostics, Colour::Never),
        other => panic!("{other:?}"),
    }
}

async fn text(database: &ScratchDatabase, sql: &str) -> String {
    let rows = database.session.rows(sql).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap_or("NULL")).collect::<Vec<_>>().join(" ")
}

async fn declarations_in_any_order(server: Arc<Server>) {
    let (database, loaded) = loaded(
        &server,
        &[
            (
                "a.sql",
                "-- schemadiff: renamed_from: w\n\
                 CREATE VIEW app.v AS SELECT id, count(*) AS n FROM app.t GROUP BY t.id, t.name;\n\
                 COMMENT ON COLUMN app.t.name IS 'x';\n\
                 CREATE TABLE app.u (id int REFERENCES app.t, m app.mood DEFAULT 'ok', k app.kind);\n\
                 ALTER TABLE app.t OWNER TO owner_of_t;\n\
                 CREATE INDEX CONCURRENTLY t_name ON app.t (name);\n",
            ),
            (
                "b.sql",
                "SET search_path = app;\n\
                 CREATE TABLE t (id int PRIMARY KEY, name text DEFAULT f());\n\
                 CREATE FUNCTION f() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT g(); END;\n\
                 CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$SELECT 'g;'$$;\n\
                 RESET search_path;\n\
                 CREATE TABLE in_public ();\n",
            ),
            (
                "c.sql",
                "CREATE TYPE app.mood AS ENUM ('ok'); ALTER TYPE app.mood ADD VALUE 'good';\n\
                 CREATE TABLE app.m (m app.mood DEFAULT 'good');\n\
                 CREATE SCHEMA app;\n\
                 DO $$BEGIN IF to_regtype('app.kind') IS NULL THEN CREATE TYPE app.kind AS (a int); END IF; END$$;",
            ),
        ],
    )
    .await;
    let relations = "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                     WHERE nspname IN ('app', 'public') AND relkind IN ('r', 'v', 'i') ORDER BY 1";
    assert_eq!(text(&database, relations).await, "in_public m t t_name t_pkey u v");
    assert_eq!(
        text(&database, "SELECT relowner::regrole FROM pg_class WHERE relname = 't'").await,
        "owner_of_t"
    );
    assert_eq!(loaded.roles, ["owner_of_t"]);
    assert_eq!(loaded.directives().count(), 1);
    // The session's settings are restored: names are qualified.
    assert_eq!(text(&database, "SELECT 'app.t'::regclass").await, "app.t");
    database.drop_now().await.unwrap();
}

async fn unqualified_names_follow_the_file(server: Arc<Server>) {
    let (database, _) = loaded(
        &server,
        &[(
            "a.sql",
            "DROP TABLE IF EXISTS late;\n\
             CREATE TABLE before_ (k kind);\n\
             CREATE TYPE kind AS ENUM ('a');\n\
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;\n\
             CREATE TABLE late ();\n\
             SET transaction_timeout = 0; SET client_encoding = 'LATIN1';\n",
        )],
    )
    .await;
    let readable = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                    AND has_table_privilege('reader', oid, 'SELECT')";
    assert_eq!(text(&database, readable).await, "late");
    let partitions = "CREATE TABLE p (a int) PARTITION BY LIST (a);\n\
                      CREATE INDEX p_a ON ONLY p (a);\n\
                      CREATE TABLE p1 (a int);\n\
                      ALTER TABLE ONLY p ATTACH PARTITION p1 FOR VALUES IN (1);\n\
                      CREATE INDEX p1_a_idx ON p1 (a);\n\
                      ALTER INDEX p_a ATTACH PARTITION p1_a_idx;";
    let (database, _) = loaded(&server, &[("p.sql", partitions)]).await;
    let indexes = "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'public.p1'::regclass";
    assert_eq!(text(&database, indexes).await, "public.p1_a_idx");
}

async fn mistakes_with_their_places(server: Arc<Server>) {
    let message = refused(
        &server,
        &[(
            "a.sql",
            "CREATE TABLE orders (id int,\n  buyer custmer);\nCREATE INDEX ON orders (id);\n\
             COMMENT ON TABLE orders IS 'x';\nCREATE TYPE customer AS ENUM ('é');\n\
             CREATE TABLE oops (a int,,);\nCREATE VIEW v AS SELECT 'é', nope FROM pg_class;\n",
        )],
    )
    .await;
    assert_eq!(
        message,
        "error[SD012]: type \"custmer\" does not exist\n \
           --> a.sql:2:9\n  \
            |\n\
          2 |   buyer custmer);\n  \
            |         ^^^^^^^ not declared in these files\n  \
            |\n  \
            = help: did you mean `customer`?\n  \
            = help: 2 more statements cannot run because of this error\n\
         \n\
         error[SD010]: syntax error at or near \",\"\n \
           --> a.sql:6:26\n  \
            |\n\
          6 | CREATE TABLE oops (a int,,);\n  \
            |                          ^ unexpected comma\n\
         \n\
         error[SD012]: column \"nope\" does not exist\n \
           --> a.sql:7:30\n  \
            |\n\
          7 | CREATE VIEW v AS SELECT 'é', nope FROM pg_class;\n  \
            |                              ^^^^\n"
            .trim_end()
    );
    let message = refused(
        &server,
        &[
            ("a.sql", "CREATE TABLE t ();\nCREATE EXTENSION IF NOT EXISTS plpgsql;"),
            ("b.sql", "\nCREATE VIEW public.t AS SELECT 1;"),
        ],
    )
    .await;
    assert!(message.starts_with("error[SD013]: view `public.t` is declared twice"), "{message}");
    assert!(
        message.contains("--> b.sql:2:1") && message.contains("it is first declared at a.sql:1:1"),
        "{message}"
    );
    let message =
        refused(&server, &[("a.sql", "CREATE EXTENSION\n  frobnicate;\nINSERT INTO t VALUES (1);")]).await;
    assert!(
        message.contains("error[SD006]: extension `frobnicate` is not available on the scratch server"),
        "{message}"
    );
    assert!(message.contains("--> a.sql:2:3") && message.contains("--scratch URL"), "{message}");
    assert!(
        message.contains("error[SD011]: this INSERT statement is not allowed in a declared schema"),
        "{message}"
    );
}

async fn migrations_run_as_in_psql(server: Arc<Server>) {
    let first = "SET search_path = pg_catalog;\nBEGIN;\nCREATE TABLE public.t (a int, b text);\n\
                 INSERT INTO public.t SELECT n FROM generate_series(1, 5) n;\nCOMMIT;\n\
                 CREATE INDEX CONCURRENTLY t_a ON public.t (a);\nCREATE ROLE nobody_makes_this;\n\
                 DO $$BEGIN UPDATE public.t SET b = 'x'; COMMIT; END$$;\n\
                 BEGIN;\nCREATE TABLE public.forgotten ();\n";
    let second = "CREATE TABLE u (a int DEFAULT 1);\nINSERT INTO u DEFAULT VALUES;\nSELECT * FROM u;\n\
                  VACUUM u;\nALTER TABLE t ALTER COLUMN b SET NOT NULL;";
    let texts = files(&[("1.sql", first), ("2.sql", second)]);
    let filled = database(&server, &texts).await;
    let replayed = replay_files(&texts, &filled.session).await.unwrap();
    assert_eq!((replayed.statements.len(), replayed.skipped), (15, 1));
    let tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') \
                  AND relnamespace = 'public'::regnamespace ORDER BY 1";
    assert_eq!(text(&filled, tables).await, "t t_a u");
    assert_eq!(text(&filled, "SELECT count(*) FROM public.t WHERE b = 'x'").await, "5");

    let texts =
        files(&[("1.sql", "CREATE TABLE a ();\nBEGIN;\nCREATE TABLE b ();\nALTER TABLE nope ADD x int;")]);
    let broken = database(&server, &texts).await;
    let Err(Error::Diagnostics(message)) = replay_files(&texts, &broken.session).await else { panic!("ran") };
    assert_eq!(message.len(), 1);
    assert_eq!((message[0].code.0, message[0].place.as_ref().unwrap().line_column()), ("SD033", (4, 1)));
    assert_eq!(text(&broken, tables).await, "a");
}
