//! An ordinary role can read every server that is here, secrets left out.

#![allow(clippy::disallowed_methods)]

use schemadiff::db::Environment;
use schemadiff::scratch::{self, Choice, Scratch, Wanted};
use schemadiff::source::live;

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_role_can_read() {
    let variables = Environment::from_vars(std::env::vars());
    for (version, folder) in scratch::installed(&variables) {
        let wanted = Wanted { choice: Choice::Binaries(Some(folder)), ..Wanted::any(variables.clone()) };
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
        let read = live::read(session).await;
        session.run(&format!("RESET ROLE; DROP ROLE {role}")).await.unwrap();
        assert_eq!(read.unwrap().user, role);
        database.drop_now().await.unwrap();
        server.stop().await;
    }
}
