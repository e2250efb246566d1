//! The chain of states that revisions make, as their heads tell it.

use super::Revision;
use crate::error::{Diagnostic, codes};
use crate::model::Fingerprint;

/// Two revisions that do not follow each other.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// The later one.
    pub revision: String,
    /// What is wrong, and what to do.
    pub diagnostic: Diagnostic,
}

/// Finds where a revision does not start from the state to which the one before it leads.
///
/// What somebody wrote by hand names no states, so that nothing is known about the step after it.
pub fn chain(revisions: &[Revision]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let prints = |revision: &Revision| -> (Option<Fingerprint>, Option<Fingerprint>) {
        revision.head.as_ref().map(|head| (head.from.clone(), head.to.clone())).unwrap_or_default()
    };
    for (i, pair) in revisions.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let ((_, Some(reached)), (Some(from), _)) = (prints(before), prints(after)) else { continue };
        if !reached.differs(&from) {
            continue;
        }
        // Of two branches both start where the trunk was, so that the younger's start is an older state.
        let fork = revisions[..=i].iter().rev().find(|older| prints(older).0.as_ref() == Some(&from));
        let diagnostic = match fork {
            Some(other) => Diagnostic::new(
                codes::REVISION,
                format!("two heads: `{}` and `{}` start from the same state", other.name, after.name),
            )
            .help(format!(
                "two branches were merged: remove `{}` where it is applied nowhere yet, and run `schemadiff generate` again",
                after.name
            )),
            None => Diagnostic::new(
                codes::REVISION,
                format!("`{}` does not start from the state that `{}` leads to", after.name, before.name),
            )
            .help("a revision between them is missing, or one of them was edited")
            .help("where it was edited on purpose, remove the lines `From` and `To` from its head; `schemadiff check` proves the folder"),
        };
        doubts.push(Doubt { revision: after.name.clone(), diagnostic });
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::super::{Header, Order};
    use super::*;
    use crate::declare::sql::SourceFile;

    fn revision(name: &str, states: Option<(char, char)>) -> Revision {
        let print = |c: char| Fingerprint { hash: c.to_string().repeat(64), major: 15 };
        let head = states.map(|(from, to)| Header {
            name: name.into(),
            from: Some(print(from)),
            to: Some(print(to)),
            ..Header::default()
        });
        let order = Order::read(name).unwrap().0;
        Revision { name: name.into(), order, up: SourceFile::new(name, ""), rollback: None, head }
    }

    fn told(revisions: &[Revision]) -> Vec<String> {
        chain(revisions).into_iter().map(|doubt| doubt.diagnostic.message).collect()
    }

    #[test]
    fn heads_and_gaps() {
        let there_and_back = [
            revision("1_a", Some(('a', 'b'))),
            revision("2_b", Some(('b', 'a'))),
            revision("3_c", Some(('a', 'c'))),
        ];
        assert!(told(&there_and_back).is_empty());
        let by_hand =
            [revision("1_a", Some(('a', 'b'))), revision("2_b", None), revision("3_c", Some(('x', 'y')))];
        assert!(told(&by_hand).is_empty());
        let fork = [
            revision("1_a", Some(('a', 'b'))),
            revision("2_b", Some(('b', 'c'))),
            revision("3_c", Some(('b', 'd'))),
        ];
        assert_eq!(told(&fork), ["two heads: `2_b` and `3_c` start from the same state"]);
        let gap = [revision("1_a", Some(('a', 'b'))), revision("2_b", Some(('x', 'c')))];
        assert_eq!(told(&gap), ["`2_b` does not start from the state that `1_a` leads to"]);
    }
}
