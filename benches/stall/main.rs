//! The longest that a client waits while a table in use is changed: safely, and next to it by one statement each.
//!
//! `cargo sandbox --sandbox stall` makes tables of a million rows and less on a private server, `-- --quick` a tenth of
//! that; `--only WORD` takes the changes with that word in their names. Four clients read, write and add rows all the
//! time; each change is made on a fresh copy, once with either policy. Beside the longest wait stand the hazards that
//! the migration told beforehand.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod changes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use changes::{CHANGES, START};
use schemadiff::db::{Environment, Session};
use schemadiff::declare::sql::SourceFile;
use schemadiff::generate::{self, MigrationOptions, Proving};
use schemadiff::recipes::Policy;
use schemadiff::sandbox::Sandbox;
use schemadiff::sandbox::{Source, State};
use schemadiff::scratch::{Choice, Scratch, ScratchOptions};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const CLIENTS: usize = 4;

fn main() -> Outcome {
    let quick = std::env::args().any(|word| word == "--quick");
    let only = std::env::args().skip_while(|word| word != "--only").nth(1);
    tokio::runtime::Runtime::new()?
        .block_on(sandbox(if quick { 100_000 } else { 1_000_000 }, only.as_deref()))
}

async fn sandbox(rows: u32, only: Option<&str>) -> Outcome {
    let variables = Environment::from_vars(std::env::vars_os());
    let wanted = ScratchOptions { choice: Choice::Binaries(None), ..ScratchOptions::any(variables) };
    let scratch = match Scratch::start(&wanted).await {
        Ok(scratch) => scratch,
        Err(error) => {
            println!("skipped, for it needs the programs of a server: {error}");
            return Ok(());
        }
    };
    println!(
        "PostgreSQL {}, {rows} rows, {CLIENTS} clients; longest wait of a client in ms, errors",
        scratch.version()
    );
    println!(
        "{:<28} {:>8} {:>8} {:>7} {:>9} {:>9}  told",
        "change", "direct", "safe", "ratio", "direct s", "safe s"
    );
    fill(&scratch, rows).await?;
    let sandbox = Sandbox::new(wanted);
    let asked = CHANGES.iter().filter(|change| only.is_none_or(|only| change.name.contains(only)));
    for change in asked {
        let target = START.replacen(change.old, change.new, 1);
        let direct = measure(&scratch, &sandbox, &target, Policy::Direct, rows).await?;
        let safe = measure(&scratch, &sandbox, &target, Policy::Safe, rows).await?;
        println!(
            "{:<28} {:>8} {:>8} {:>7.3} {:>9.1} {:>9.1}  {}",
            change.name,
            told(&direct),
            told(&safe),
            safe.longest.as_secs_f64() / direct.longest.as_secs_f64().max(0.001),
            direct.whole.as_secs_f64(),
            safe.whole.as_secs_f64(),
            safe.hazards.iter().copied().collect::<Vec<_>>().join(", "),
        );
    }
    sandbox.stop().await;
    scratch.stop().await;
    Ok(())
}

/// Makes the tables in what each database of this server is a copy of.
async fn fill(scratch: &Scratch, rows: u32) -> Outcome {
    let database = scratch.database().await?;
    let session = Session::connect(&database.target().with_database("template1")).await?;
    for sql in [START, &changes::rows(rows), "VACUUM ANALYZE", "CHECKPOINT"] {
        session.run(sql).await?;
    }
    session.close().await;
    Ok(database.drop_now().await?)
}

/// What was seen of one change.
struct Seen {
    longest: Duration,
    errors: usize,
    whole: Duration,
    hazards: BTreeSet<&'static str>,
}

fn told(seen: &Seen) -> String {
    let errors = if seen.errors > 0 { format!(" +{}e", seen.errors) } else { String::new() };
    format!("{:.0}{errors}", seen.longest.as_secs_f64() * 1000.0)
}

async fn measure(
    scratch: &Scratch,
    sandbox: &Sandbox,
    target: &str,
    policy: Policy,
    rows: u32,
) -> Outcome<Seen> {
    let database = scratch.database().await?;
    let session = &database.session;
    let before = Source::Live(database.target().clone());
    let before = before.read_directly().await.ok_or("no state")??;
    let copy = sandbox.load_sql(&[SourceFile::new("target.sql", target)]).await?;
    copy.database.drop_now().await?;
    let after =
        State { directives: copy.directives, renames: copy.renames, ..State::new(copy.catalog, "target") };
    let mut options = MigrationOptions::from(Proving::Skipped);
    options.policy = policy;
    let sides = schemadiff::model::Pair { before: &before, after: &after };
    let migration = generate::migration(sandbox, sides, &options).await?;
    let hazards = migration.hazards.up.iter().map(|(_, hazard)| hazard.code()).collect();
    // The copy is written now, and not while somebody waits.
    session.run("CHECKPOINT").await?;

    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let session = Session::connect(database.target()).await?;
        clients.push(tokio::spawn(client(session, Arc::clone(&stop), number, rows)));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let mut outcome = Ok(());
    for batch in migration.up.batches() {
        outcome = session.run(batch).await;
        if outcome.is_err() {
            break;
        }
    }
    let whole = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    outcome?;
    let mut seen = Seen { longest: Duration::ZERO, errors: 0, whole, hazards };
    for client in clients {
        let (longest, errors) = client.await?;
        seen.longest = seen.longest.max(longest);
        seen.errors += errors;
    }
    database.drop_now().await?;
    Ok(seen)
}

/// Reads, changes and adds rows, until it is told to stop. Tells its longest wait, and how often it was refused.
async fn client(session: Session, stop: Arc<AtomicBool>, number: usize, rows: u32) -> (Duration, usize) {
    let (mut longest, mut errors, mut round) = (Duration::ZERO, 0, number * 7919);
    while !stop.load(Ordering::Relaxed) {
        round = round.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        let id = 1 + round % usize::try_from(rows).unwrap_or(1);
        let statements = [
            format!("SELECT name, a FROM public.big WHERE id = {id}"),
            format!("UPDATE public.big SET name = name WHERE id = {id}"),
            "INSERT INTO public.big (id, name, a, b, parent) SELECT v, 'new', 1, v, 1 FROM nextval('public.ids') AS v".into(),
            format!("SELECT v FROM public.parted WHERE at = {} LIMIT 3", id % 1000),
            format!(
                "INSERT INTO public.parted SELECT {id}, {}, v FROM nextval('public.ids') AS v",
                id % 500
            ),
        ];
        for statement in statements {
            let begun = Instant::now();
            if session.run(&statement).await.is_err() {
                errors += 1;
            }
            longest = longest.max(begun.elapsed());
        }
    }
    session.close().await;
    (longest, errors)
}
