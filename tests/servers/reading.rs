//! Reading a live database: as an ordinary role, and over two connections.

use std::sync::Arc;

use schemadiff::catalog;
use schemadiff::db::{Environment, Session, Target};

use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(suite, Needs::EachServer; ordinary_role_can_read);
    tests!(suite, Needs::EachInstalled("several connections read"); two_connections_read_the_same_as_one);
}

async fn ordinary_role_can_read(server: Arc<Server>) {
    let database = server.database().await;
    let (role, session) = ("ordinary_reader", &database.session);
    session.run(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; SET ROLE {role}")).await.unwrap();
    let read = catalog::read(session).await;
    session.run(&format!("RESET ROLE; DROP ROLE {role}")).await.unwrap();
    assert_eq!(read.unwrap().user, role);
    database.drop_now().await.unwrap();
}

/// A database that is large enough to be read over two connections.
const LARGE: &str = "DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format('CREATE TABLE public.t%s (\
    id int PRIMARY KEY, note text UNIQUE DEFAULT ''n'', other int REFERENCES public.t%s, \
    CHECK (note <> ''x''))', i, GREATEST(i - 1, 1)); \
    EXECUTE format('CREATE VIEW public.v%s AS SELECT id, note FROM public.t%1$s', i); \
    EXECUTE format('CREATE INDEX ON public.t%s ((upper(note))) WHERE id > 0', i); END LOOP; END $$";

async fn two_connections_read_the_same_as_one(server: Arc<Server>) {
    let database = server.database().await;
    database.session.run(LARGE).await.unwrap();
    database.session.run("CREATE ROLE one_connection LOGIN CONNECTION LIMIT 1").await.unwrap();
    // The session of the database began when it was small.
    let two = Session::connect(database.target()).await.unwrap();
    let mut alone = database.target().libpq_variables();
    alone.retain(|(name, _)| *name != "PGUSER");
    let alone = Target::parse("user=one_connection", &Environment::from_vars(alone)).unwrap();
    let one = Session::connect(&alone).await.unwrap();
    assert!(
        two.catalog_size() > 160_000 && one.catalog_size() == two.catalog_size(),
        "{}",
        two.catalog_size()
    );
    let (by_two, by_one) = (catalog::read(&two).await.unwrap(), catalog::read(&one).await.unwrap());
    let late = catalog::read(&database.session).await.unwrap();
    assert_eq!(by_one.user, "one_connection");
    for other in [&by_one, &late] {
        assert!(by_two.objects.iter().eq(other.objects.iter()), "{}", two.version());
        assert_eq!(by_two.dependencies, other.dependencies);
    }
    one.close().await;
    two.close().await;
    database.session.run("DROP ROLE one_connection").await.unwrap();
    database.drop_now().await.unwrap();
}
