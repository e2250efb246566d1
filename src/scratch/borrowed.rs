//! Databases on a server that is not ours: made under names that tell whose they are, and dropped.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::database::{create, drop_database};
use super::roles::{self, RoleStub};
use super::{ScratchOptions, Talk};
use crate::db::{PgVersion, Session, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::files::owner::{self, Owner};
use crate::model::sql::Ident;
use crate::sql;

const PREFIX: &str = "schemadiff_scratch_";

/// What runs on other machines cannot be seen, so that it is left alone for a day.
const PATIENCE: u64 = 24 * 60 * 60;

/// A server that someone else runs.
pub(super) struct Borrowed {
    target: Target,
    /// Taken by the clean-up.
    admin: tokio::sync::Mutex<Option<Session>>,
    version: PgVersion,
    made: Mutex<Made>,
    talk: Talk,
}

/// What we made there and have to remove.
#[derive(Clone, Debug, Default)]
struct Made {
    databases: Vec<String>,
    roles: Vec<String>,
}

impl Made {
    fn is_empty(&self) -> bool {
        self.databases.is_empty() && self.roles.is_empty()
    }
}

impl Borrowed {
    pub(super) async fn connect(target: &Target, wanted: &ScratchOptions) -> Result<Arc<Self>> {
        if target.folder().is_some() {
            let wrong =
                Diagnostic::new(codes::SCRATCH, format!("{target} has no room for scratch databases"));
            return Err(wrong.help("choose --scratch embedded: it starts servers of its own").into());
        }
        let admin = Session::connect(target).await?;
        let allowed = admin
            .rows("SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
            .await?;
        if allowed.first().and_then(|row| row.get(0)) != Some("t") {
            let message = format!("the role `{}` may not create databases at {target}", admin.role());
            return Err(Diagnostic::new(codes::PRIVILEGE, message)
                .help("grant it: ALTER ROLE ... CREATEDB, or choose another scratch server")
                .into());
        }
        super::check_extensions(&admin, wanted, "given server").await?;
        sweep(&admin, &wanted.talk).await;
        let borrowed = Arc::new(Self {
            target: target.clone(),
            version: admin.version(),
            admin: tokio::sync::Mutex::new(Some(admin)),
            made: Mutex::default(),
            talk: Arc::clone(&wanted.talk),
        });
        super::live::register_borrowed(&borrowed);
        Ok(borrowed)
    }

    pub(super) fn version(&self) -> PgVersion {
        self.version
    }

    pub(super) fn target(&self, database: &str) -> Target {
        self.target.with_database(database)
    }

    pub(super) async fn create_database(&self) -> Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}_{:x}_{number:x}", owner::this_process(), owner::now());
        let admin = self.admin.lock().await;
        // Noted first: better one drop too many than a database left.
        self.made().databases.push(name.clone());
        create(stopped(admin.as_ref())?, &name).await?;
        Ok(name)
    }

    pub(super) async fn drop_database(&self, name: &str) -> Result<()> {
        let admin = self.admin.lock().await;
        drop_database(stopped(admin.as_ref())?, name).await?;
        self.made().databases.retain(|other| other != name);
        Ok(())
    }

    pub(super) async fn create_roles(&self, wanted: &[RoleStub]) -> Result<()> {
        let admin = self.admin.lock().await;
        let mark = format!("{PREFIX}{}_{:x}", owner::this_process(), owner::now());
        let created = roles::create(stopped(admin.as_ref())?, wanted, Some(&mark)).await?;
        self.made().roles.extend(created);
        Ok(())
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes all that was made here and disconnects.
    pub(super) async fn clean(&self) {
        let made = std::mem::take(&mut *self.made());
        if let Some(admin) = self.admin.lock().await.take() {
            remove(&admin, &made, &self.talk).await;
            admin.close().await;
        }
    }
}

impl Drop for Borrowed {
    /// The way out after an error: a connection of its own, on a thread of its own, since nobody
    /// may be left to drive the other one.
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.made());
        if made.is_empty() {
            return;
        }
        let (target, talk) = (self.target.clone(), Arc::clone(&self.talk));
        let cleaning = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let cleaned = tokio::time::timeout(Duration::from_secs(10), async {
                    if let Ok(admin) = Session::connect(&target).await {
                        remove(&admin, &made, &talk).await;
                        admin.close().await;
                    }
                });
                let _ = cleaned.await;
            });
        });
        let _ = cleaning.join();
    }
}

fn stopped(admin: Option<&Session>) -> Result<&Session> {
    admin.ok_or_else(|| Error::Internal("the scratch server is stopped".to_owned()))
}

async fn remove(admin: &Session, made: &Made, talk: &Talk) {
    for name in &made.databases {
        if let Err(error) = drop_database(admin, name).await {
            talk(&format!("the scratch database {name} could not be dropped: {error}"));
        }
    }
    // After the databases, in which the roles own things.
    for name in &made.roles {
        if let Err(error) = admin.run(sql!("DROP ROLE IF EXISTS {}", Ident(name)).as_str()).await {
            talk(&format!("the role {name}, made for the scratch database, could not be dropped: {error}"));
        }
    }
}

/// Drops what earlier runs could not: those of this machine when their process is gone, those of
/// other machines after a day.
async fn sweep(admin: &Session, talk: &Talk) {
    let found = admin.rows(ABANDONED).await.unwrap_or_default();
    let names = |kind: &str| -> Vec<String> {
        let rows = found.iter().filter(|row| row.get(0) == Some(kind));
        rows.filter(|row| row.get(2).is_some_and(is_abandoned))
            .filter_map(|row| row.get(1).map(str::to_owned))
            .collect()
    };
    let made = Made { databases: names("database"), roles: names("role") };
    if !made.is_empty() {
        tracing::debug!(?made, "dropping what an earlier run left");
        remove(admin, &made, talk).await;
    }
}

/// Kind, name, and the mark that says whose it is.
const ABANDONED: &str = r"
SELECT 'database', datname, datname FROM pg_catalog.pg_database
 WHERE datname LIKE 'schemadiff\_scratch\_%' AND pg_catalog.pg_has_role(datdba, 'USAGE')
UNION ALL
SELECT 'role', r.rolname, d.description FROM pg_catalog.pg_shdescription d
  JOIN pg_catalog.pg_roles r ON r.oid = d.objoid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
 WHERE d.description LIKE 'schemadiff\_scratch\_%'";

/// `schemadiff_scratch_MACHINE_PROCESS_STARTED_SECONDS[_NUMBER]`.
fn is_abandoned(mark: &str) -> bool {
    let Some(rest) = mark.strip_prefix(PREFIX) else { return false };
    let parts: Vec<&str> = rest.split('_').collect();
    let (Some(owner), Some(made)) = (
        parts.get(..3).and_then(|parts| Owner::parse(&parts.join("_"))),
        parts.get(3).and_then(|seconds| u64::from_str_radix(seconds, 16).ok()),
    ) else {
        return false;
    };
    owner.is_gone().unwrap_or_else(|| owner::now().saturating_sub(made) > PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, is_abandoned, owner};

    #[test]
    fn marks_tell_what_is_abandoned() {
        let (me, now) = (owner::this_process(), owner::now());
        assert!(!is_abandoned(&format!("{PREFIX}{me}_{now:x}_1")));
        assert!(is_abandoned(&format!("{PREFIX}{me}0_{now:x}_1")), "started at another time");
        assert!(!is_abandoned(&format!("{PREFIX}00000001_1_1_{now:x}_1")), "elsewhere, young");
        assert!(is_abandoned(&format!("{PREFIX}00000001_1_1_{:x}_1", now - 90_000)), "elsewhere, old");
        assert!(!is_abandoned("schemadiff_scratch_mine"));
        let longest = format!("{PREFIX}ffffffff_4194304_{:x}_{now:x}_ffff", u32::MAX);
        assert!(longest.len() < 63, "{longest}");
    }
}
