//! The chain of states from one revision to the next, according to their headers.

use super::folder::Revision;
use crate::error::{Diagnostic, codes};
use crate::model::Fingerprint;

/// A revision that does not start from the state that the previous one produces.
#[derive(Clone, Debug)]
pub struct ChainBreak {
    /// The name of the revision.
    pub revision: String,
    /// The error.
    pub diagnostic: Diagnostic,
}

/// Finds the revisions that do not start from the state that the previous one produces. A migration written by hand
/// records no states, so that the step after it is not checked.
pub fn chain_breaks(revisions: &[Revision]) -> Vec<ChainBreak> {
    let states = |revision: &Revision| -> (Option<Fingerprint>, Option<Fingerprint>) {
        let header = revision.header.as_ref();
        header.map(|header| (header.from.clone(), header.to.clone())).unwrap_or_default()
    };
    let mut breaks = Vec::new();
    for (i, pair) in revisions.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let ((_, Some(produced)), (Some(from), _)) = (states(before), states(after)) else { continue };
        if !produced.differs(&from) {
            continue;
        }
        // After a merge of two branches, an earlier revision starts from the same state.
        let fork = revisions[..=i].iter().rev().find(|earlier| states(earlier).0.as_ref() == Some(&from));
        let diagnostic = match fork {
            Some(other) => two_heads(&other.name, &after.name),
            None => gap(&before.name, &after.name),
        };
        breaks.push(ChainBreak { revision: after.name.clone(), diagnostic });
    }
    breaks
}

fn two_heads(one: &str, other: &str) -> Diagnostic {
    let message = format!("two heads: `{one}` and `{other}` start from the same state");
    Diagnostic::new(codes::REVISION, message).help(format!(
        "if two branches were merged and `{other}` has not been applied anywhere, remove it and run `schemadiff generate` again"
    ))
}

fn gap(before: &str, after: &str) -> Diagnostic {
    let message = format!("`{after}` does not start from the state that `{before}` produces");
    Diagnostic::new(codes::REVISION, message)
        .help("a revision between them is missing, or one of them was edited")
        .help("if it was edited on purpose, remove the lines `From` and `To` from its header; `schemadiff check` verifies the folder")
}

#[cfg(test)]
mod tests {
    use super::super::{Header, Order};
    use super::*;
    use crate::declare::sql::SourceFile;

    fn revision(name: &str, states: Option<(char, char)>) -> Revision {
        let print = |c: char| Fingerprint { hash: c.to_string().repeat(64), major: 15 };
        let header = states.map(|(from, to)| Header {
            name: name.into(),
            from: Some(print(from)),
            to: Some(print(to)),
            ..Header::default()
        });
        let order = Order::read(name).unwrap().0;
        Revision { name: name.into(), order, up: SourceFile::new(name, ""), rollback: None, header }
    }

    fn messages(revisions: &[Revision]) -> Vec<String> {
        chain_breaks(revisions).into_iter().map(|found| found.diagnostic.message).collect()
    }

    #[test]
    fn heads_and_gaps() {
        let returns_to_an_earlier_state = [
            revision("1_a", Some(('a', 'b'))),
            revision("2_b", Some(('b', 'a'))),
            revision("3_c", Some(('a', 'c'))),
        ];
        assert!(messages(&returns_to_an_earlier_state).is_empty());
        let by_hand =
            [revision("1_a", Some(('a', 'b'))), revision("2_b", None), revision("3_c", Some(('x', 'y')))];
        assert!(messages(&by_hand).is_empty());
        let fork = [
            revision("1_a", Some(('a', 'b'))),
            revision("2_b", Some(('b', 'c'))),
            revision("3_c", Some(('b', 'd'))),
        ];
        assert_eq!(messages(&fork), ["two heads: `2_b` and `3_c` start from the same state"]);
        let gap = [revision("1_a", Some(('a', 'b'))), revision("2_b", Some(('x', 'c')))];
        assert_eq!(messages(&gap), ["`2_b` does not start from the state that `1_a` produces"]);
    }
}
