//! Keeps the design: what is blind to kinds stays so, tables and queries agree, quoting holds.
#![allow(clippy::disallowed_methods, reason = "a test is its own command line")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemadiff::db::{Environment, Message, Session};
use schemadiff::error::codes;
use schemadiff::kinds::KindName;
use schemadiff::model::sql::{DollarQuoted, Ident, Literal};
use schemadiff::scratch::{self, Choice, Scratch, ScratchDatabase, ScratchOptions};
use schemadiff::sql;
use tokio::runtime::Runtime;

/// A server of each version that is here, or none with a word about it.
async fn servers(name: &str) -> Vec<Scratch> {
    let variables = Environment::from_vars(std::env::vars_os());
    let mut servers = Vec::new();
    for (version, folder) in scratch::installed(&variables) {
        let wanted = ScratchOptions {
            choice: Choice::Binaries(Some(folder)),
            ..ScratchOptions::any(variables.clone())
        };
        match Scratch::start(&wanted).await {
            Ok(server) => servers.push(server),
            Err(error) => eprintln!("{name}: {version} skipped: {error}"),
        }
    }
    if servers.is_empty() {
        eprintln!("{name} skipped: there are no server programs");
    }
    servers
}

/// Does something in an empty database of each server.
fn on_each(name: &str, check: impl Fn(&Runtime, &ScratchDatabase)) {
    let runtime = Runtime::new().unwrap();
    for server in runtime.block_on(servers(name)) {
        let database = runtime.block_on(server.database()).unwrap();
        check(&runtime, &database);
        runtime.block_on(database.drop_now()).unwrap();
        runtime.block_on(server.stop());
    }
}

#[test]
fn the_core_knows_no_kind() {
    let names: BTreeSet<&str> = KindName::ALL.iter().map(|kind| kind.get().name).collect();
    for (file, text) in [
        ("src/diff.rs", include_str!("../src/diff.rs")),
        ("src/plan/graph.rs", include_str!("../src/plan/graph.rs")),
        ("src/plan/graph/order.rs", include_str!("../src/plan/graph/order.rs")),
        ("src/script.rs", include_str!("../src/script.rs")),
    ] {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in
            code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let place = format!("{file}:{}: {}", number + 1, line.trim());
            let uses = line.matches("KindName::").count();
            assert_eq!(uses, 0, "{place}");
            for literal in literals(line) {
                let words = literal.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let found: Vec<&str> = words.filter(|word| names.contains(&*word.to_lowercase())).collect();
                assert!(found.is_empty(), "{place} names {found:?}");
            }
        }
    }
}

/// The string literals of a line, without what stands in braces.
fn literals(line: &str) -> Vec<String> {
    let pieces = line.split('"').skip(1).step_by(2);
    let without = |piece: &str| {
        let mut parts = piece.split('{');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('}').map_or("", |(_, rest)| rest))
    };
    pieces.map(without).collect()
}

#[test]
fn queries_deliver_the_attributes_and_no_more() {
    on_each("queries_deliver_the_attributes_and_no_more", |runtime, database| {
        let session = &database.session;
        for kind in KindName::ALL.iter().map(|kind| kind.get()) {
            let query = (kind.query)(session.version());
            let columns = runtime.block_on(columns(session, &query));
            let unique: BTreeSet<&String> = columns.iter().collect();
            assert_eq!(unique.len(), columns.len(), "{}: {columns:?}", kind.name);
            for column in &columns {
                let known = ["oid", "sub", "p1", "p2", "p3", "position"].contains(&column.as_str());
                let place = format!("{} on {}", kind.name, session.version());
                assert!(known || kind.attribute(column).is_some(), "{place}: `{column}` is no attribute");
            }
            // These are read once for all kinds.
            let once = ["comment", "depends_on_extensions"];
            for attribute in kind.attributes.iter().filter(|attribute| !once.contains(&attribute.name)) {
                let delivered = columns.iter().any(|column| column == attribute.name);
                assert!(delivered, "{}: no column `{}`", kind.name, attribute.name);
            }
        }
    });
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

#[test]
fn kinds_are_told_apart() {
    for (what, of) in [("name", (|kind: KindName| kind.get().name) as fn(KindName) -> &'static str)] {
        let values: Vec<&str> =
            KindName::ALL.iter().map(|kind| of(*kind)).filter(|v| !v.is_empty()).collect();
        let unique: BTreeSet<&&str> = values.iter().collect();
        assert_eq!(unique.len(), values.len(), "{what}");
    }
    for kind in KindName::ALL.iter().map(|kind| kind.get()) {
        let names: BTreeSet<&str> = kind.attributes.iter().map(|attribute| attribute.name).collect();
        assert_eq!(names.len(), kind.attributes.len(), "{}", kind.name);
        for attribute in kind.attributes {
            assert!(attribute.doc.ends_with('.'), "{}.{} needs a sentence", kind.name, attribute.name);
        }
        assert!(kind.short_form.is_none_or(|short| kind.attribute(short).is_some()), "{}", kind.name);
    }
}

#[test]
fn codes_are_unique_and_documented() {
    let unique: BTreeSet<&str> = codes::ALL.iter().map(|(code, _)| code.0).collect();
    assert_eq!(unique.len(), codes::ALL.len());
    for (code, summary) in codes::ALL {
        assert!(code.0.starts_with("SD") && code.0.len() == 5, "{code}");
        assert!(summary.trim().len() > 10 && summary.trim().ends_with('.'), "{code}: {summary}");
    }
}

#[test]
fn every_keyword_is_quoted() {
    on_each("every_keyword_is_quoted", |runtime, database| {
        // All but those that may name anything.
        let query = "SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'";
        let rows = runtime.block_on(database.session.rows(query)).unwrap();
        assert!(rows.len() > 100);
        for word in rows.iter().filter_map(|row| row.get(0)) {
            assert!(sql!("{}", Ident(word)).as_str().starts_with('"'), "{word}");
        }
    });
}

/// Names that have broken others: quotes, spaces, case, keywords, dollars, backslashes, line ends.
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

/// A name as long as the server takes one.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| {
        let end = text.floor_char_boundary(63);
        if end == 0 { "x".into() } else { text[..end].to_owned() }
    })
}

#[test]
fn quoting_round_trips_through_the_server() {
    on_each("quoting_round_trips_through_the_server", |runtime, database| {
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
            let rows = runtime.block_on(session.rows(query.as_str()));
            let rows = rows.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(rows[0].get(0), Some(text.as_str()));
            prop_assert_eq!(rows[0].get(1), Some(text.as_str()));
            prop_assert_eq!(rows[0].columns().nth(2), Some(name.as_str()));
            Ok(())
        });
        property.unwrap_or_else(|error| panic!("{}: {error}", session.version()));
    });
}
