//! `schemadiff quickstart`: a tour of the commands on a database of its own.

use std::path::{Path, PathBuf};

use super::globals::Program;
use super::{Globals, Outcome};
use crate::db::{Session, Target};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::report::output;

/// Demonstrate generate, migrate and drift on a temporary database.
///
/// Nothing needs to be installed: the database is a folder, run by the embedded PostgreSQL. The folder is kept, so that
/// you can continue with it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff quickstart
  schemadiff quickstart my-first-schema")]
pub struct Args {
    /// Folder to create [default: a temporary folder].
    folder: Option<PathBuf>,
}

/// `schemadiff.yaml`.
const CONFIGURATION: &str = "\
target: schema.yaml
migrations: generated
environments:
  dev: {url: \"embedded:.schemadiff/dev\"}
default_environment: dev
";

/// `schema.yaml`.
const TARGET: &str = "\
schemas:
  shop:
    enums:
      order_status: [new, paid, shipped]
    tables:
      customer:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          email: {type: text, not_null: true, unique: true}
      orders:
        columns:
          id: {type: bigint, identity: always, primary_key: true}
          customer_id: {type: bigint, not_null: true, references: shop.customer(id)}
          status: {type: shop.order_status, not_null: true, default: \"'new'\"}
          amount: {type: \"numeric(12,2)\", not_null: true, check: amount >= 0}
    views:
      unpaid: SELECT id, customer_id, amount FROM shop.orders WHERE status = 'new'
";

/// The changes of the target: old and new text.
const EDITS: [(&str, &str); 3] = [
    ("[new, paid, shipped]", "[new, paid, packed, shipped]"),
    (
        "unique: true}\n",
        "unique: true}\n          loyalty_points: {type: integer, not_null: true, default: 0}\n",
    ),
    ("numeric(12,2)", "numeric(14,2)"),
];

/// The rows that the migrations must keep.
const ROWS: &str = "INSERT INTO shop.customer (email) VALUES ('ada@example.org'), ('grace@example.org');
INSERT INTO shop.orders (customer_id, amount) SELECT id, 10 FROM shop.customer";

/// A change made outside migrations.
const MANUAL_CHANGE: &str = "ALTER TABLE shop.customer ALTER COLUMN email DROP NOT NULL";

/// Runs the command.
///
/// # Errors
/// Returns an error if the folder is not empty or one of the commands fails.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let folder = create_folder(args.folder)?;
    let tour = Tour { folder: &folder, quiet: globals.options.quiet, program: globals.program };
    tour.write("schemadiff.yaml", CONFIGURATION)?;
    tour.write("schema.yaml", TARGET)?;

    Tour::title("1. The target: a schema in YAML");
    Tour::show("schema.yaml", TARGET);
    Tour::title("2. The first migration: generated, rehearsed on a scratch copy, then applied");
    tour.command(&["generate", "--name", "create shop"]).await?;
    tour.command(&["migrate"]).await?;
    tour.sql(ROWS).await?;

    Tour::title("3. The target changes: schemadiff generates the migration and its rollback");
    let changed = EDITS.iter().fold(TARGET.to_owned(), |text, (from, to)| text.replace(from, to));
    tour.write("schema.yaml", &changed)?;
    let difference = similar::TextDiff::from_lines(TARGET, &changed);
    Tour::show("schema.yaml", &difference.unified_diff().context_radius(0).to_string());
    tour.command(&["generate", "--name", "loyalty points"]).await?;
    tour.show_revision("loyalty_points")?;
    tour.command(&["migrate"]).await?;
    tour.command(&["status"]).await?;

    Tour::title("4. Someone changes the database by hand: drift reports it");
    tour.sql(MANUAL_CHANGE).await?;
    tour.command(&["drift", "--env", "dev"]).await?;

    Tour::title("The project is kept in this folder");
    output::print(&format!("cd {}\n", folder.display()));
    Ok(Outcome::Clean)
}

/// Creates the folder; a temporary one if none is named.
fn create_folder(named: Option<PathBuf>) -> Result<PathBuf> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let Some(path) = named else {
        let temporary = tempfile::Builder::new().prefix("schemadiff-quickstart-").tempdir();
        return Ok(temporary.map_err(failed(&std::env::temp_dir()))?.keep());
    };
    std::fs::create_dir_all(&path).map_err(failed(&path))?;
    let empty = std::fs::read_dir(&path).map_err(failed(&path))?.next().is_none();
    if !empty {
        return Err(Diagnostic::new(codes::FILE, format!("`{}` is not empty", path.display()))
            .help("name a folder that does not exist")
            .into());
    }
    path.canonicalize().map_err(failed(&path))
}

/// The state of the tour.
struct Tour<'a> {
    folder: &'a Path,
    quiet: bool,
    program: Program,
}

impl Tour<'_> {
    fn title(text: &str) {
        output::print(&format!("\n== {text}\n\n"));
    }

    fn show(file: &str, text: &str) {
        output::print(&format!("-- {file}\n{text}\n"));
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        crate::files::write(&self.folder.join(file), text)
    }

    /// Prints and runs a command as if it were typed in the folder.
    async fn command(&self, words: &[&str]) -> Result<()> {
        let shown: Vec<String> = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).into() })
            .collect();
        output::print(&format!("$ schemadiff {}\n", shown.join(" ")));
        let configuration = self.folder.join("schemadiff.yaml");
        let mut arguments = vec!["schemadiff".into(), "--config".into(), configuration.into_os_string()];
        arguments.extend(words.iter().map(Into::into));
        if self.quiet {
            arguments.push("--quiet".into());
        }
        output::print(match (self.program.run)(arguments).await? {
            Outcome::Clean => "\n",
            Outcome::Findings => "(exit code 1)\n\n",
        });
        Ok(())
    }

    /// Prints and runs SQL as if it were typed in psql.
    async fn sql(&self, sql: &str) -> Result<()> {
        output::print(&format!("$ psql\n{sql};\n\n"));
        let session = Session::connect(&Target::embedded(self.folder.join(".schemadiff/dev"))).await?;
        let result = session.run(sql).await;
        session.close().await;
        result
    }

    /// Prints the files of a revision.
    fn show_revision(&self, name: &str) -> Result<()> {
        let folder = self.folder.join("generated");
        let entries =
            std::fs::read_dir(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.file_name().is_some_and(|file| file.to_string_lossy().contains(name)));
        paths.sort();
        for path in paths {
            let file = path.strip_prefix(self.folder).unwrap_or(&path).display().to_string();
            Self::show(&file, &crate::files::read(&path)?);
        }
        Ok(())
    }
}
