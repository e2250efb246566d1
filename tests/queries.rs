//! An ordinary role can read every server that is here, secrets left out.

#![allow(clippy::disallowed_methods)]

use schemadiff::catalog;
use schemadiff::db::{Environment, Session, Target};
use schemadiff::scratch::{self, Choice, Scratch, ScratchOptions};

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_role_can_read() {
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
        let (role, session) = ("queries_reader", &database.session);
        session
            .run(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; SET ROLE {role}"))
            .await
            .unwrap();
        let read = catalog::read(session).await;
        session.run(&format!("RESET ROLE; DROP ROLE {role}")).await.unwrap();
        assert_eq!(read.unwrap().user, role);
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}

/// A database for which a second connection pays.
const LARGE: &str = "DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format('CREATE TABLE public.t%s (\
    id int PRIMARY KEY, note text UNIQUE DEFAULT ''n'', other int REFERENCES public.t%s, \
    CHECK (note <> ''x''))', i, GREATEST(i - 1, 1)); \
    EXECUTE format('CREATE VIEW public.v%s AS SELECT id, note FROM public.t%1$s', i); \
    EXECUTE format('CREATE INDEX ON public.t%s ((upper(note))) WHERE id > 0', i); END LOOP; END $$";

#[tokio::test]
async fn two_connections_read_what_one_reads() {
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
        database.session.run(LARGE).await.unwrap();
        database.session.run("CREATE ROLE lonely LOGIN CONNECTION LIMIT 1").await.unwrap();
        // Now nobody has a connection that began when the database was small.
        let two = Session::connect(database.target()).await.unwrap();
        let mut alone = database.target().libpq_variables();
        alone.retain(|(name, _)| *name != "PGUSER");
        let alone = Target::parse("user=lonely", &Environment::from_vars(alone)).unwrap();
        let one = Session::connect(&alone).await.unwrap();
        assert!(
            two.catalog_size() > 160_000 && one.catalog_size() == two.catalog_size(),
            "{}",
            two.catalog_size()
        );
        let (by_two, by_one) = (catalog::read(&two).await.unwrap(), catalog::read(&one).await.unwrap());
        let late = catalog::read(&database.session).await.unwrap();
        assert_eq!(by_one.user, "lonely");
        for other in [&by_one, &late] {
            assert!(by_two.objects.iter().eq(other.objects.iter()), "{version}");
            assert_eq!(by_two.dependencies, other.dependencies);
        }
        one.close().await;
        two.close().await;
        database.session.run("DROP ROLE lonely").await.unwrap();
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}
