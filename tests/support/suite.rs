//! Tests as a list that is made when the servers of the machine are known.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use super::{Server, Servers};

/// What a test runs on.
#[derive(Clone, Copy)]
pub(crate) enum Needs {
    /// The newest installed server, or the embedded one.
    Server,
    /// Each installed server, and the embedded one.
    EachServer,
    /// The embedded server.
    Embedded,
    /// The newest installed server; why the embedded one does not do.
    Installed(&'static str),
    /// Each installed server; why the embedded one does not do.
    EachInstalled(&'static str),
}

/// The body of a test.
pub(crate) type Body = fn(&Arc<Server>);

/// The tests of a program.
pub(crate) struct Suite {
    servers: Servers,
    runtime: Runtime,
    trials: Vec<Trial>,
}

impl Suite {
    /// An empty suite.
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        Self { servers: Servers::find(runtime.handle()), runtime, trials: Vec::new() }
    }

    /// Adds a test. `path` is the path of its function.
    pub(crate) fn add(&mut self, path: &str, needs: Needs, body: Body) {
        let name = path.split_once("::").map_or(path, |(_, name)| name);
        let servers: Vec<Arc<Server>> = match needs {
            Needs::Server => self.servers.newest().into_iter().cloned().collect(),
            Needs::EachServer => self.servers.all().cloned().collect(),
            Needs::Embedded => self.servers.embedded.iter().cloned().collect(),
            Needs::Installed(_) => self.servers.installed.last().into_iter().cloned().collect(),
            Needs::EachInstalled(_) => self.servers.installed.clone(),
        };
        if servers.is_empty() {
            let (needed, why) = match needs {
                Needs::Server | Needs::EachServer => ("PostgreSQL", ""),
                Needs::Embedded => ("embedded", "the feature is off"),
                Needs::Installed(why) | Needs::EachInstalled(why) => ("PostgreSQL", why),
            };
            self.trials.push(ignored(name, needed, why));
        }
        for server in servers {
            let kind = server.name();
            let run = move || {
                body(&server);
                Ok(())
            };
            self.trials.push(Trial::test(name, run).with_kind(kind));
        }
    }

    /// Adds a test that cannot run because a program is missing.
    pub(crate) fn ignore(&mut self, path: &str, needs: &str) {
        let name = path.split_once("::").map_or(path, |(_, name)| name);
        self.trials.push(ignored(name, needs, ""));
    }

    /// Runs the tests that the command line selects, and stops the servers.
    pub(crate) fn run(self) -> ExitCode {
        let conclusion = libtest_mimic::run(&Arguments::from_args(), self.trials);
        self.runtime.block_on(self.servers.stop());
        conclusion.exit_code()
    }
}

/// A test that cannot run on this machine. `needs` is what it lacks.
pub(crate) fn ignored(name: impl Into<String>, needs: &str, why: &str) -> Trial {
    let message = format!("needs {needs}, which is not installed: {why}");
    Trial::test(name, move || Err(message.into())).with_kind(format!("needs {needs}")).with_ignored_flag(true)
}

/// Adds async functions of the module as tests: `tests!(suite, Needs::Server; first, second)`.
macro_rules! tests {
    ($suite:ident, $needs:expr; $($test:ident),+ $(,)?) => {
        $($suite.add(
            concat!(module_path!(), "::", stringify!($test)),
            $needs,
            |server| server.block_on($test(std::sync::Arc::clone(server))),
        );)+
    };
}

/// Adds functions of the module as tests.
macro_rules! blocking_tests {
    ($suite:ident, $needs:expr; $($test:ident),+ $(,)?) => {
        $($suite.add(concat!(module_path!(), "::", stringify!($test)), $needs, $test);)+
    };
}

pub(crate) use {blocking_tests, tests};
