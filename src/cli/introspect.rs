//! `schemadiff introspect`: writes down what a database is.

use std::path::PathBuf;

use super::{Globals, Outcome};
use crate::error::Result;
use crate::model::{Catalog, Pair};
use crate::script::Script;
use crate::source::bench::Bench;
use crate::source::{self, Source, snapshot, yaml};

/// Writes down what a database is: as YAML, SQL or JSON.
///
/// What it writes reads back to no difference: it is the target to start from.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  schemadiff introspect postgres://localhost/shop > schema.yaml
  schemadiff introspect prod --format sql --out schema.sql
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
    let read = source.read_directly().await.transpose()?;
    let major = read.as_ref().map(|state| state.catalog.version.major());
    let bench = globals.bench(major, None, source::needed(&source, read.as_ref())?)?;
    let result = async {
        let mut catalog = match read {
            Some(state) => state.catalog,
            None => bench.state(&source).await?.catalog,
        };
        globals.check_coverage(&source.name(), &catalog)?;
        if args.no_owner {
            for object in catalog.objects.values_mut() {
                object.unset("owner");
            }
        }
        write(&catalog, &source, args.format, &bench).await
    }
    .await;
    bench.stop().await;
    let text = result?;
    match &args.out {
        Some(path) => crate::files::write(path, &text)?,
        None => super::print(&text),
    }
    Ok(Outcome::Clean)
}

async fn write(catalog: &Catalog, source: &Source, format: Format, bench: &Bench) -> Result<String> {
    Ok(match format {
        Format::Yaml => yaml::write(catalog, yaml::Options::default()),
        Format::Json => snapshot::write(catalog),
        Format::Sql => {
            let fresh = bench.fresh().await?;
            let plan = crate::plan::plan(Pair { before: fresh, after: catalog })?;
            format!("-- The schema of {}.\n\n{}", source.name(), Script::declarations(&plan).render())
        }
    })
}
