//! `schemadiff introspect`: writes down what a database is.

use std::path::{Path, PathBuf};

use super::{Globals, Outcome};
use crate::declare::{snapshot, yaml};
use crate::error::{Diagnostic, Result, codes};
use crate::model::{Catalog, Pair};
use crate::sandbox::Sandbox;
use crate::sandbox::{self, Source};

/// Writes down what a database is: as YAML, SQL or JSON.
///
/// What it writes reads back to no difference: it is the target to start from.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff introspect postgres://localhost/shop > schema.yaml
  schemadiff introspect prod --format sql --out schema.sql
  schemadiff introspect prod --per-object --out schema/
  schemadiff introspect prod --format json --out prod.snapshot.json")]
pub struct Args {
    /// A server, an environment of the configuration, or any other source.
    source: String,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// Write to this file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write SQL in a file for each object, with its parts, into the new folder that `--out` names.
    #[arg(long, requires = "out", conflicts_with = "format")]
    per_object: bool,
    /// Leave out who owns what.
    #[arg(long)]
    no_owner: bool,
}

/// A way to write a catalog down.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The target's own form.
    Yaml,
    /// `CREATE` statements in an order that runs.
    Sql,
    /// A snapshot, which reads back without a server.
    Json,
}

/// Runs it.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let source = globals.source(&args.source)?;
    match &args.out {
        Some(folder) if args.per_object => check_empty(folder)?,
        Some(file) => {
            let folder = file.parent().unwrap_or(Path::new("."));
            crate::files::check_writable(folder, "choose another place")?;
        }
        None => {}
    }
    let read = source.read_directly().await.transpose()?;
    let major = read.as_ref().map(|state| state.catalog.version.major());
    let sandbox = globals.sandbox(major, None, sandbox::required_extensions(&source, read.as_ref())?)?;
    let result = async {
        let mut catalog = match read {
            Some(state) => state.catalog,
            None => sandbox.read(&source).await?.catalog,
        };
        globals.check_coverage(&source.name(), &catalog)?;
        if args.no_owner {
            for object in catalog.objects.values_mut() {
                if object
                    .id
                    .kind
                    .get()
                    .attribute("owner")
                    .is_some_and(|attribute| attribute.unmanaged_if_unset)
                {
                    object.unset("owner");
                }
            }
        }
        write(&catalog, &source, &args, &sandbox).await
    }
    .await;
    sandbox.stop().await;
    for (path, text) in result? {
        match path {
            Some(path) => crate::files::write(&path, &text)?,
            None => super::print(&text),
        }
    }
    Ok(Outcome::Clean)
}

/// Texts and where they go.
type Texts = Vec<(Option<PathBuf>, String)>;

async fn write(catalog: &Catalog, source: &Source, args: &Args, sandbox: &Sandbox) -> Result<Texts> {
    let plan = async || crate::plan::plan(Pair { before: sandbox.empty_catalog().await?, after: catalog });
    if let (true, Some(folder)) = (args.per_object, &args.out) {
        let files = crate::script::by_object(&plan().await?, catalog);
        return Ok(files.into_iter().map(|(path, text)| (Some(folder.join(path)), text)).collect());
    }
    let text = match args.format {
        Format::Yaml => yaml::write(catalog, yaml::WriteOptions::default()),
        Format::Json => snapshot::write(catalog),
        Format::Sql => {
            let statements = crate::script::declarations(&plan().await?);
            format!("-- The schema of {}.\n\n{statements}", source.name())
        }
    };
    Ok(vec![(args.out.clone(), text)])
}

/// What is in a folder already would be declared beside what is written there.
fn check_empty(folder: &Path) -> Result<()> {
    let full = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if full || folder.is_file() {
        let what = format!("`{}` is there, and is no empty folder", folder.display());
        return Err(Diagnostic::new(codes::FILE, what).help("remove it first, or name another").into());
    }
    crate::files::check_writable(folder, "choose another folder")
}
