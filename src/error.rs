//! What can go wrong, and how it is told.

pub mod text;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure. The binary prints it and ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user can fix, with its place where it has one.
    #[error("{}", .0.first().map_or("", |d| d.message.as_str()))]
    Diagnostics(Vec<Diagnostic>),
    /// The server refused a statement.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// The operating system refused something.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A promise of our own code was broken: a mistake to report.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(vec![diagnostic])
    }
}

/// An error that a server sent, with the statement that met it.
#[derive(Clone, Debug)]
pub struct ServerError {
    /// SQLSTATE (manual, appendix A), such as `42P01`.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The secondary message, where there is one.
    pub detail: Option<String>,
    /// The server's advice, where there is one.
    pub hint: Option<String>,
    /// The statement.
    pub sql: String,
    /// Byte offset in `sql` that the server points at.
    pub position: Option<usize>,
    /// Schema and name of the table that it is about, where the server tells.
    pub table: Option<[String; 2]>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)?;
        if let Some(detail) = &self.detail {
            write!(f, "\ndetail: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        if !self.sql.is_empty() {
            let sql: String = self.sql.chars().take(600).collect();
            write!(f, "\nstatement: {sql}")?;
        }
        Ok(())
    }
}

/// A stable code of a diagnostic. The list is [`codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Something that the user can fix.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// What is wrong, naming the object.
    pub message: String,
    /// Where, in one of the user's files.
    pub place: Option<Place>,
    /// What stands under the place.
    pub label: Option<String>,
    /// What to do.
    pub help: Vec<String>,
}

/// A place in a file of the user's.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// Its whole text.
    pub text: Arc<str>,
    /// Bytes of it.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.text.floor_char_boundary(self.span.start.min(self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl Diagnostic {
    /// A diagnostic with no place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, label: None, help: Vec::new() }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same with words under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same with one more piece of advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Every code, in one place. A code never changes its meaning.
pub mod codes {
    use super::Code;

    macro_rules! codes {
        ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
            $($(#[doc = $doc])* pub const $name: Code = Code($code);)*
            /// Code and summary of each.
            pub const ALL: &[(Code, &str)] = &[$(($name, concat!($($doc),*))),*];
        };
    }

    codes! {
        /// The command line or the configuration names something that does not exist or does not fit.
        ///
        /// The message names the word; `schemadiff help COMMAND` says what can stand there.
        USAGE = "SD001";
        /// A server cannot be reached, refuses the login or is not trusted.
        ///
        /// Try the same address with `psql`; libpq's variables, `~/.pgpass` and service files are read here too.
        CONNECTION = "SD002";
        /// The server is older than PostgreSQL 14.
        ///
        /// Upgrade the server; PostgreSQL 14 to 18 are supported.
        VERSION = "SD003";
        /// The role may not read or do what is needed.
        ///
        /// Grant what the message names, or connect as another role.
        PRIVILEGE = "SD004";
        /// No rung of the scratch ladder can do this.
        ///
        /// Install the server's programs, name a server with `--scratch URL`, or use `--scratch embedded`.
        SCRATCH = "SD005";
        /// An extension is not available on the scratch server.
        ///
        /// Install its files there, or name a scratch server that has them with `--scratch`.
        EXTENSION = "SD006";
        /// SQL that does not parse.
        ///
        /// The place is where PostgreSQL's grammar stopped; what is wrong often stands just before it.
        SYNTAX = "SD010";
        /// A declared schema holds a statement that is not a declaration.
        ///
        /// A target says what there is: move statements about data to a migration.
        STATEMENT = "SD011";
        /// A declaration that the server refuses.
        ///
        /// The server's own words follow; each declaration is tried on a scratch server of the target's version.
        DECLARATION = "SD012";
        /// Two declarations of one object.
        ///
        /// Take one of the two out; the message names both places.
        DUPLICATE = "SD013";
        /// YAML that does not parse.
        ///
        /// The place is where the parser stopped; the cause is often the indentation above it.
        YAML = "SD014";
        /// An unknown key.
        ///
        /// The help names the key that it may have been meant to be; `schemadiff schema` prints all of them.
        KEY = "SD015";
        /// A value of the wrong type.
        ///
        /// `schemadiff schema` prints what may stand where.
        VALUE = "SD016";
        /// A wish about the way to a target (`backfill`, `using`) that this version reads and
        /// does not act on.
        ///
        /// Take it out, and write that migration by hand: `schemadiff create NAME`.
        INTENT = "SD017";
        /// A `renamed_from` that fits nothing.
        ///
        /// The old name is not there, or both names are. Correct the name, or take the annotation out once the rename has
        /// run everywhere.
        RENAME = "SD018";
        /// Something goes and something alike comes, and nobody said whether it is a rename.
        ///
        /// Write `renamed_from` beside the new one, or `drop: confirmed` where the old one is to go with its data; for
        /// one run `--renames drop` and `--renames detect` answer for all.
        UNANSWERED = "SD019";
        /// A change that cannot be planned.
        ///
        /// The message says which change; make it in two steps, or write that migration by hand.
        PLAN = "SD020";
        /// A migration whose proof failed.
        ///
        /// Nothing was written. The difference that is shown is a mistake in schemadiff or something that a scratch server cannot show; report the first.
        VERIFY = "SD021";
        /// A migration that loses data that nobody allowed to lose.
        ///
        /// Keep the object in the target, or allow it with `--allow DataLoss`.
        HAZARD = "SD022";
        /// A database holds something that is not modelled, and `--strict` was given.
        ///
        /// It would be missing from what is written here. Leave `--strict` out to be told and go on; `schemadiff
        /// explain --coverage` lists what is covered.
        UNMODELLED = "SD023";
        /// A revision on disk that does not fit the others or the record.
        ///
        /// The message says what to do; a revision that has run must never be edited, so write another.
        REVISION = "SD030";
        /// Another run holds the migration lock, or a relation's lock could not be had.
        ///
        /// The message names who holds it; wait, or end that session, and run it again.
        LOCK = "SD031";
        /// The database differs from what the last migration left.
        ///
        /// `schemadiff drift` tells what was changed by hand and prints the SQL that takes it back.
        DRIFT = "SD032";
        /// A migration's statement failed.
        ///
        /// What had run in its transaction is undone; mend the cause and run `schemadiff migrate` again, which goes on where it stopped.
        APPLY = "SD033";
        /// A file or folder cannot be read or written.
        ///
        /// The system's own words follow the name of the file.
        FILE = "SD040";
        /// The run was interrupted.
        ///
        /// Run it again: it goes on where it stopped.
        INTERRUPTED = "SD041";
        /// A column must have a value, and nothing says which one the rows that are there have.
        ///
        /// Write `backfill` beside the column, give it a default, or let it take NULL.
        REQUIRED = "SD042";
    }
}
