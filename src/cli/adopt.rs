//! `schemadiff init --from URL`: a project for a database that exists.

use std::path::{Path, PathBuf};

use super::globals::Globals;
use super::options::NamingOptions;
use super::project::{Project, SandboxNeeds};
use super::project_files::{add_ignored, configuration, create, in_folder};
use crate::config::{self, Config, Database};
use crate::db::{Environment, Session, Target};
use crate::declare::yaml;
use crate::error::{Diagnostic, Result, codes};
use crate::generate::{self, MigrationOptions};
use crate::migrate::{self, Migrator};
use crate::model::{Fingerprint, Pair};
use crate::report::{output, schema};
use crate::revision::{Draft, Folder};
use crate::sandbox::{Source, State, installed_extensions, read_live};

/// The name of the environment in the new configuration.
const ENVIRONMENT: &str = "main";

/// The name of the target.
const TARGET: &str = "schema.yaml";

/// Creates a project from a database: its configuration, its target, and a baseline revision, which is recorded as
/// applied in the database.
///
/// # Errors
/// Returns an error if the folder contains a project, if the database has recorded revisions, or if the baseline revision
/// cannot be proved.
pub async fn adopt(folder: &Path, url: &str, globals: &Globals) -> Result<()> {
    let database = Database::at(Target::parse(url, &globals.environment)?);
    let mut config = Config::defaults();
    config.migrations = in_folder(folder, "generated");
    let project = Project { globals, config };
    let revisions = project.folder(None)?;
    check_new(folder, &revisions)?;
    revisions.check_writable()?;
    check_without_history(&database).await?;
    let live = read_live(&database.target).await?;
    project.check_coverage(&live.name, &live.catalog)?;
    let baseline = baseline(&project, &database, &live).await?;

    let address = StoredAddress::of(url, folder);
    let environments = format!("  {ENVIRONMENT}: {{url: {}}}\n", address.text);
    let mut created = Vec::new();
    for (name, text) in [
        (config::FILE, configuration(&environments, ENVIRONMENT)),
        (TARGET, target(&live)),
        (".schemadiff/target.schema.json", schema::render()),
    ] {
        let path = in_folder(folder, name);
        if create(&path, &text)? {
            created.push(path);
        }
    }
    created.extend(revisions.write(&baseline)?);
    let ignore = in_folder(folder, ".gitignore");
    if add_ignored(&ignore)? {
        created.push(ignore);
    }
    for path in &created {
        output::print(&format!("{}\n", path.display()));
    }
    if let Err(error) = record(&database, &revisions, &live, globals).await {
        globals.say(
            "the files are written, but the revision could not be recorded; `schemadiff baseline` records it",
        );
        return Err(error);
    }
    output::print(&format!("recorded {} as applied in {}\n", baseline.name, database.name));
    if address.has_password {
        globals.say(
            "the URL has a password, so schemadiff.yaml refers to the environment variable DATABASE_URL: set it, or write \
             it into `.env`, which git ignores",
        );
    }
    globals.say("next: edit schema.yaml, then run `schemadiff generate` and `schemadiff migrate`");
    Ok(())
}

/// Returns the text of the target.
fn target(live: &State) -> String {
    let modeline = "# yaml-language-server: $schema=.schemadiff/target.schema.json\n";
    format!("{modeline}{}", yaml::write(&live.catalog, yaml::WriteOptions::default()))
}

/// Checks that the folder contains no project.
fn check_new(folder: &Path, revisions: &Folder) -> Result<()> {
    let mut existing: Vec<PathBuf> = [config::FILE, TARGET].map(|name| in_folder(folder, name)).into();
    existing.retain(|path| path.exists());
    if !revisions.revisions()?.is_empty() {
        existing.push(revisions.path().to_owned());
    }
    let Some(first) = existing.first() else { return Ok(()) };
    Err(Diagnostic::new(codes::FILE, format!("`{}` exists", first.display()))
        .help("name a new folder: schemadiff init FOLDER --from URL")
        .help("or, if its revisions describe this database, record them: schemadiff baseline --url URL")
        .into())
}

/// Checks that no revisions are recorded in the database.
async fn check_without_history(database: &Database) -> Result<()> {
    let session = Session::connect(&database.target).await?;
    let result = migrate::has_no_history(&session).await;
    session.close().await;
    if result? {
        return Ok(());
    }
    let what = format!("{} has records of revisions in its schema `schemadiff`", database.name);
    Err(Diagnostic::new(codes::REVISION, what)
        .help("get the project with these revisions from version control")
        .help("or, if the project is lost: `DROP SCHEMA schemadiff CASCADE` in the database removes the records")
        .into())
}

/// Plans and proves the revision that creates the objects of the database.
async fn baseline(project: &Project<'_>, database: &Database, live: &State) -> Result<Draft> {
    let at = NamingOptions::default().time(project.globals)?;
    let options = MigrationOptions { at: Some(at), ..MigrationOptions::default() };
    let needs = SandboxNeeds {
        major: Some(live.catalog.version.major()),
        database: Some(database),
        extensions: installed_extensions(&live.catalog),
    };
    let (migration, before) = project
        .with_sandbox(needs, async |sandbox| {
            let before = sandbox.read(&Source::Empty).await?;
            let after = sandbox.normalize(live.clone()).await?;
            let states = Pair { before: &before, after: &after };
            let migration = generate::migration(sandbox, states, &options).await?;
            Ok((migration, before))
        })
        .await?;
    if migration.up.is_empty() {
        return Err(Diagnostic::new(codes::USAGE, format!("{} has no objects", live.name))
            .help("start a new project with `schemadiff init`")
            .into());
    }
    let fingerprints =
        Pair { before: Fingerprint::of(&before.catalog), after: Fingerprint::of(&migration.sides.after) };
    project.globals.say(&migration.proof.to_string());
    Ok(Draft::new(&migration, &fingerprints, (project.config.layout, None), Some("baseline"), at))
}

/// Records the revision as applied.
async fn record(database: &Database, folder: &Folder, live: &State, globals: &Globals) -> Result<()> {
    let revisions = folder.revisions()?;
    let options = migrate::Options { messages: globals.messages(), ..migrate::Options::default() };
    let migrator = Migrator::open(&database.target, options).await?;
    let result = migrator.stamp(&revisions, &live.catalog).await;
    migrator.close().await;
    result
}

/// An address as the configuration stores it.
struct StoredAddress {
    /// The value in YAML.
    text: String,
    has_password: bool,
}

impl StoredAddress {
    fn of(url: &str, folder: &Path) -> Self {
        let url = url.trim();
        // Without an environment, the only password is that of the URL.
        let target = Target::parse(url, &Environment::default());
        let in_url = |target: Target| target.libpq_variables().iter().any(|(name, _)| *name == "PGPASSWORD");
        let has_password = target.is_ok_and(in_url) || url.to_ascii_lowercase().contains("password=");
        if has_password {
            return Self { text: "\"${DATABASE_URL}\"".into(), has_password };
        }
        let text = match url.strip_prefix("embedded:").map(Path::new) {
            // It is relative to the configuration.
            Some(path) if path.is_relative() && folder != Path::new(".") => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
                format!("embedded:{}", path.display())
            }
            _ => url.to_owned(),
        };
        let text = text.replace('$', "$$").replace('\\', "\\\\").replace('"', "\\\"");
        Self { text: format!("\"{text}\""), has_password }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_stored() {
        let stored = |url: &str| StoredAddress::of(url, Path::new(".")).text;
        assert_eq!(stored("postgres://ann:secret@h/db"), "\"${DATABASE_URL}\"");
        assert_eq!(stored("host=h dbname=db user=ann password=x"), "\"${DATABASE_URL}\"");
        assert_eq!(stored("postgres://ann@h/db?sslpassword=x"), "\"${DATABASE_URL}\"");
        assert_eq!(stored("postgres://ann@h/db"), "\"postgres://ann@h/db\"");
        assert_eq!(stored("embedded:dev"), "\"embedded:dev\"");
        assert!(StoredAddress::of("embedded:dev", Path::new("shop")).text.starts_with("\"embedded:/"));
    }
}
