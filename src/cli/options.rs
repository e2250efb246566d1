//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jiff::civil::DateTime;

use super::globals::Globals;
use crate::config::Config;
use crate::config::Layout;
use crate::error::{Diagnostic, Result, codes};
use crate::model::rename::AmbiguousRenames;
use crate::report::{Format, formats};

/// The database that a command works on.
#[derive(Args, Clone, Debug, Default)]
pub struct DatabaseOptions {
    /// Environment of the configuration [default: `default_environment`].
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    pub env: Option<String>,
    /// Database URL, such as `postgres://user@host/database`.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// How a new revision is named.
#[derive(Args, Clone, Debug, Default)]
pub struct NamingOptions {
    /// Naming scheme of revisions: timestamp, numbered or dated.
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
    /// Date and time of the revision, in UTC [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,
}

impl NamingOptions {
    /// Returns the naming scheme: `--layout`, or else that of the configuration.
    ///
    /// # Errors
    /// Returns an error if `--layout` is unknown.
    pub fn layout(&self, config: &Config) -> Result<Layout> {
        let Some(name) = &self.layout else { return Ok(config.layout) };
        Layout::named(name).ok_or_else(|| unknown("layout", name, &Layout::NAMES).into())
    }

    /// Returns the time of a revision: `--at`, or else `SOURCE_DATE_EPOCH`, or else the current time.
    ///
    /// # Errors
    /// Returns an error if `SOURCE_DATE_EPOCH` is not a number.
    pub fn time(&self, globals: &Globals) -> Result<DateTime> {
        if let Some(at) = self.at {
            return Ok(at);
        }
        let now = match globals.variable("SOURCE_DATE_EPOCH") {
            None => jiff::Timestamp::now(),
            Some(text) => {
                text.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).ok_or_else(
                    || {
                        let what = format!("SOURCE_DATE_EPOCH: expected a number of seconds, found `{text}`");
                        Diagnostic::new(codes::USAGE, what)
                    },
                )?
            }
        };
        Ok(now.to_zoned(jiff::tz::TimeZone::UTC).datetime())
    }
}

/// Returns the error for an unknown value of an option.
pub fn unknown(what: &str, value: &str, expected: &[&str]) -> Diagnostic {
    let message = format!("unknown {what} `{value}`: expected {}", alternatives(expected));
    Diagnostic::new(codes::USAGE, message)
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Parses the value of `--renames`.
///
/// # Errors
/// Returns an error if the value is unknown.
pub fn ambiguous_renames(text: &str) -> std::result::Result<AmbiguousRenames, String> {
    AmbiguousRenames::named(text)
        .ok_or_else(|| format!("expected {}", alternatives(&AmbiguousRenames::NAMES)))
}

/// The parser of `--format` for a report with findings.
pub fn any_format() -> impl TypedValueParser<Value = &'static Format> {
    format_parser(|_| true)
}

/// The parser of `--format` for a report without findings.
pub fn document_format() -> impl TypedValueParser<Value = &'static Format> {
    format_parser(|format| !format.findings_only)
}

fn format_parser(accepted: fn(&Format) -> bool) -> impl TypedValueParser<Value = &'static Format> {
    let formats = formats::ALL.iter().filter(move |format| accepted(format));
    let values: Vec<PossibleValue> =
        formats.map(|format| PossibleValue::new(format.name).help(format.about)).collect();
    PossibleValuesParser::new(values).try_map(|name| formats::named(&name).ok_or("unknown format"))
}

/// The folder of migrations.
#[derive(Args, Clone, Debug, Default)]
pub struct FolderOptions {
    /// Folder of migrations [default: that of the configuration].
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_reported_with_the_alternatives() {
        let wrong = unknown("policy", "x", &["safe", "direct", "phased"]);
        assert_eq!(wrong.message, "unknown policy `x`: expected safe, direct or phased");
    }
}
