//! The codes of diagnostics, in one table. A code never changes its meaning.

use std::fmt;

/// A stable code of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: Code = Code($code);)*
        /// Every code with its explanation, as `schemadiff explain CODE` prints it.
        pub const ALL: &[(Code, &str)] = &[$(($name, concat!($($doc),*))),*];
    };
}

codes! {
    /// The command line or the configuration is wrong, or names something that does not exist.
    ///
    /// The message names the wrong argument or key. `schemadiff help COMMAND` lists the arguments of a command.
    USAGE = "SD001";
    /// A server cannot be reached, rejects the login, or is not trusted.
    ///
    /// Try the same URL with `psql`. Like psql, schemadiff reads the PG* environment variables, `~/.pgpass` and the
    /// service file.
    CONNECTION = "SD002";
    /// The server is older than PostgreSQL 14.
    ///
    /// PostgreSQL 14 to 18 are supported.
    VERSION = "SD003";
    /// The role lacks a privilege.
    ///
    /// Grant the privilege that the message names, or connect as another role.
    PRIVILEGE = "SD004";
    /// No scratch server is available on which the migration can be rehearsed.
    ///
    /// Install PostgreSQL on this machine, name a server with `--scratch URL`, or use `--scratch embedded`.
    SCRATCH = "SD005";
    /// An extension is not available on the scratch server.
    ///
    /// Install the extension there, or use `--scratch` to name a server that has it.
    EXTENSION = "SD006";
    /// SQL syntax error.
    ///
    /// The place shown is where the parser stopped; the cause often precedes it.
    SYNTAX = "SD010";
    /// The target contains a statement that is not a declaration.
    ///
    /// A target declares objects. Move statements that change data to a migration.
    STATEMENT = "SD011";
    /// PostgreSQL rejects a declaration.
    ///
    /// The message is PostgreSQL's own. Each declaration is run on a scratch server of the target's version.
    DECLARATION = "SD012";
    /// An object is declared twice.
    ///
    /// The message names both places. Remove one of them.
    DUPLICATE = "SD013";
    /// YAML syntax error.
    ///
    /// The place shown is where the parser stopped; the cause is often the indentation above it.
    YAML = "SD014";
    /// Unknown key.
    ///
    /// `schemadiff schema` prints the JSON Schema with all keys.
    KEY = "SD015";
    /// Invalid value, or value of the wrong type.
    ///
    /// `schemadiff schema` prints the JSON Schema with the values that each key accepts.
    VALUE = "SD016";
    /// A directive such as `backfill` or `using` has no effect on this change.
    ///
    /// Remove it. If it is needed, write that migration by hand: `schemadiff create NAME`.
    INTENT = "SD017";
    /// A `renamed_from` annotation matches no rename.
    ///
    /// Either the old name does not exist, or both names exist. Correct the name, or remove the annotation once the
    /// rename has been applied everywhere.
    RENAME = "SD018";
    /// A possible rename: an object is dropped and a similar object is added.
    ///
    /// If it is a rename, write `renamed_from: OLD_NAME` beside the new object. If it is not, write `drop: confirmed`,
    /// and the old object is dropped with its data. `--renames detect` and `--renames drop` decide for all objects.
    UNANSWERED = "SD019";
    /// No plan exists for a change.
    ///
    /// The message names the change. Split it into two steps, or write that migration by hand.
    PLAN = "SD020";
    /// The proof of a migration failed: run on a scratch copy, it or its rollback did not produce the expected schema.
    ///
    /// Nothing was written. If you did not write or edit the migration yourself, please report this as a bug in
    /// schemadiff, with the difference shown.
    VERIFY = "SD021";
    /// The migration has a hazard that is not allowed, such as data loss.
    ///
    /// Change the target so that the hazard does not arise, or allow it with `--allow HAZARD`.
    HAZARD = "SD022";
    /// The database contains something that schemadiff does not support, and `--strict` was given.
    ///
    /// Without `--strict`, unsupported objects are reported and left unchanged. `schemadiff explain --coverage` lists
    /// what is supported.
    UNMODELLED = "SD023";
    /// A migration file is inconsistent with the others or with the record in the database.
    ///
    /// Never edit a migration that has been applied; write a new one.
    REVISION = "SD030";
    /// Another run holds the migration lock, or a table lock could not be acquired in time.
    ///
    /// The message names the session that holds the lock. Wait for it or terminate it, then run the command again.
    LOCK = "SD031";
    /// The database has drifted: it differs from the state after the last migration.
    ///
    /// `schemadiff drift` lists the differences and prints the SQL that reverts them.
    DRIFT = "SD032";
    /// A statement of a migration failed.
    ///
    /// Its transaction was rolled back. Fix the cause and run `schemadiff migrate` again; it resumes at the statement
    /// that failed. `schemadiff rollback` undoes what is applied of the migration instead.
    APPLY = "SD033";
    /// A file or folder cannot be read or written.
    ///
    /// The message contains the error of the operating system.
    FILE = "SD040";
    /// The run was interrupted.
    ///
    /// Run the command again; it resumes where it stopped.
    INTERRUPTED = "SD041";
    /// A column becomes NOT NULL, and existing rows have no value for it.
    ///
    /// Give the column a `backfill` or a `default`, or make it nullable.
    REQUIRED = "SD042";
}
