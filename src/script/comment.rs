//! The comment above a statement: its purpose, lock, cost and hazards, and the statement that a recipe replaced.

use crate::model::{Hazard, LockMode};

/// The comment above a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comment {
    /// The purpose of the statement.
    pub reason: Option<String>,
    /// The statement that a recipe replaced, and the risk of that statement.
    pub avoided: Option<String>,
    /// The strongest lock on an existing relation, as it is printed.
    pub lock: Option<String>,
    /// The estimated work.
    pub cost: Option<String>,
    /// The code and the text of each hazard.
    pub hazards: Vec<(String, String)>,
}

const AVOIDED: &str = "Avoided: ";
const SEPARATOR: &str = "; ";
/// The beginnings of estimates (`recipes/cost.rs`). The last two are those of earlier versions.
const COSTS: [&str; 6] = [
    "reads",
    "builds an index over about",
    "rewrites about",
    "backfills about",
    "writes anew",
    "goes through",
];

impl Comment {
    /// Returns the lines, without `--`.
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
            lines.push(facts.join(SEPARATOR));
        }
        lines.iter().map(|line| line.replace(['\r', '\n'], " ")).collect()
    }

    /// Reads the comment at the end of a text, directly above a statement. Lines that [`lines`](Self::lines) would not
    /// write are the reason.
    pub fn above(text: &str) -> Self {
        let Some((above, indent)) = text.rsplit_once('\n') else { return Self::default() };
        if !indent.trim().is_empty() {
            return Self::default();
        }
        // A comment before an empty line belongs to something else, such as the file.
        let lines = above.split('\n').rev().map(str::trim).take_while(|line| line.starts_with("--"));
        let mut lines: Vec<&str> = lines.map(|line| line.trim_start_matches('-').trim()).collect();
        lines.reverse();
        Self::read(&lines)
    }

    fn read(lines: &[&str]) -> Self {
        let mut comment = Self::default();
        let mut reason: Vec<&str> = Vec::new();
        for line in lines.iter().filter(|line| !line.is_empty() && !line.starts_with("schemadiff:")) {
            if let Some(avoided) = line.strip_prefix(AVOIDED) {
                comment.avoided = Some(avoided.trim_end_matches('.').to_owned());
            } else if !comment.read_facts(line) {
                reason.push(line);
            }
        }
        if !reason.is_empty() {
            comment.reason = Some(reason.join(" "));
        }
        comment
    }

    /// Reads a line with lock, cost and hazards. Returns `false` for other lines.
    fn read_facts(&mut self, line: &str) -> bool {
        let mut found = Self::default();
        for part in line.split(SEPARATOR) {
            let hazard = part
                .split_once(": ")
                .filter(|(code, _)| Hazard::MEANINGS.iter().any(|(known, _)| known == code));
            if let Some((code, detail)) = hazard {
                found.hazards.push((code.to_owned(), detail.to_owned()));
            } else if let Some((_, detail)) = found.hazards.last_mut() {
                *detail = format!("{detail}{SEPARATOR}{part}");
            } else if found.lock.is_none() && found.cost.is_none() && is_lock(part) {
                found.lock = Some(part.to_owned());
            } else if found.cost.is_none() && COSTS.iter().any(|start| part.starts_with(start)) {
                found.cost = Some(part.to_owned());
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

fn is_lock(text: &str) -> bool {
    let mode = text.split_once(" on ").map(|(mode, _)| mode);
    mode.is_some_and(|mode| LockMode::ALL.iter().any(|known| known.to_string() == mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_comment_is_read_back() {
        let comment = Comment {
            reason: Some("built without blocking reads or writes".into()),
            avoided: Some("CREATE INDEX blocks writes while it reads the table".into()),
            lock: Some("SHARE UPDATE EXCLUSIVE on public.t".into()),
            cost: Some("builds an index over about 1,000 rows (73 kB), estimated less than a second".into()),
            hazards: vec![
                ("DataLoss".into(), "column a is dropped; with its values".into()),
                ("Scan".into(), "reads t".into()),
            ],
        };
        let text: String = comment.lines().iter().map(|line| format!("-- {line}\n")).collect();
        let read = Comment::above(&format!("COMMIT;\n\n{text}"));
        assert_eq!(read.reason.as_deref(), Some("Built without blocking reads or writes."));
        assert_eq!(Comment { reason: comment.reason.clone(), ..read }, comment);
    }

    #[test]
    fn other_lines_are_the_reason() {
        let read = |text: &str| Comment::above(text).reason;
        assert_eq!(read("-- because of\n-- ticket 7\n").as_deref(), Some("because of ticket 7"));
        assert_eq!(read("SELECT 1; -- one\n"), None);
        assert_eq!(read("-- Revision: x\n\n"), None);
        assert_eq!(read("-- reads well\nSELECT 1;\n"), None);
    }
}
