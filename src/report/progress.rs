//! What is being done, told on a terminal when it takes over a second, and the tool's own trace.
//!
//! The library says what it begins with `tracing::info!`; this is where it is heard. Nothing of it goes into a
//! file or a pipe, unless `SCHEMADIFF_LOG` asks for the trace.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// What is quicker is not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process has one terminal.
static LINE: OnceLock<ProgressBar> = OnceLock::new();

/// Tells from now on what is being done: on the terminal of stderr where `shown`, and as a trace of this
/// level (`debug`, `trace`) where one is asked for.
pub fn start(shown: bool, trace: Option<&str>) {
    let level = trace.map(|level| level.parse::<Level>().unwrap_or(Level::DEBUG));
    let log = level.map(|level| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(Targets::new().with_target("schemadiff", level))
    });
    let line = (shown && log.is_none()).then(|| {
        LINE.get_or_init(line);
        StatementReport { begun: Instant::now() }
            .with_filter(Targets::new().with_target("schemadiff", Level::INFO))
    });
    // One that is there already stays.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log).with(line));
}

/// Does something while the line is off the terminal: prints.
pub fn aside<T>(what: impl FnOnce() -> T) -> T {
    match LINE.get() {
        Some(line) => line.suspend(what),
        None => what(),
    }
}

/// Takes the line off the terminal for good.
pub fn stop() {
    if let Some(line) = LINE.get() {
        line.finish_and_clear();
    }
}

fn line() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    // The template is ours and holds.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        line.set_style(style);
    }
    let later = line.clone();
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        if !later.is_finished() {
            later.set_draw_target(ProgressDrawTarget::stderr());
            later.enable_steady_tick(Duration::from_millis(100));
        }
    });
    line
}

/// Writes a line to stderr. Where nobody reads it there is nobody to tell.
pub fn complain(line: &str) {
    aside(|| drop(writeln!(std::io::stderr().lock(), "{line}")));
}

/// Hears what is begun.
struct StatementReport {
    begun: Instant,
}

impl<S: Subscriber> Layer<S> for StatementReport {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        if let Some(line) = LINE.get() {
            line.set_message(message.0);
            line.set_elapsed(self.begun.elapsed());
        }
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
