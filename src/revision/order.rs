//! The names of revisions, and the order that they define.

use jiff::civil::DateTime;

use crate::config::Layout;

impl Layout {
    /// The path of a revision's rollback, relative to the folder.
    pub fn rollback_of(self, name: &str) -> String {
        match self {
            Self::Timestamp | Self::Dated => format!("{name}_rollback.sql"),
            Self::Numbered => {
                let number = name.split('_').next().unwrap_or(name);
                format!("rollback/{number}_rollback.sql")
            }
        }
    }

    /// The name of a new revision after `last`.
    pub fn next(self, last: Option<Order>, at: DateTime, slug: &str) -> String {
        let today = date_number(at);
        match self {
            Self::Numbered => {
                let number =
                    last.filter(|last| last.layout == Self::Numbered).map_or(1, |last| last.first + 1);
                format!("{number:03}_{slug}")
            }
            Self::Dated => {
                let last = last.filter(|last| last.layout == Self::Dated && last.first >= today);
                let (date, number) = last.map_or((today, 1), |last| (last.first, last.second + 1));
                format!("{date:08}_{number:03}_{slug}")
            }
            Self::Timestamp => {
                let mut at = at;
                // Two revisions in one second, or a clock that is behind.
                if let Some(last) = last.and_then(Order::time)
                    && at <= last
                {
                    at = last.saturating_add(jiff::Span::new().seconds(1));
                }
                format!("{}_{slug}", at.strftime("%Y%m%d_%H%M%S"))
            }
        }
    }
}

/// A date as the number YYYYMMDD.
fn date_number(at: DateTime) -> u64 {
    let part = |number: i16| u64::try_from(number).unwrap_or(0);
    part(at.year()) * 10_000 + part(at.month().into()) * 100 + part(at.day().into())
}

/// The position of a revision, according to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    first: u64,
    second: u64,
    layout: Layout,
}

impl Order {
    /// Reads the name of a file without its extension. Returns the position and the rest of the name.
    pub fn read(stem: &str) -> Option<(Self, &str)> {
        let digits =
            |text: &str| !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
        let (first, rest) = stem.split_once('_').unwrap_or((stem, ""));
        if !digits(first) {
            return None;
        }
        let number = |text: &str| text.parse().unwrap_or(0);
        if first.len() == 8 {
            let (second, slug) = rest.split_once('_').unwrap_or((rest, ""));
            if digits(second) {
                let layout = if second.len() == 6 { Layout::Timestamp } else { Layout::Dated };
                return Some((Self { first: number(first), second: number(second), layout }, slug));
            }
        }
        Some((Self { first: number(first), second: 0, layout: Layout::Numbered }, rest))
    }

    /// The layout of the name.
    pub fn layout(self) -> Layout {
        self.layout
    }

    /// The number or date.
    pub fn number(self) -> u64 {
        self.first
    }

    /// Returns true if both revisions have the same position.
    pub fn is_same_position(self, other: Self) -> bool {
        (self.first, self.second) == (other.first, other.second)
    }

    /// The date and time of a timestamp layout.
    fn time(self) -> Option<DateTime> {
        (self.layout == Layout::Timestamp).then(|| {
            DateTime::strptime("%Y%m%d_%H%M%S", format!("{:08}_{:06}", self.first, self.second)).ok()
        })?
    }
}

/// Converts a text to a part of a file name: lower-case letters, digits and `_`.
///
/// ```
/// assert_eq!(schemadiff::revision::slug("Add customer's e-mail!"), "add_customer_s_e_mail");
/// ```
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if out.len() >= 60 {
            break;
        }
    }
    let mut out = out.trim_end_matches('_');
    // The ending of a rollback's name.
    while let Some(rest) = out.strip_suffix("_rollback") {
        out = rest;
    }
    match out {
        "" => "change".into(),
        "rollback" => "roll_back".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_layout() {
        let at: DateTime = "2026-01-01T12:00:00".parse().unwrap();
        let last = |stem: &str| Order::read(stem).map(|(order, _)| order);
        let next = |layout: Layout, stem: &str| layout.next(last(stem), at, "x");
        assert_eq!(Layout::Timestamp.next(None, at, "x"), "20260101_120000_x");
        assert_eq!(next(Layout::Timestamp, "20251231_235959_y"), "20260101_120000_x");
        assert_eq!(next(Layout::Timestamp, "20260101_120059_y"), "20260101_120100_x");
        assert_eq!(next(Layout::Timestamp, "20260101_001_y"), "20260101_120000_x");
        assert_eq!(Layout::Numbered.next(None, at, "x"), "001_x");
        assert_eq!(next(Layout::Numbered, "041_y"), "042_x");
        assert_eq!(next(Layout::Numbered, "999_y"), "1000_x");
        assert_eq!(Layout::Dated.next(None, at, "x"), "20260101_001_x");
        assert_eq!(next(Layout::Dated, "20260101_007_y"), "20260101_008_x");
        assert_eq!(next(Layout::Dated, "20260301_001_y"), "20260301_002_x");
    }

    #[test]
    fn names_are_read() {
        let read = |stem: &str| Order::read(stem).map(|(order, slug)| (order.layout, slug.to_owned()));
        assert_eq!(read("20260101_120000_add_x"), Some((Layout::Timestamp, "add_x".into())));
        assert_eq!(read("20240115_001_name"), Some((Layout::Dated, "name".into())));
        assert_eq!(read("001_name"), Some((Layout::Numbered, "name".into())));
        assert_eq!(read("schema"), None);
        let order = |stem: &str| Order::read(stem).unwrap().0;
        assert!(order("2_b") < order("10_a"));
        assert!(order("20240115_001_a") < order("20240115_002_a"));
        assert!(order("001_a").is_same_position(order("1_b")));
    }

    #[test]
    fn slug_does_not_end_like_a_rollback() {
        assert_eq!(slug("fix_rollback"), "fix");
        assert_eq!(slug("Rollback"), "roll_back");
        assert_eq!(slug("--"), "change");
    }
}
