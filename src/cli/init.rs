//! `schemadiff init`: writes the files of a new project.

use std::path::PathBuf;

use super::adopt::adopt;
use super::project_files::{add_ignored, configuration, create, in_folder};
use super::{Globals, Outcome};
use crate::config;
use crate::error::Result;
use crate::report::{output, schema};

/// Create a new project.
///
/// Writes a configuration, a target schema and a folder of migrations. Never overwrites a file.
///
/// With `--from`, the target is the schema of a database that exists. A baseline revision that creates it is written too,
/// and recorded as applied in that database.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff init
  schemadiff init services/shop
  schemadiff init --from \"$DATABASE_URL\"")]
pub struct Args {
    /// Folder of the project.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// URL of the database that the project starts from. A password in it is not stored.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

/// The environments of a new project.
const ENVIRONMENTS: &str = "  # A development database that needs no installed PostgreSQL.
  dev: {url: \"embedded:.schemadiff/dev\"}
  # prod: {url: \"${DATABASE_URL}\", protected: true}
";

const TARGET: &str = "\
# yaml-language-server: $schema=.schemadiff/target.schema.json
# The target schema. `schemadiff generate` writes the migration that produces it.
# To start from an existing database: schemadiff init --from URL
schemas:
  public:
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true}
          name: text
";

/// Runs the command.
///
/// # Errors
/// Returns an error if a file cannot be written, or if the database cannot be adopted.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    if let Some(url) = &args.from {
        adopt(&args.dir, url, globals).await?;
        return Ok(Outcome::Clean);
    }
    let mut created = Vec::new();
    let files = [
        (config::FILE, configuration(ENVIRONMENTS, "dev")),
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
