//! `schemadiff init`: writes the files of a new project.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Globals, Outcome};
use crate::config;
use crate::error::{Error, Result};
use crate::report::{output, schema};

/// Create a new project.
///
/// Writes a configuration, a target schema and a folder of migrations. Never overwrites a file.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff init
  schemadiff init services/shop")]
pub struct Args {
    /// Folder of the project.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

const CONFIG: &str = "\
# The target schema: a .yaml or .sql file, a folder of .sql files, or a list of them.
target: schema.yaml

# The folder of migrations, and their naming scheme: timestamp | numbered | dated.
migrations: generated
layout: timestamp

# The scratch server on which migrations are rehearsed: auto | binaries | environment | embedded | a URL.
scratch: auto

# ${NAME} and ${NAME:-default} are environment variables; a `.env` file beside this one is read too.
environments:
  # A development database that needs no installed PostgreSQL.
  dev: {url: \"embedded:.schemadiff/dev\"}
  # prod: {url: \"${DATABASE_URL}\", protected: true}
default_environment: dev
";

const TARGET: &str = "\
# yaml-language-server: $schema=.schemadiff/target.schema.json
# The target schema. `schemadiff generate` writes the migration that produces it.
# To start from an existing database: schemadiff introspect URL > schema.yaml
schemas:
  public:
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true}
          name: text
";

/// The line in `.gitignore`.
const IGNORED: &str = ".schemadiff/";

/// Runs the command.
///
/// # Errors
/// Returns an error if a file cannot be written.
#[allow(clippy::unused_async, reason = "commands have one signature")]
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let mut created = Vec::new();
    let files = [
        (config::FILE, CONFIG.to_owned()),
        ("schema.yaml", TARGET.to_owned()),
        ("generated/.gitkeep", String::new()),
        (".schemadiff/target.schema.json", schema::render()),
    ];
    for (name, text) in files {
        let path = in_folder(&args.dir, name);
        if create(&path, &text)? {
            created.push(path);
        } else {
            globals.say(&format!("{} exists and is left unchanged", path.display()));
        }
    }
    let ignore = in_folder(&args.dir, ".gitignore");
    if add_ignored(&ignore)? {
        created.push(ignore);
    }
    for path in created {
        output::print(&format!("{}\n", path.display()));
    }
    globals.say("next: edit schema.yaml, then run `schemadiff generate` and `schemadiff migrate`");
    Ok(Outcome::Clean)
}

fn in_folder(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}

/// Creates a file and the folder that contains it. Returns false if the file exists.
fn create(path: &Path, text: &str) -> Result<bool> {
    let failed = |source| Error::Io { path: path.into(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Adds the folder of local files to `.gitignore`. Returns false if it is listed there.
fn add_ignored(path: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    if text.lines().any(|line| line.trim().trim_start_matches('/') == IGNORED) {
        return Ok(false);
    }
    let failed = |source| Error::Io { path: path.into(), source };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{separator}{IGNORED}\n").as_bytes()).map_err(failed)?;
    Ok(true)
}
