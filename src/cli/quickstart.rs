//! `schemadiff quickstart`: the whole loop in a minute, with nothing installed.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::{Cli, Globals, Outcome};
use crate::db::{Session, Target};
use crate::error::{Diagnostic, Error, Result, codes};

/// Shows the whole loop on a database of its own: target, migration, proof, change by hand, drift.
///
/// It needs no server: the database is a folder, PostgreSQL is inside this program. The folder stays, to go on
/// from there.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff quickstart
  schemadiff quickstart my-first-schema")]
pub struct Args {
    /// The folder to make; a temporary one when none is named.
    folder: Option<PathBuf>,
}

const CONFIGURATION: &str = "\
target: schema.yaml
migrations: generated
environments:
  dev: {url: \"embedded:.schemadiff/dev\"}
default_environment: dev
";

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

/// What the developer changes: pieces of the target and what stands there afterwards.
const EDITS: [(&str, &str); 3] = [
    ("[new, paid, shipped]", "[new, paid, packed, shipped]"),
    (
        "unique: true}\n",
        "unique: true}\n          loyalty_points: {type: integer, not_null: true, default: 0}\n",
    ),
    ("numeric(12,2)", "numeric(14,2)"),
];

const ROWS: &str = "INSERT INTO shop.customer (email) VALUES ('ada@example.org'), ('grace@example.org');
INSERT INTO shop.orders (customer_id, amount) SELECT id, 10 FROM shop.customer";

const BY_HAND: &str = "ALTER TABLE shop.customer ALTER COLUMN email DROP NOT NULL";

/// Runs it.
///
/// # Errors
/// When the folder is not empty, or one of the commands fails.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let folder = folder(args.folder)?;
    let tour = Tour { folder: &folder, globals };
    tour.write("schemadiff.yaml", CONFIGURATION)?;
    tour.write("schema.yaml", TARGET)?;

    Tour::title("1. A target: what the database shall look like");
    Tour::show("schema.yaml", TARGET);
    Tour::title("2. The first migration: written, run up and back on a scratch copy, then applied");
    tour.command(&["generate", "--name", "create shop"]).await?;
    tour.command(&["migrate"]).await?;
    tour.sql(ROWS).await?;

    Tour::title("3. The target changes; schemadiff finds out how to get there, and back");
    let changed = EDITS.iter().fold(TARGET.to_owned(), |text, (from, to)| text.replace(from, to));
    tour.write("schema.yaml", &changed)?;
    let difference = similar::TextDiff::from_lines(TARGET, &changed);
    Tour::show("schema.yaml", &difference.unified_diff().context_radius(0).to_string());
    tour.command(&["generate", "--name", "loyalty points"]).await?;
    tour.files("loyalty_points")?;
    tour.command(&["migrate"]).await?;
    tour.command(&["status"]).await?;

    Tour::title("4. Somebody changes the database by hand, and an audit finds it");
    tour.sql(BY_HAND).await?;
    tour.command(&["drift", "--env", "dev"]).await?;

    Tour::title("All of it stays here, to go on from");
    super::print(&format!("cd {}\n", folder.display()));
    Ok(Outcome::Clean)
}

fn folder(named: Option<PathBuf>) -> Result<PathBuf> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let Some(path) = named else {
        let made = tempfile::Builder::new().prefix("schemadiff-quickstart-").tempdir();
        return Ok(made.map_err(failed(&std::env::temp_dir()))?.keep());
    };
    std::fs::create_dir_all(&path).map_err(failed(&path))?;
    let empty = std::fs::read_dir(&path).map_err(failed(&path))?.next().is_none();
    if !empty {
        return Err(Diagnostic::new(codes::FILE, format!("{} is not empty", path.display()))
            .help("name a folder that is not there yet")
            .into());
    }
    path.canonicalize().map_err(failed(&path))
}

/// What the steps share.
struct Tour<'a> {
    folder: &'a Path,
    globals: &'a Globals,
}

impl Tour<'_> {
    fn title(text: &str) {
        super::print(&format!("\n== {text}\n\n"));
    }

    fn show(file: &str, text: &str) {
        super::print(&format!("-- {file}\n{text}\n"));
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        crate::files::write(&self.folder.join(file), text)
    }

    /// A command as the user would type it in the folder.
    async fn command(&self, words: &[&str]) -> Result<()> {
        let shown: Vec<String> = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).into() })
            .collect();
        super::print(&format!("$ schemadiff {}\n", shown.join(" ")));
        let configuration = self.folder.join("schemadiff.yaml");
        let mut line = vec!["schemadiff".into(), "--config".into(), configuration.into_os_string()];
        line.extend(words.iter().map(Into::into));
        if self.globals.options.quiet {
            line.push("--quiet".into());
        }
        let cli = Cli::try_parse_from(line).map_err(|error| Error::Internal(error.to_string()))?;
        let globals = cli.globals();
        // A command inside a command; the future of one cannot hold another of its own size.
        let outcome = Box::pin(cli.run(&globals)).await?;
        super::print(match outcome {
            Outcome::Clean => "\n",
            Outcome::Findings => "(exit code 1)\n\n",
        });
        Ok(())
    }

    /// What somebody else runs in the database.
    async fn sql(&self, sql: &str) -> Result<()> {
        super::print(&format!("$ psql\n{sql};\n\n"));
        let session = Session::connect(&Target::embedded(self.folder.join(".schemadiff/dev"))).await?;
        let ran = session.run(sql).await;
        session.close().await;
        ran
    }

    /// The revision of that name, up and back.
    fn files(&self, name: &str) -> Result<()> {
        let folder = self.folder.join("generated");
        let read = std::fs::read_dir(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
        let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.file_name().is_some_and(|file| file.to_string_lossy().contains(name)));
        paths.sort();
        for path in paths {
            let file = path.strip_prefix(self.folder).unwrap_or(&path).display().to_string();
            Self::show(&file, &crate::files::read(&path)?);
        }
        Ok(())
    }
}
