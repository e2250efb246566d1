//! A private server: a temporary cluster that listens only on a socket in its folder.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::cleanup::{self, CleanUp};
use super::programs::Programs;
use super::run_as::RunAs;
use super::template::{self, SUPERUSER};
use crate::db::{Environment, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::temporary::{TemporaryFolder, remove_abandoned};

/// Settings for speed instead of durability, and for any schema.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_connections=50",
    // A schema of thousands of tables is created in one transaction.
    "max_locks_per_transaction=1024",
    // CREATE PUBLICATION warns below this level.
    "wal_level=logical",
    "jit=off",
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=warning",
    "restart_after_crash=off",
    "TimeZone=UTC",
    "log_timezone=UTC",
];

/// A running private server.
#[derive(Debug)]
pub(super) struct Cluster {
    /// None once it is stopped.
    running: Mutex<Option<Running>>,
    socket: std::path::PathBuf,
}

#[derive(Debug)]
struct Running {
    child: Child,
    stop: StopCommand,
    // Dropped last: removes the folder.
    folder: TemporaryFolder,
}

/// Stops a server with `pg_ctl`. It sends SIGQUIT, on which the server releases its shared memory; the standard library
/// can only send SIGKILL.
#[derive(Clone, Debug)]
struct StopCommand {
    programs: Programs,
    run_as: RunAs,
}

impl StopCommand {
    fn command(&self, process: u32, folder: &Path) -> Command {
        let mut command = self.run_as.command(self.programs.path("pg_ctl"), folder);
        command.args(["kill", "QUIT", &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Cluster {
    /// Starts a server. Blocks until it is ready.
    pub(super) fn start(programs: &Programs, environment: &Environment) -> Result<Arc<Self>> {
        let folder = TemporaryFolder::create(&environment.temporary())?;
        let run_as = RunAs::choose(folder.is_of_root())?;
        run_as.own(folder.path())?;
        let data = template::create_cluster(programs, run_as, &folder, environment)?;
        let log = folder.path().join("log");
        let output = File::create(&log).map_err(|source| Error::Io { path: log.clone(), source })?;
        let errors = output.try_clone().map_err(|source| Error::Io { path: log.clone(), source })?;

        let mut command = run_as.command(programs.path("postgres"), folder.path());
        command.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // In its own process group, so that Ctrl-C at the terminal reaches only this process, which then stops it.
        let child = command
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Io { path: programs.path("postgres"), source })?;
        let socket = folder.path().to_owned();
        let stop = StopCommand { programs: programs.clone(), run_as };
        let running = Running { child, stop, folder };
        let cluster = Arc::new(Self { running: Mutex::new(Some(running)), socket });
        cleanup::register(&cluster);
        cluster.wait_until_ready(&data, &log)?;
        Ok(cluster)
    }

    /// Waits until the server writes `ready` into the eighth line of `postmaster.pid`.
    fn wait_until_ready(&self, data: &Path, log: &Path) -> Result<()> {
        let file = data.join("postmaster.pid");
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if text.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            let ended = {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.as_mut().is_none_or(|running| !matches!(running.child.try_wait(), Ok(None)))
            };
            if ended || Instant::now() > deadline {
                let log = tail(log);
                self.stop();
                let what = if ended { "exited during startup" } else { "did not start within a minute" };
                return Err(Diagnostic::new(codes::SCRATCH, format!("the private server {what}"))
                    .help(format!("its log ends with:\n{log}"))
                    .into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The address of a database of this server.
    pub(super) fn target(&self, database: &str) -> Result<Target> {
        // Without the user's environment variables.
        let text = format!("host={} port=5432 user={SUPERUSER} dbname={database}", self.socket.display());
        Target::parse(&text, &Environment::default())
    }

    /// Stops the server and removes its folder. Does nothing if the server has been stopped.
    pub(super) fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut running) = running else { return };
        let signalled = running.stop.command(running.child.id(), running.folder.path()).status();
        let deadline = Instant::now() + Duration::from_secs(3);
        while signalled.as_ref().is_ok_and(std::process::ExitStatus::success) && Instant::now() < deadline {
            if !matches!(running.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = running.child.kill();
        let _ = running.child.wait();
    }
}

impl CleanUp for Cluster {
    fn clean_up(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = tokio::task::spawn_blocking(move || self.stop()).await;
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The last lines of the log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Stops servers of killed runs, which continue without their owner, and removes their folders.
pub(super) fn remove_abandoned_servers(programs: &Programs, environment: &Environment) {
    remove_abandoned(&environment.temporary(), |path| {
        let data = path.join("data");
        let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let Some(process) = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok()) else {
            return;
        };
        // Process ids are reused: the command line of the server names the folder.
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        if fs::exists("/proc/self").unwrap_or(false)
            && !String::from_utf8_lossy(&command).contains(&data.display().to_string())
        {
            return;
        }
        let Ok(owner) = fs::metadata(path) else { return };
        let me = fs::metadata("/proc/self").map_or(owner.uid(), |me| me.uid());
        let run_as = if me == owner.uid() {
            RunAs::Current
        } else {
            RunAs::Other { user: owner.uid(), group: owner.gid() }
        };
        let stop = StopCommand { programs: programs.clone(), run_as };
        let _ = stop.command(process, path).status();
        let deadline = Instant::now() + Duration::from_secs(2);
        while data.join("postmaster.pid").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}
