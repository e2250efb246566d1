//! How long a catalog takes to read, next to `pg_dump --schema-only` of the same database.
//!
//! `cargo sandbox --sandbox read` makes databases of 100, 1,000 and 5,000 tables on a private server,
//! `cargo sandbox --sandbox read -- --quick` the first two. Every run is a process and a connection of its
//! own, as on the command line; the programs take turns, and the median of five counts.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::cast_precision_loss)]

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use schemadiff::cli::diff::between;
use schemadiff::cli::globals::GlobalOptions;
use schemadiff::cli::project::Project;
use schemadiff::cli::{Globals, PROGRAM};
use schemadiff::db::{Environment, Session, Target};
use schemadiff::generate::Proving;
use schemadiff::kinds::KindName;
use schemadiff::model::Pair;
use schemadiff::sandbox::{Source, read_live};
use schemadiff::scratch::{Choice, Scratch, ScratchDatabase, ScratchOptions};

//#[global_allocator]
//static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RUNS: usize = 5;
const SCHEMAS: usize = 20;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // As the program has it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if arguments.first().is_some_and(|word| word == "child") {
        return runtime.block_on(child(&arguments[1..]));
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    runtime.block_on(sandbox(if quick { &[100, 1_000] } else { &[100, 1_000, 5_000] }))
}

async fn sandbox(sizes: &[usize]) -> Outcome {
    let variables = Environment::from_vars(std::env::vars_os());
    let wanted = ScratchOptions { choice: Choice::Binaries(None), ..ScratchOptions::any(variables) };
    let scratch = match Scratch::start(&wanted).await {
        Ok(scratch) => scratch,
        Err(error) => {
            println!("skipped, for it needs the programs of a server: {error}");
            return Ok(());
        }
    };
    let Some(pg_dump) = scratch.pg_dump() else {
        println!("skipped, for there is no pg_dump that reads PostgreSQL {}", scratch.version());
        return Ok(());
    };
    println!("PostgreSQL {}, {}; median of {RUNS}", scratch.version(), pg_dump.display());
    println!(
        "{:>7} {:>8} {:>9} {:>9} {:>6} {:>9} {:>9} {:>6}",
        "tables", "objects", "pg_dump", "read", "ratio", "peak", "diff", "ratio"
    );
    let mut lines: Vec<Line> = Vec::new();
    for tables in sizes {
        let (one, two) = (fill(&scratch, *tables).await?, fill(&scratch, *tables).await?);
        let line = measure(*tables, &pg_dump, &one, &two)?;
        println!(
            "{:>7} {:>8} {:>6} ms {:>6} ms {:>6.2} {:>6} MB {:>6} ms {:>6.2}",
            line.tables,
            line.objects,
            line.dump.as_millis(),
            line.read.as_millis(),
            line.ratio(line.read),
            line.peak / 1024,
            line.diff.as_millis(),
            line.ratio(line.diff)
        );
        lines.push(line);
        one.drop_now().await?;
        two.drop_now().await?;
    }
    if let [.., small, large] = lines.as_slice() {
        let times = |of: fn(&Line) -> Duration| of(large).as_secs_f64() / of(small).as_secs_f64();
        println!(
            "{} times the tables: pg_dump takes {:.1} times as long, a read {:.1} times",
            large.tables / small.tables,
            times(|line| line.dump),
            times(|line| line.read)
        );
        let word = |kept: bool| if kept { "kept" } else { "missed" };
        println!(
            "a read in at most half of pg_dump's time: {}",
            word(lines.iter().all(|line| line.ratio(line.read) <= 0.5))
        );
        println!(
            "a diff of two in at most 1.2 of it: {}",
            word(lines.iter().all(|line| line.ratio(line.diff) <= 1.2))
        );
    }
    scratch.stop().await;
    Ok(())
}

/// What was measured of one size.
struct Line {
    tables: usize,
    objects: u64,
    dump: Duration,
    read: Duration,
    diff: Duration,
    /// Kibibytes.
    peak: u64,
}

impl Line {
    fn ratio(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.dump.as_secs_f64()
    }
}

fn measure(
    tables: usize,
    pg_dump: &std::path::Path,
    one: &ScratchDatabase,
    two: &ScratchDatabase,
) -> Outcome<Line> {
    let ourselves = std::env::current_exe()?;
    let name = |database: &ScratchDatabase| database.session.database().to_owned();
    let (mut dumps, mut reads, mut diffs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut objects, mut peak) = (0, 0);
    for _ in 0..RUNS {
        let run = |program: &std::path::Path, words: &[&str]| -> Outcome<(Duration, String)> {
            let mut command = Command::new(program);
            command.args(words).envs(one.target().libpq_variables()).stdin(Stdio::null());
            let begun = Instant::now();
            let output = command.stderr(Stdio::inherit()).output()?;
            let time = begun.elapsed();
            if !output.status.success() {
                return Err(format!("{} ended with {}", program.display(), output.status).into());
            }
            Ok((time, String::from_utf8(output.stdout)?))
        };
        dumps.push(run(pg_dump, &["--schema-only"])?.0);
        let (time, told) = run(&ourselves, &["child", "read", &name(one)])?;
        reads.push(time);
        let numbers: Vec<u64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        if let [count, kibibytes] = numbers[..] {
            (objects, peak) = (count, peak.max(kibibytes));
        }
        diffs.push(run(&ourselves, &["child", "diff", &name(one), &name(two)])?.0);
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    Ok(Line { tables, objects, dump: median(dumps), read: median(reads), diff: median(diffs), peak })
}

/// One run: `read DATABASE`, `diff DATABASE DATABASE`; `profile DATABASE` tells where the time goes.
async fn child(words: &[String]) -> Outcome {
    let environment = Environment::from_vars(std::env::vars_os());
    let target = |name: &String| Target::parse(&format!("dbname={name}"), &environment);
    match words {
        [what, name] if what == "read" => {
            let state = read_live(&target(name)?).await?;
            println!("{} {}", state.catalog.objects.len(), peak());
        }
        [what, one, two] if what == "diff" => {
            let sources = Pair { before: Source::Live(target(one)?), after: Source::Live(target(two)?) };
            let options = GlobalOptions { quiet: true, ..GlobalOptions::default() };
            let globals = Globals::new(options, PROGRAM);
            let project = Project::open(&globals)?;
            let migration = between(sources, &project, &Proving::Skipped.into(), None).await?;
            assert!(migration.up.is_empty(), "the two are the same");
        }
        [what, name] if what == "profile" => profile(&Session::connect(&target(name)?).await?).await?,
        _ => return Err("read DATABASE, diff DATABASE DATABASE or profile DATABASE".into()),
    }
    Ok(())
}

/// What each kind's query takes by itself, the longest first.
async fn profile(session: &Session) -> Outcome {
    let mut times = Vec::new();
    for kind in KindName::ALL.iter().map(|kind| kind.get()) {
        let query = (kind.query)(session.version());
        let begun = Instant::now();
        let rows = session.rows(&query).await?.len();
        times.push((begun.elapsed(), rows, kind.name));
    }
    times.sort_by(|a, b| b.cmp(a));
    for (time, rows, name) in times {
        println!("{:>8.1} ms {rows:>7} rows  {name}", time.as_secs_f64() * 1000.0);
    }
    Ok(())
}

/// The most memory that this process had, in kibibytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A database of so many tables, with what hangs off tables in a real one.
async fn fill(scratch: &Scratch, tables: usize) -> Outcome<ScratchDatabase> {
    let database = scratch.database().await?;
    let session: &Session = &database.session;
    let mut batch = String::new();
    for schema in 0..SCHEMAS {
        write!(batch, "CREATE SCHEMA area_{schema};")?;
    }
    batch.push_str(
        "CREATE TYPE area_0.stage AS ENUM ('draft', 'open', 'done');\
         CREATE FUNCTION area_0.stamp() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN new.changed := now(); RETURN new; END';",
    );
    for i in 0..tables {
        table(&mut batch, i)?;
        if i % 50 == 49 {
            session.run(&batch).await?;
            batch.clear();
        }
    }
    session.run(&batch).await?;
    session.run("VACUUM ANALYZE").await?;
    Ok(database)
}

/// One table and what belongs to it.
fn table(batch: &mut String, i: usize) -> Outcome {
    let name = |i: usize| format!("area_{}.item_{i}", i % SCHEMAS);
    let (this, last) = (name(i), name(i.saturating_sub(1)));
    write!(
        batch,
        "CREATE TABLE {this} (id bigint NOT NULL, previous bigint, title varchar(80) NOT NULL, mail text, \
         price numeric(10, 2) DEFAULT 0 NOT NULL, stage area_0.stage, made timestamptz NOT NULL, \
         changed timestamp, extra jsonb, tags text[], \
         CONSTRAINT item_{i}_pkey PRIMARY KEY (id), \
         CONSTRAINT item_{i}_check CHECK (price >= 0 AND title IN ('x', 'y', 'z')));\
         CREATE INDEX item_{i}_title ON {this} (title, made DESC);\
         CREATE UNIQUE INDEX item_{i}_mail ON {this} (lower(mail)) WHERE previous IS NOT NULL;"
    )?;
    if i > 0 {
        write!(
            batch,
            "ALTER TABLE {this} ADD CONSTRAINT item_{i}_fkey FOREIGN KEY (previous) REFERENCES {last} (id) \
             ON DELETE CASCADE;"
        )?;
    }
    if i % 10 == 9 {
        write!(
            batch,
            "CREATE VIEW area_{}.view_{i} AS SELECT a.id, a.title, b.price, coalesce(a.stage, 'draft') AS stage, \
             count(*) OVER (PARTITION BY b.previous) AS siblings FROM {this} a LEFT JOIN {last} b \
             ON b.id = a.previous WHERE a.made > now() - interval '30 days' AND b.price > 10;",
            i % SCHEMAS
        )?;
    }
    if i % 20 == 19 {
        write!(
            batch,
            "CREATE TRIGGER stamp BEFORE UPDATE ON {this} FOR EACH ROW \
             WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION area_0.stamp();"
        )?;
    }
    Ok(())
}
