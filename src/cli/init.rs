//! `schemadiff init`: the files of a new project.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Globals, Outcome};
use crate::config::FILE;
use crate::error::{Error, Result};

/// Writes the files of a new project: configuration, target, folder of migrations. Never overwrites.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff init
  schemadiff init services/shop")]
pub struct Args {
    /// The folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

const CONFIG: &str = "\
# The schema that the database shall have: a .yaml or .sql file, a folder of .sql files, or a list.
target: schema.yaml

# The folder of migrations, and how they are named: timestamp | numbered | dated.
migrations: generated
layout: timestamp

# Where migrations are tried out: auto | binaries | environment | embedded | a server's address.
scratch: auto

# ${NAME} and ${NAME:-default} are variables, also those of a `.env` beside this file.
environments:
  # A development database inside this program: nothing need be installed.
  dev: {url: \"embedded:.schemadiff/dev\"}
  # prod: {url: \"${DATABASE_URL}\", protected: true}
default_environment: dev
";

const TARGET: &str = "\
# yaml-language-server: $schema=.schemadiff/target.schema.json
# The schema as it shall be. `schemadiff generate` writes the migration that leads there.
# An existing database is written down by `schemadiff introspect URL > schema.yaml`.
schemas:
  public:
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true}
          name: text
";

const IGNORED: &str = ".schemadiff/";

/// Runs it.
pub fn run(args: &Args, globals: &Globals) -> Result<Outcome> {
    let dir = &args.dir;
    let mut made = Vec::new();
    let files = [
        (FILE, CONFIG.to_owned()),
        ("schema.yaml", TARGET.to_owned()),
        ("generated/.gitkeep", String::new()),
        (".schemadiff/target.schema.json", crate::report::schema::render()),
    ];
    for (name, text) in files {
        let path = if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) };
        if create(&path, &text)? {
            made.push(path);
        } else {
            globals.say(&format!("{} is there and stays as it is", path.display()));
        }
    }
    let ignore = if dir == Path::new(".") { PathBuf::from(".gitignore") } else { dir.join(".gitignore") };
    let had = std::fs::read_to_string(&ignore).unwrap_or_default();
    if !had.lines().any(|line| line.trim().trim_start_matches('/') == IGNORED) {
        let failed = |source| Error::Io { path: ignore.clone(), source };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&ignore).map_err(failed)?;
        let gap = if had.is_empty() || had.ends_with('\n') { "" } else { "\n" };
        file.write_all(format!("{gap}{IGNORED}\n").as_bytes()).map_err(failed)?;
        made.push(ignore);
    }
    for path in made {
        super::print(&format!("{}\n", path.display()));
    }
    globals.say("next: edit schema.yaml, then `schemadiff generate` and `schemadiff migrate`");
    Ok(Outcome::Clean)
}

/// Creates a file unless it is there.
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
