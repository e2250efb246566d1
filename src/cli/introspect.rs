//! `schemadiff introspect`: writes the schema of a database as YAML, SQL or JSON.

use std::path::{Path, PathBuf};

use super::input::Input;
use super::project::Project;
use super::{Globals, Outcome};
use crate::declare::{snapshot, yaml};
use crate::error::{Diagnostic, Result, codes};
use crate::model::{AttributeName, Catalog, Pair};
use crate::report::output;
use crate::sandbox::Sandbox;

/// Write the schema of a database as YAML, SQL or JSON.
///
/// The result can be used as a target: comparing it with the database shows no difference.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff introspect postgres://localhost/shop > schema.yaml
  schemadiff introspect prod --format sql --out schema.sql
  schemadiff introspect prod --per-object --out schema/
  schemadiff introspect prod --format json --out prod.snapshot.json")]
pub struct Args {
    /// URL or environment of the database, or any other source.
    source: String,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// Output file [default: stdout].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write SQL, one file per object, to the new folder named by `--out`.
    #[arg(long, requires = "out", conflicts_with = "format")]
    per_object: bool,
    /// Omit the owners of objects.
    #[arg(long)]
    no_owner: bool,
}

/// The formats of a schema.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A target in YAML.
    Yaml,
    /// `CREATE` statements in executable order.
    Sql,
    /// A snapshot, which can be compared without a scratch server.
    Json,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the source cannot be read or the files cannot be written.
pub async fn run(args: Args, globals: &Globals) -> Result<Outcome> {
    let project = Project::open(globals)?;
    let source = project.source(&args.source)?;
    let name = source.name();
    check_output(&args)?;
    let input = Input::read(source).await?;
    let files = project
        .with_sandbox(input.needs()?, async |sandbox| {
            let mut catalog = match input.state {
                Some(state) => state.catalog,
                None => sandbox.read(&input.source).await?.catalog,
            };
            project.check_coverage(&name, &catalog)?;
            if args.no_owner {
                remove_owners(&mut catalog);
            }
            render(&catalog, &name, &args, sandbox).await
        })
        .await?;
    for (path, text) in files {
        match path {
            Some(path) => crate::files::write(&path, &text)?,
            None => output::print(&text),
        }
    }
    Ok(Outcome::Clean)
}

/// Checks that the output can be written, before the source is read.
fn check_output(args: &Args) -> Result<()> {
    match &args.out {
        Some(folder) if args.per_object => check_empty(folder),
        Some(file) => {
            let folder = file.parent().unwrap_or(Path::new("."));
            crate::files::check_writable(folder, "choose another output file")
        }
        None => Ok(()),
    }
}

/// Checks that a folder is empty or missing: existing files in it would become part of the declared schema.
fn check_empty(folder: &Path) -> Result<()> {
    let full = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if full || folder.is_file() {
        let what = format!("`{}` exists and is not an empty folder", folder.display());
        return Err(Diagnostic::new(codes::FILE, what).help("remove it, or choose another folder").into());
    }
    crate::files::check_writable(folder, "choose another folder")
}

fn remove_owners(catalog: &mut Catalog) {
    for object in catalog.objects.values_mut() {
        let owner = object.id.kind.get().attribute(AttributeName::OWNER);
        if owner.is_some_and(|attribute| attribute.unmanaged_if_unset) {
            object.unset(AttributeName::OWNER);
        }
    }
}

/// Returns the texts with their files; stdout if none.
async fn render(
    catalog: &Catalog,
    name: &str,
    args: &Args,
    sandbox: &Sandbox,
) -> Result<Vec<(Option<PathBuf>, String)>> {
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
            format!("-- The schema of {name}.\n\n{statements}")
        }
    };
    Ok(vec![(args.out.clone(), text)])
}
