//! Options of the commands that run revisions on a database.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use super::globals::Globals;
use crate::config::Database;
use crate::duration;
use crate::error::text::suggest;
use crate::error::{Diagnostic, Result, codes};
use crate::migrate::{self, StatusLine, UnknownOutcome};
use crate::report::progress;
use crate::scratch::Protection;

/// Options of the commands that run revisions on a database.
#[derive(clap::Args, Clone, Debug)]
pub struct RunOptions {
    /// Folder of migrations [default: that of the configuration].
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Print what would run, and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Name of a protected environment, to confirm the run.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Proceed despite drift (`drift`), data loss in a rollback (`DataLoss`), objects in a database without records
    /// (`existing`), or all of these (`all`).
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    allow: Vec<String>,
    /// How long to wait for another migration run to finish; a plain number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "1min", value_parser = duration::seconds)]
    lock_wait: Duration,
    /// How long a statement waits for a lock, unless its file sets `lock_timeout`; a plain number counts milliseconds.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::milliseconds)]
    lock_timeout: Duration,
    /// How often to retry a transaction that could not acquire its locks.
    #[arg(long, value_name = "TIMES", default_value_t = 5)]
    retries: u32,
    /// How to treat an interrupted statement whose outcome cannot be determined: run it again, or mark it as done.
    #[arg(long, value_name = "WHAT", value_enum)]
    in_doubt: Option<UnknownOutcomeChoice>,
}

/// The values of `--in-doubt`.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownOutcomeChoice {
    /// Run it again.
    Again,
    /// Mark it as done.
    Done,
}

impl RunOptions {
    /// Returns the options of the run.
    pub fn resolve(&self, globals: &Globals) -> migrate::Options {
        migrate::Options {
            lock_wait: self.lock_wait,
            lock_timeout: self.lock_timeout,
            retries: self.retries,
            unknown_outcome: self.in_doubt.map(|choice| match choice {
                UnknownOutcomeChoice::Again => UnknownOutcome::Again,
                UnknownOutcomeChoice::Done => UnknownOutcome::Done,
            }),
            interrupt: globals.interrupt.clone(),
            messages: globals.messages(),
        }
    }

    /// Whether `--allow` names this hazard.
    pub fn allows(&self, hazard: &str) -> bool {
        self.allow.iter().any(|word| word == "all" || word.eq_ignore_ascii_case(hazard))
    }

    /// Asks for confirmation if the environment is protected.
    ///
    /// # Errors
    /// Returns an error if the environment is protected and its name is not confirmed.
    pub async fn confirm(&self, database: &Database) -> Result<()> {
        if self.dry_run { Ok(()) } else { confirm(self.confirm.as_ref(), database).await }
    }
}

/// Asks for confirmation if the environment is protected. `given` is the value of `--confirm`.
///
/// # Errors
/// Returns an error if the environment is protected and its name is not confirmed.
pub async fn confirm(given: Option<&String>, database: &Database) -> Result<()> {
    if database.protection == Protection::Open {
        return Ok(());
    }
    let name = &database.name;
    let answer = match given {
        Some(answer) => Some(answer.clone()),
        None => ask(name).await,
    };
    if answer.as_ref() == Some(name) {
        return Ok(());
    }
    let what = match answer {
        Some(answer) => format!("environment `{name}` is protected, and `{answer}` is not its name"),
        None => format!("environment `{name}` is protected"),
    };
    Err(Diagnostic::new(codes::USAGE, what).help(format!("confirm with --confirm {name}")).into())
}

/// Asks for the name of a protected environment on a terminal.
async fn ask(name: &str) -> Option<String> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let _paused = progress::pause();
    progress::prompt(&format!("Environment `{name}` is protected. Type its name to continue: "));
    // A signal must end the program while this thread waits, so it is not one of the runtime's.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody waits for the answer if the program is ending.
        let _ = sender.send(read.ok().map(|_| line.trim().to_owned()));
    });
    receiver.await.ok().flatten()
}

/// Returns the revision of that name.
///
/// # Errors
/// Returns an error if there is none.
pub fn find<'a>(lines: &'a [StatusLine], name: &str) -> Result<&'a StatusLine> {
    lines.iter().find(|line| line.name == name).ok_or_else(|| {
        let unknown = Diagnostic::new(codes::REVISION, format!("revision `{name}` does not exist"));
        match suggest(name, lines.iter().map(|line| line.name.as_str())) {
            Some(similar) => unknown.help(format!("did you mean `{similar}`?")),
            None => unknown.help("list the revisions with `schemadiff status`"),
        }
        .into()
    })
}
