//! The queries of the kinds return their attributes, and names and texts survive quoting.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemadiff::db::{Message, Session};
use schemadiff::kinds::KindName;
use schemadiff::model::sql::{DollarQuoted, Ident, Literal};
use schemadiff::sql;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(
        suite, Needs::EachServer;
        queries_return_the_attributes, every_keyword_is_quoted, quoting_round_trips_through_the_server,
    );
}

async fn queries_return_the_attributes(server: Arc<Server>) {
    let database = server.database().await;
    let session = &database.session;
    for kind in KindName::ALL.iter().map(|kind| kind.get()) {
        let query = (kind.query)(session.version());
        let columns = columns(session, &query).await;
        let unique: BTreeSet<&String> = columns.iter().collect();
        assert_eq!(unique.len(), columns.len(), "{}: {columns:?}", kind.name);
        for column in &columns {
            let known = ["oid", "sub", "p1", "p2", "p3", "position"].contains(&column.as_str());
            let place = format!("{} on {}", kind.name, session.version());
            assert!(
                known || kind.attribute_named(column).is_some(),
                "{place}: `{column}` is not an attribute"
            );
        }
        // These are read once for all kinds.
        let once = ["comment", "depends_on_extensions"];
        for attribute in kind.attributes.iter().filter(|attribute| !once.contains(&attribute.name.as_str())) {
            let delivered = columns.iter().any(|column| column == attribute.name.as_str());
            assert!(delivered, "{}: no column `{}`", kind.name, attribute.name);
        }
    }
    database.drop_now().await.unwrap();
}

async fn columns(session: &Session, query: &str) -> Vec<String> {
    let mut batch = session.stream(query).await.unwrap();
    let mut columns = Vec::new();
    while let Some(message) = batch.message().await.unwrap() {
        if let Message::Columns(names) = message {
            columns = names;
        }
    }
    columns
}

async fn every_keyword_is_quoted(server: Arc<Server>) {
    let database = server.database().await;
    // All except those that can be any name.
    let query = "SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'";
    let rows = database.session.rows(query).await.unwrap();
    assert!(rows.len() > 100);
    for word in rows.iter().filter_map(|row| row.get(0)) {
        assert!(sql!("{}", Ident(word)).as_str().starts_with('"'), "{word}");
    }
    database.drop_now().await.unwrap();
}

/// Names that break careless quoting: quotes, spaces, case, keywords, dollars, backslashes, line endings.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\"",
            "'",
            "\\",
            "$$",
            "$body$",
            "$",
            ";",
            "--",
            "/*",
            "*/",
            "\n",
            "\r\n",
            "\t",
            " ",
            ".",
            "{}",
            "%s",
            "E'",
            "U&\"",
            "\u{e9}",
            "\u{fc}",
            "\u{1f512}",
            "\u{202e}",
            "\u{feff}",
            "select",
            "Select",
            "null",
            "1",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z_]{1,8}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().replace('\0', ""))
}

/// A name of at most the length that the server allows.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| {
        let end = text.floor_char_boundary(63);
        if end == 0 { "x".into() } else { text[..end].to_owned() }
    })
}

async fn quoting_round_trips_through_the_server(server: Arc<Server>) {
    let database = server.database().await;
    let session = &database.session;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(300) });
    let property = runner.run(&(name(), text()), |(name, text)| {
        let ident = Ident(&name);
        let query = sql!(
            "SELECT {}, {}, {}.{} FROM (VALUES (1)) AS {} ({})",
            Literal(&text),
            DollarQuoted(&text),
            ident,
            ident,
            ident,
            ident
        );
        let rows = block_in_place(|| Handle::current().block_on(session.rows(query.as_str())));
        let rows = rows.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(rows[0].get(0), Some(text.as_str()));
        prop_assert_eq!(rows[0].get(1), Some(text.as_str()));
        prop_assert_eq!(rows[0].columns().nth(2), Some(name.as_str()));
        Ok(())
    });
    property.unwrap_or_else(|error| panic!("{}: {error}", session.version()));
    database.drop_now().await.unwrap();
}
