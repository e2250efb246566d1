//! PostgreSQL's version numbers.

use std::fmt;

/// A PostgreSQL version as `server_version_num` gives it: 150014 is 15.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PgVersion(u32);

impl PgVersion {
    /// PostgreSQL 14, the oldest supported version.
    pub const V14: Self = Self(140_000);
    /// PostgreSQL 15.
    pub const V15: Self = Self(150_000);
    /// PostgreSQL 16.
    pub const V16: Self = Self(160_000);
    /// PostgreSQL 17.
    pub const V17: Self = Self(170_000);
    /// PostgreSQL 18.
    pub const V18: Self = Self(180_000);

    /// Returns the version with this `server_version_num`.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Parses a text such as `15.14 (Debian 15.14-0+deb12u1)`, `18beta1` or `postgres (PostgreSQL) 17.5`.
    pub fn from_text(text: &str) -> Option<Self> {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let number = text[start..].split_whitespace().next()?;
        let mut parts = number.split('.').map(leading_number);
        let major = parts.next()??;
        let second = parts.next().flatten().unwrap_or(0);
        // Before 10, the first two numbers are the major version: 9.6.24 is 90624.
        let third = if major < 10 { parts.next().flatten().unwrap_or(0) } else { 0 };
        let low = if major < 10 { second.checked_mul(100)?.checked_add(third)? } else { second };
        major.checked_mul(10_000)?.checked_add(low).map(Self)
    }

    /// The version as `server_version_num`.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The major version, such as 15.
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Whether the major version is this one or a later one.
    pub const fn since(self, major: u32) -> bool {
        self.major() >= major
    }

    /// The minor version, such as 14 in 15.14.
    pub const fn minor(self) -> u32 {
        self.0 % 10_000
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

impl fmt::Display for PgVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.major() < 10 {
            write!(f, "{}.{}", self.major(), self.minor() / 100)
        } else {
            write!(f, "{}.{}", self.major(), self.minor())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PgVersion;

    #[test]
    fn version_texts_are_parsed() {
        for (text, number) in [
            ("15.14 (Debian 15.14-0+deb12u1)", 150_014),
            ("18beta1", 180_000),
            ("postgres (PostgreSQL) 17.5", 170_005),
            ("9.6.24", 90_624),
            ("pg_dump (PostgreSQL) 14.0", 140_000),
        ] {
            assert_eq!(PgVersion::from_text(text).map(PgVersion::number), Some(number), "{text}");
        }
        assert_eq!(PgVersion::from_text("devel"), None);
        assert_eq!(PgVersion::from_number(150_014).to_string(), "15.14");
        assert!(PgVersion::V14 < PgVersion::from_number(140_003));
    }
}
