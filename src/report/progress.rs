//! Standard error: messages, a progress line for operations of more than a second, and the trace.
//!
//! The library reports what it does with `tracing::info!`; this module shows the latest such event on a terminal.
//! Files and pipes get no progress line. The environment variable `SCHEMADIFF_LOG` turns the trace on.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// The time after which the progress line appears.
const DELAY: Duration = Duration::from_secs(1);

/// The progress line. A process has one terminal.
static LINE: OnceLock<ProgressBar> = OnceLock::new();

/// Whether the progress line is hidden while the user is asked something.
static PAUSED: AtomicBool = AtomicBool::new(false);

/// Starts the progress line if `shown`, and the trace if a level (`debug`, `trace`) is given.
pub fn start(shown: bool, trace: Option<&str>) {
    let level = trace.map(|level| level.parse::<Level>().unwrap_or(Level::DEBUG));
    let log = level.map(|level| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(Targets::new().with_target("schemadiff", level))
    });
    let line = (shown && log.is_none()).then(|| {
        LINE.get_or_init(line);
        ProgressLayer { started: Instant::now() }
            .with_filter(Targets::new().with_target("schemadiff", Level::INFO))
    });
    // A program that uses the library may have set its own subscriber, which takes precedence.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log).with(line));
}

/// Runs `print` while the progress line is hidden.
pub fn suspend<T>(print: impl FnOnce() -> T) -> T {
    match LINE.get() {
        Some(line) => line.suspend(print),
        None => print(),
    }
}

/// Hides the progress line as long as the result exists.
pub fn pause() -> Paused {
    PAUSED.store(true, Ordering::Relaxed);
    if let Some(line) = LINE.get() {
        line.set_draw_target(ProgressDrawTarget::hidden());
    }
    Paused
}

/// The progress line is hidden.
#[derive(Debug)]
pub struct Paused;

impl Drop for Paused {
    fn drop(&mut self) {
        PAUSED.store(false, Ordering::Relaxed);
        if let Some(line) = LINE.get() {
            line.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// Prints a question to stderr; the answer follows on the same line.
pub fn prompt(question: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(write!(stderr, "{question}").and_then(|()| stderr.flush()));
}

/// Removes the progress line.
pub fn stop() {
    if let Some(line) = LINE.get() {
        line.finish_and_clear();
    }
}

fn line() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        line.set_style(style);
    }
    let later = line.clone();
    std::thread::spawn(move || {
        std::thread::sleep(DELAY);
        while PAUSED.load(Ordering::Relaxed) {
            std::thread::sleep(DELAY);
        }
        if !later.is_finished() {
            later.set_draw_target(ProgressDrawTarget::stderr());
            later.enable_steady_tick(Duration::from_millis(100));
        }
    });
    line
}

/// Prints a line to stderr. A closed stderr is not an error.
pub fn message(line: &str) {
    suspend(|| drop(writeln!(std::io::stderr().lock(), "{line}")));
}

/// Shows the latest event on the progress line.
struct ProgressLayer {
    started: Instant,
}

impl<S: Subscriber> Layer<S> for ProgressLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = EventText::default();
        event.record(&mut text);
        if let Some(line) = LINE.get() {
            line.set_message(text.0);
            line.set_elapsed(self.started.elapsed());
        }
    }
}

/// The message of an event.
#[derive(Default)]
struct EventText(String);

impl Visit for EventText {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
