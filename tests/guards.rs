//! The differ, the graph and the script know no kind; names and codes are unique and documented.

use std::collections::BTreeSet;

use schemadiff::error::codes;
use schemadiff::kinds::KindName;

#[test]
fn core_names_no_kind() {
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
fn kinds_have_unique_names_and_documentation() {
    let names: BTreeSet<&str> = KindName::ALL.iter().map(|kind| kind.get().name).collect();
    assert_eq!(names.len(), KindName::ALL.len());
    for kind in KindName::ALL.iter().map(|kind| kind.get()) {
        let names: BTreeSet<&str> = kind.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
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
