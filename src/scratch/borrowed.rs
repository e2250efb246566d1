//! Databases on a server that this process did not start. Their names say which process they belong to.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::cleanup::{self, CleanUp};
use super::create::{create_database, drop_database};
use super::extensions::check_available;
use super::options::{MessageSink, ScratchOptions};
use super::roles::{self, RoleStub};
use super::server::Server;
use crate::db::{PgVersion, Session, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::owner::{self, Owner};
use crate::model::sql::Ident;
use crate::sql;

/// The beginning of the names of scratch databases.
const PREFIX: &str = "schemadiff_scratch_";

/// The age in seconds at which a database of another machine, whose processes are not visible, counts as abandoned.
const MAX_AGE: u64 = 24 * 60 * 60;

/// A server that this process did not start.
pub(super) struct Borrowed {
    target: Target,
    /// None after the clean-up.
    admin: tokio::sync::Mutex<Option<Session>>,
    version: PgVersion,
    created: Mutex<Created>,
    messages: MessageSink,
}

/// What this process has created and must drop.
#[derive(Clone, Debug, Default)]
struct Created {
    databases: Vec<String>,
    roles: Vec<String>,
}

impl Created {
    fn is_empty(&self) -> bool {
        self.databases.is_empty() && self.roles.is_empty()
    }
}

impl Borrowed {
    pub(super) async fn connect(target: &Target, options: &ScratchOptions) -> Result<Arc<Self>> {
        if target.folder().is_some() {
            let message = format!("scratch databases cannot be created in {target}");
            return Err(Diagnostic::new(codes::SCRATCH, message)
                .help("choose --scratch embedded, which starts a server for each database")
                .into());
        }
        let admin = Session::connect(target).await?;
        let allowed = admin
            .rows("SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
            .await?;
        if allowed.first().and_then(|row| row.get(0)) != Some("t") {
            let message = format!("the role `{}` may not create databases on {target}", admin.role());
            return Err(Diagnostic::new(codes::PRIVILEGE, message)
                .help("run ALTER ROLE ... CREATEDB, or choose another scratch server")
                .into());
        }
        check_available(&admin, options, "given server").await?;
        drop_abandoned(&admin, &options.messages).await;
        let borrowed = Arc::new(Self {
            target: target.clone(),
            version: admin.version(),
            admin: tokio::sync::Mutex::new(Some(admin)),
            created: Mutex::default(),
            messages: Arc::clone(&options.messages),
        });
        cleanup::register(&borrowed);
        Ok(borrowed)
    }

    fn created(&self) -> std::sync::MutexGuard<'_, Created> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops everything that was created and disconnects.
    async fn clean(&self) {
        let created = std::mem::take(&mut *self.created());
        if let Some(admin) = self.admin.lock().await.take() {
            drop_all(&admin, &created, &self.messages).await;
            admin.close().await;
        }
    }
}

impl Server for Borrowed {
    fn version(&self) -> PgVersion {
        self.version
    }

    fn create_database(&self) -> BoxFuture<'_, Result<Session>> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Box::pin(async {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}_{:x}_{number:x}", owner::this_process(), owner::now());
            let admin = self.admin.lock().await;
            // Recorded before it exists: a needless DROP is better than a database left behind.
            self.created().databases.push(name.clone());
            create_database(connected(admin.as_ref())?, &name).await?;
            drop(admin);
            Session::connect(&self.target.with_database(&name)).await
        })
    }

    fn create_roles<'a>(&'a self, _session: &'a Session, stubs: &'a [RoleStub]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let admin = self.admin.lock().await;
            let mark = format!("{PREFIX}{}_{:x}", owner::this_process(), owner::now());
            let created = roles::create(connected(admin.as_ref())?, stubs, Some(&mark)).await?;
            self.created().roles.extend(created);
            Ok(())
        })
    }

    fn drop_database<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let admin = self.admin.lock().await;
            drop_database(connected(admin.as_ref())?, name).await?;
            self.created().databases.retain(|other| other != name);
            Ok(())
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.clean())
    }
}

impl CleanUp for Borrowed {
    fn clean_up(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.clean().await })
    }
}

impl Drop for Borrowed {
    /// Cleans up after an error, on a thread and a connection of its own, because the runtime that drives the other
    /// connection may have ended.
    fn drop(&mut self) {
        let created = std::mem::take(&mut *self.created());
        if created.is_empty() {
            return;
        }
        let (target, messages) = (self.target.clone(), Arc::clone(&self.messages));
        let cleaning = std::thread::spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return not_dropped(&messages, &created, &error),
            };
            runtime.block_on(async {
                let cleaned = tokio::time::timeout(Duration::from_secs(10), async {
                    match Session::connect(&target).await {
                        Ok(admin) => {
                            drop_all(&admin, &created, &messages).await;
                            admin.close().await;
                        }
                        Err(error) => not_dropped(&messages, &created, &error),
                    }
                });
                if let Err(error) = cleaned.await {
                    not_dropped(&messages, &created, &error);
                }
            });
        });
        let _ = cleaning.join();
    }
}

fn not_dropped(messages: &MessageSink, created: &Created, error: &dyn std::fmt::Display) {
    let names = created.databases.iter().chain(&created.roles).cloned().collect::<Vec<_>>().join(", ");
    messages(&format!("could not drop {names}, created for scratch: {error}; the next run will try again"));
}

fn connected(admin: Option<&Session>) -> Result<&Session> {
    admin.ok_or_else(|| Error::Internal("the scratch server has been stopped".to_owned()))
}

async fn drop_all(admin: &Session, created: &Created, messages: &MessageSink) {
    for name in &created.databases {
        if let Err(error) = drop_database(admin, name).await {
            messages(&format!("could not drop the scratch database {name}: {error}"));
        }
    }
    // After the databases, because objects in them belong to the roles.
    for name in &created.roles {
        let drop = sql!("DROP ROLE IF EXISTS {}", Ident(name));
        if let Err(error) = admin.run(drop.as_str()).await {
            messages(&format!("could not drop the role {name}, created for a scratch database: {error}"));
        }
    }
}

/// Drops what earlier runs left: objects of this machine if their process has ended, those of other machines after a
/// day.
async fn drop_abandoned(admin: &Session, messages: &MessageSink) {
    let found = match admin.rows(MARKED).await {
        Ok(found) => found,
        Err(error) => {
            messages(&format!("could not look for scratch databases of earlier runs: {error}"));
            return;
        }
    };
    let names = |kind: &str| -> Vec<String> {
        let rows = found.iter().filter(|row| row.get(0) == Some(kind));
        rows.filter(|row| row.get(2).is_some_and(is_abandoned))
            .filter_map(|row| row.get(1).map(str::to_owned))
            .collect()
    };
    let abandoned = Created { databases: names("database"), roles: names("role") };
    if !abandoned.is_empty() {
        tracing::debug!(?abandoned, "dropping what an earlier run left");
        drop_all(admin, &abandoned, messages).await;
    }
}

/// The kind, the name and the mark with the owner of each object that a run has created.
const MARKED: &str = r"
SELECT 'database', datname, datname FROM pg_catalog.pg_database
 WHERE datname LIKE 'schemadiff\_scratch\_%' AND pg_catalog.pg_has_role(datdba, 'USAGE')
UNION ALL
SELECT 'role', r.rolname, d.description FROM pg_catalog.pg_shdescription d
  JOIN pg_catalog.pg_roles r ON r.oid = d.objoid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
 WHERE d.description LIKE 'schemadiff\_scratch\_%'";

/// Reads a mark: `schemadiff_scratch_MACHINE_PROCESS_STARTED_SECONDS[_NUMBER]`.
fn is_abandoned(mark: &str) -> bool {
    let Some(rest) = mark.strip_prefix(PREFIX) else { return false };
    let parts: Vec<&str> = rest.split('_').collect();
    let (Some(owner), Some(created)) = (
        parts.get(..3).and_then(|parts| Owner::parse(&parts.join("_"))),
        parts.get(3).and_then(|seconds| u64::from_str_radix(seconds, 16).ok()),
    ) else {
        return false;
    };
    owner.is_gone().unwrap_or_else(|| owner::now().saturating_sub(created) > MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, is_abandoned, owner};

    #[test]
    fn marks_of_abandoned_databases() {
        let (me, now) = (owner::this_process(), owner::now());
        assert!(!is_abandoned(&format!("{PREFIX}{me}_{now:x}_1")));
        assert!(is_abandoned(&format!("{PREFIX}{me}0_{now:x}_1")), "different start time");
        assert!(!is_abandoned(&format!("{PREFIX}00000001_1_1_{now:x}_1")), "other machine, recent");
        assert!(is_abandoned(&format!("{PREFIX}00000001_1_1_{:x}_1", now - 90_000)), "other machine, old");
        assert!(!is_abandoned("schemadiff_scratch_mine"));
        let longest = format!("{PREFIX}ffffffff_4194304_{:x}_{now:x}_ffff", u32::MAX);
        assert!(longest.len() < 63, "{longest}");
    }
}
