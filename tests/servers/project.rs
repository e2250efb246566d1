//! A project folder with a database, and the program run in it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Database, Server};

/// A folder with a configuration whose environments `dev` and `prod` are one database.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    pub(crate) database: Database,
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Run {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that the output contains a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.contains(text), "no {text:?} in {self:#?}");
        self
    }

    /// Whether the output contains a text.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.out.contains(text) || self.err.contains(text)
    }
}

impl Project {
    /// A new folder and a new database.
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        let database = Database::new(server);
        let project = Self { folder: tempfile::tempdir().unwrap(), database };
        project.write(
            "schemadiff.yaml",
            "target: schema.sql\nenvironments:\n  dev: {url: \"${DEV}\"}\n  prod: {url: \"${DEV}\", protected: true}\n\
             default_environment: dev\n",
        );
        project.write(".env", &format!("DEV=\"{}\"\n", project.database.address()));
        project
    }

    /// The path of a file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program with these arguments.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
        command.args(words.split(' ')).current_dir(self.folder.path());
        for name in ["DEV", "PGUSER", "PGDATABASE", "PGHOST", "PGPORT", "PGPASSWORD"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, words: &str) -> Run {
        self.command(words).output().unwrap().into()
    }

    /// Starts the program.
    pub(crate) fn start(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs statements on the database and returns the first column of their rows.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.database.sql(sql)
    }

    /// Waits until a query returns something.
    pub(crate) fn wait_for(&self, sql: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.sql(sql).is_empty() {
            assert!(Instant::now() < until, "no row within 20 s: {sql}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
