//! What is said above a statement: why it is there, what it locks and costs, what may hurt, what was avoided.

use crate::model::{Hazard, LockMode};

/// What is said above a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    /// What the statement is for.
    pub reason: Option<String>,
    /// What would have been done without a recipe, and what that does.
    pub avoided: Option<String>,
    /// The strongest lock that it takes on what is there already, as it is printed.
    pub lock: Option<String>,
    /// What it may take.
    pub cost: Option<String>,
    /// What may hurt: the code and the words.
    pub hazards: Vec<(String, String)>,
}

const AVOIDED: &str = "Avoided: ";
const BETWEEN: &str = "; ";
/// What an estimate begins with (`recipes/cost.rs`); the last two are those of earlier versions.
const COSTS: [&str; 6] = [
    "reads",
    "builds an index over about",
    "rewrites about",
    "backfills about",
    "writes anew",
    "goes through",
];

impl Comment {
    /// The lines, without the marks of a comment.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(reason) = &self.reason {
            let mut letters = reason.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
            lines.push(format!("{first}{}.", letters.as_str()));
        }
        if let Some(avoided) = &self.avoided {
            lines.push(format!("{AVOIDED}{avoided}."));
        }
        let hazards = self.hazards.iter().map(|(code, detail)| format!("{code}: {detail}"));
        let facts: Vec<String> =
            self.lock.clone().into_iter().chain(self.cost.clone()).chain(hazards).collect();
        if !facts.is_empty() {
            lines.push(facts.join(BETWEEN));
        }
        lines.iter().map(|line| line.replace(['\r', '\n'], " ")).collect()
    }

    /// The comment that ends where a statement begins. What is not written as [`lines`](Self::lines) writes it is the
    /// reason: somebody's own words.
    pub fn above(text: &str) -> Self {
        let Some((above, margin)) = text.rsplit_once('\n') else { return Self::default() };
        if !margin.trim().is_empty() {
            return Self::default();
        }
        // An empty line ends it: what stands before is about something else, as the head of a file is.
        let lines = above.split('\n').rev().map(str::trim).take_while(|line| line.starts_with("--"));
        let mut lines: Vec<&str> = lines.map(|line| line.trim_start_matches('-').trim()).collect();
        lines.reverse();
        Self::read(&lines)
    }

    fn read(lines: &[&str]) -> Self {
        let mut comment = Self::default();
        let mut words: Vec<&str> = Vec::new();
        for line in lines.iter().filter(|line| !line.is_empty() && !line.starts_with("schemadiff:")) {
            if let Some(avoided) = line.strip_prefix(AVOIDED) {
                comment.avoided = Some(avoided.trim_end_matches('.').to_owned());
            } else if !comment.facts(line) {
                words.push(line);
            }
        }
        if !words.is_empty() {
            comment.reason = Some(words.join(" "));
        }
        comment
    }

    /// Takes a line of facts down; false where it is none.
    fn facts(&mut self, line: &str) -> bool {
        let mut found = Self::default();
        for piece in line.split(BETWEEN) {
            let hazard = piece
                .split_once(": ")
                .filter(|(code, _)| Hazard::MEANINGS.iter().any(|(known, _)| known == code));
            if let Some((code, detail)) = hazard {
                found.hazards.push((code.to_owned(), detail.to_owned()));
            } else if let Some((_, detail)) = found.hazards.last_mut() {
                *detail = format!("{detail}{BETWEEN}{piece}");
            } else if found.lock.is_none() && found.cost.is_none() && is_lock(piece) {
                found.lock = Some(piece.to_owned());
            } else if found.cost.is_none() && COSTS.iter().any(|verb| piece.starts_with(verb)) {
                found.cost = Some(piece.to_owned());
            } else {
                return false;
            }
        }
        let Self { lock, cost, hazards, .. } = found;
        self.lock = self.lock.take().or(lock);
        self.cost = self.cost.take().or(cost);
        self.hazards.extend(hazards);
        true
    }
}

fn is_lock(piece: &str) -> bool {
    let mode = piece.split_once(" on ").map(|(mode, _)| mode);
    mode.is_some_and(|mode| LockMode::ALL.iter().any(|known| known.to_string() == mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        let comment = Comment {
            reason: Some("built while reading and writing go on".into()),
            avoided: Some("CREATE INDEX keeps writers waiting while it reads the table".into()),
            lock: Some("SHARE UPDATE EXCLUSIVE on public.t".into()),
            cost: Some("reads, for an index, about 1,000 rows (73 kB), some less than a second".into()),
            hazards: vec![
                ("DataLoss".into(), "column a goes; with its rows".into()),
                ("Scan".into(), "reads t".into()),
            ],
        };
        let text: String = comment.lines().iter().map(|line| format!("-- {line}\n")).collect();
        let read = Comment::above(&format!("COMMIT;\n\n{text}"));
        assert_eq!(read.reason.as_deref(), Some("Built while reading and writing go on."));
        assert_eq!(Comment { reason: comment.reason.clone(), ..read }, comment);
    }

    #[test]
    fn words_of_somebody_are_a_reason() {
        let read = |text: &str| Comment::above(text).reason;
        assert_eq!(read("-- because of\n-- ticket 7\n").as_deref(), Some("because of ticket 7"));
        assert_eq!(read("SELECT 1; -- one\n"), None);
        assert_eq!(read("-- Revision: x\n\n"), None);
        assert_eq!(read("-- reads well\nSELECT 1;\n"), None);
    }
}
