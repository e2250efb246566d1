//! Connections and scratch servers, against the servers that this machine has.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use schemadiff::db::{Environment, Session, Target};
use schemadiff::error::{Error, codes};
use schemadiff::scratch::{Choice, RoleStub, Scratch, Wanted};

fn environment() -> Environment {
    Environment::from_vars(std::env::vars())
}

/// A private server, or none with a word about it.
async fn private(name: &str) -> Option<Scratch> {
    let wanted = Wanted { choice: Choice::Binaries(None), ..Wanted::any(environment()) };
    match Scratch::start(&wanted).await {
        Ok(scratch) => Some(scratch),
        Err(error) => {
            println!("{name} skipped: {error}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_servers_give_empty_databases() {
    let begun = Instant::now();
    let Some(scratch) = private("private_servers_give_empty_databases").await else { return };
    println!("started in {:?}: {:?}", begun.elapsed(), scratch.rung());
    let begun = Instant::now();
    let database = scratch.database().await.unwrap();
    println!("database in {:?}", begun.elapsed());
    assert!(database.session.superuser());
    database.stub_roles(&[RoleStub::new("ann"), RoleStub { name: "Öl \"x".into(), superuser: true }]).await.unwrap();
    database.stub_roles(&[RoleStub::new("ann")]).await.unwrap();
    let rows = database
        .session
        .rows("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (NULL); SELECT a, 'é' AS b FROM public.t ORDER BY a")
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].get(0), rows[1].named("a"), rows[1].named("b")), (Some("1"), None, Some("é")));
    let Err(Error::Server(error)) = database.session.run("SELECT 'é', nope").await else { panic!("ran") };
    assert_eq!((error.code.as_str(), error.position), ("42703", Some(13)));
    let other = database.another_session().await.unwrap();
    assert_eq!(other.rows("SELECT count(*) FROM public.t").await.unwrap()[0].get(0), Some("2"));
    other.close().await;
    let begun = Instant::now();
    database.drop_now().await.unwrap();
    println!("dropped in {:?}", begun.elapsed());
    let begun = Instant::now();
    scratch.stop().await;
    println!("stopped in {:?}", begun.elapsed());
}
