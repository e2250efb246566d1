//! The kinds' queries run on every server that is here, and give no column that no attribute takes.

#![allow(clippy::disallowed_methods)]

use schemadiff::db::Environment;
use schemadiff::kinds::KindName;
use schemadiff::scratch::{Choice, Scratch, Wanted};
use schemadiff::source::live;

/// What a query gives beside attributes.
const IDENTITY: [&str; 6] = ["oid", "sub", "p1", "p2", "p3", "position"];

/// Servers of every major that is found, each once.
async fn servers() -> Vec<Scratch> {
    let variables = Environment::from_vars(std::env::vars());
    let mut servers: Vec<Scratch> = Vec::new();
    for major in [None, Some(14), Some(15), Some(16), Some(17), Some(18)] {
        let wanted = Wanted { choice: Choice::Binaries(None), major, ..Wanted::any(variables.clone()) };
        match Scratch::start(&wanted).await {
            Ok(server) if servers.iter().any(|s| s.version() == server.version()) => server.stop().await,
            Ok(server) => servers.push(server),
            Err(error) => eprintln!("{major:?} skipped: {error}"),
        }
    }
    servers
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_fit_their_tables() {
    for server in servers().await {
        let version = server.version();
        let database = server.database().await.unwrap();
        for kind in KindName::ALL {
            let kind = kind.get();
            // A view tells a query's columns though it has no rows.
            let view = format!("CREATE TEMP VIEW probe AS {}", (kind.query)(version));
            database.session.run(&view).await.unwrap_or_else(|e| panic!("{} on {version}: {e}", kind.name));
            let columns = database
                .session
                .rows("SELECT attname FROM pg_attribute WHERE attrelid = 'pg_temp.probe'::regclass")
                .await
                .unwrap();
            for column in columns.iter().filter_map(|row| row.get(0)) {
                assert!(
                    IDENTITY.contains(&column) || kind.attribute(column).is_some(),
                    "{} on {version} gives `{column}`, which is no attribute",
                    kind.name
                );
            }
            for attribute in kind.attributes.iter().filter(|attribute| attribute.name != "comment") {
                let given = columns.iter().any(|row| row.get(0) == Some(attribute.name));
                assert!(given, "{} on {version} does not give `{}`", kind.name, attribute.name);
            }
            database.session.run("DROP VIEW pg_temp.probe").await.unwrap();
        }
        live::read(&database.session).await.unwrap();
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_role_can_read() {
    for server in servers().await {
        let database = server.database().await.unwrap();
        let (role, session) = ("queries_reader", &database.session);
        session
            .run(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; SET ROLE {role}"))
            .await
            .unwrap();
        let read = live::read(session).await;
        session.run(&format!("RESET ROLE; DROP ROLE {role}")).await.unwrap();
        assert_eq!(read.unwrap().user, role);
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}
