//! The embedded server: its features and limits.

use std::sync::Arc;

use schemadiff::db::{Environment, Session, Target};
use schemadiff::declare::sql::{SourceFile, replay_files};
use schemadiff::error::{Error, codes};
use schemadiff::scratch::{RoleStub, Scratch, ScratchOptions};

use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(
        suite, Needs::Embedded;
        features_of_the_embedded_server, bundled_extensions, embedded_folders_are_locked_and_kept,
        files_return_to_the_role_that_logged_in,
    );
}

async fn features_of_the_embedded_server(server: Arc<Server>) {
    let scratch = server.scratch().await;
    let database = scratch.database().await.unwrap();
    let second = scratch.database().await.unwrap();
    let mut wrong = Vec::new();
    let session = &database.session;
    assert_eq!(session.version(), scratch.version());
    let show = async |sql: &str| match session.rows(sql).await {
        Ok(rows) => rows.last().and_then(|row| row.get(0).map(str::to_owned)).unwrap_or_default(),
        Err(Error::Server(error)) => format!("error: {}", error.code),
        Err(error) => panic!("{error}"),
    };
    for (sql, expected) in [
        (
            "SELECT format('%s %s %s %s', current_user, current_database(), getdatabaseencoding(), rolsuper) FROM pg_roles WHERE rolname = current_user",
            "postgres postgres UTF8 t",
        ),
        (
            "SELECT datcollate || ' ' || datlocprovider::text FROM pg_database WHERE datname = current_database()",
            "C c",
        ),
        (
            "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('search_path', 'TimeZone', 'allow_system_table_mods', 'wal_level', 'max_locks_per_transaction', 'check_function_bodies')",
            "TimeZone=UTC allow_system_table_mods=off check_function_bodies=on max_locks_per_transaction=1024 search_path= wal_level=logical",
        ),
        (
            "SELECT string_agg(nspname, ' ' ORDER BY nspname) || ' ' || (SELECT count(*) FROM pg_class WHERE oid >= 16384) FROM pg_namespace",
            "information_schema pg_catalog pg_toast public 0",
        ),
        ("CREATE ROLE ann NOLOGIN; SET ROLE ann; SELECT current_user::text", "ann"),
        (
            "RESET ROLE; GRANT CREATE ON SCHEMA public TO ann; SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname !~ '^pg_'",
            "postgres ann",
        ),
        ("SET SESSION AUTHORIZATION ann; SELECT session_user::text", "ann"),
        // A standalone backend has no login to return to.
        ("RESET SESSION AUTHORIZATION; SELECT session_user::text", "ann"),
        ("SET SESSION AUTHORIZATION DEFAULT; SELECT session_user::text", "ann"),
        ("SET SESSION AUTHORIZATION postgres; SELECT session_user::text", "postgres"),
        ("BEGIN; SET LOCAL SESSION AUTHORIZATION ann; COMMIT; SELECT session_user::text", "postgres"),
        (
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN 7; END$$; SELECT public.f()::text",
            "7",
        ),
        (
            "DO $$BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE public.t%s (a int PRIMARY KEY)', i); END LOOP; END$$",
            "",
        ),
        ("DO $$BEGIN FOR i IN 1..3 LOOP INSERT INTO public.t1 VALUES (i); COMMIT; END LOOP; END$$", ""),
        ("SELECT count(*)::text FROM public.t1", "3"),
        ("CREATE DATABASE other", ""),
        ("CREATE PUBLICATION p FOR TABLE public.t1", ""),
        ("CREATE INDEX CONCURRENTLY i ON public.t1 (a)", ""),
        (
            "CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION public.e(); DROP EVENT TRIGGER et",
            "",
        ),
        (
            "CREATE UNLOGGED TABLE public.u (a int); CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS a; REFRESH MATERIALIZED VIEW public.m",
            "",
        ),
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE public.ft (a int) SERVER s",
            "",
        ),
        ("SELECT upper('é') || ('é' ~ '\\w')::text", "Étrue"),
        ("SELECT pg_try_advisory_lock(1)::text", "true"),
        ("SELECT pg_export_snapshot() <> ''", "t"),
        ("SELECT 1/0", "error: 22012"),
        // Without ICU, XML and the library of subscriptions.
        ("CREATE COLLATION public.de (provider = icu, locale = 'de')", "error: 0A000"),
        ("SELECT xmlelement(name a)::text", "error: 0A000"),
        (
            "CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
            "error: 58P01",
        ),
    ] {
        let shown = show(sql).await;
        if shown != expected {
            wrong.push(format!("{sql}: {shown}, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    session.run("BEGIN; INSERT INTO public.t2 VALUES (1); SAVEPOINT a; INSERT INTO public.t2 VALUES (2); ROLLBACK TO a; COMMIT").await.unwrap();
    assert_eq!(show("SELECT count(*) FROM public.t2").await, "1");
    let Err(Error::Server(error)) =
        session.run("INSERT INTO public.t2 VALUES (5); SELECT nope; INSERT INTO public.t2 VALUES (6)").await
    else {
        panic!("ran")
    };
    assert_eq!((error.code.as_str(), error.position), ("42703", Some(41)));
    assert_eq!(show("SELECT count(*) FROM public.t2").await, "1", "a batch is one transaction");
    let long = (0..20_000)
        .fold(String::new(), |sql, i| sql + &format!("INSERT INTO public.t3 VALUES ({i}); /* {i:030} */"));
    session.run(&long).await.unwrap();
    assert_eq!(show("SELECT count(*) FROM public.t3").await, "20000");
    let rows = session.rows("SELECT repeat('x', 1000) FROM generate_series(1, 20000)").await.unwrap();
    assert_eq!(rows.len(), 20_000);
    session.run("DO $$BEGIN RAISE NOTICE 'hello'; END$$").await.unwrap();
    assert!(session.take_notices().iter().any(|notice| notice.message == "hello"));
    let error = database.another_session().await.unwrap_err();
    assert_eq!(error.to_string(), "the embedded server accepts one connection at a time");
    database.drop_now().await.unwrap();
    second.drop_now().await.unwrap();
    for _ in 0..3 {
        scratch.database().await.unwrap().drop_now().await.unwrap();
    }
}

async fn bundled_extensions(server: Arc<Server>) {
    let options = |extensions| ScratchOptions { extensions, ..server.options() };
    let scratch = Scratch::start(&options(vec!["hstore".into(), "plpgsql".into()])).await.unwrap();
    let database = scratch.database().await.unwrap();
    let session = &database.session;
    let made = "SELECT string_agg(extname, ' ') FROM pg_catalog.pg_extension";
    assert_eq!(session.rows(made).await.unwrap()[0].get(0), Some("plpgsql"));
    session.run("CREATE EXTENSION hstore SCHEMA public; SELECT 'a=>1'::public.hstore").await.unwrap();
    database.stub_roles(&[RoleStub::new("ann")]).await.unwrap();
    database.drop_now().await.unwrap();
    let Err(Error::Diagnostics(found)) = Scratch::start(&options(vec!["postgis".into()])).await else {
        panic!("started")
    };
    assert_eq!(found[0].code, codes::EXTENSION);
    assert_eq!(found[0].message, "the extension `postgis` is not available on the scratch server (embedded)");
}

async fn embedded_folders_are_locked_and_kept(_server: Arc<Server>) {
    let home = tempfile::tempdir().unwrap();
    let folder = home
        .path()
        .join("a development database with a long name, longer than what a socket could have as its path");
    let target = Target::parse(&format!("embedded:{}", folder.display()), &Environment::default()).unwrap();
    let session = Session::connect(&target).await.unwrap();
    session.run("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (7)").await.unwrap();
    let Err(Error::Diagnostics(found)) = Session::connect(&target).await else { panic!("connected twice") };
    assert!(found[0].message.ends_with("is in use"), "{found:?}");
    session.close().await;
    let session = Session::connect(&target).await.unwrap();
    assert_eq!(session.rows("SELECT a FROM public.t").await.unwrap()[0].get(0), Some("7"));
    // Without closing it.
    drop(session);
    Session::connect(&target).await.unwrap().close().await;
}

async fn files_return_to_the_role_that_logged_in(server: Arc<Server>) {
    let scratch = server.scratch().await;
    let database = scratch.database().await.unwrap();
    database.stub_roles(&[RoleStub::new("ann")]).await.unwrap();
    for back in ["RESET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION DEFAULT"] {
        // Only a superuser may create a schema for another role.
        let text = format!("SET SESSION AUTHORIZATION ann; {back}; CREATE SCHEMA s AUTHORIZATION ann;");
        replay_files(&[SourceFile::new("a.sql", text.as_str())], &database.session).await.unwrap();
        database.session.run("DROP SCHEMA s").await.unwrap();
    }
    database.drop_now().await.unwrap();
}
