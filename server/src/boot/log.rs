//! The log: one line an event on standard error, text on a terminal and JSON otherwise, its level changed by a reload.

mod destination;
mod stderr_lines;

use rhumb_config::{LogFormat, LogLevel, LogSettings};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use destination::LogDestination;
pub(super) use destination::LogForm;
use stderr_lines::StderrLines;

/// Changes the level of a log that was started.
pub(super) type LogLevelHandle = reload::Handle<LevelFilter, Registry>;

/// A log that was started.
pub(super) struct StartedLog {
    pub(super) level: LogLevelHandle,
    pub(super) form: LogForm,
}

/// Starts the log. Where one was started before, as in tests, that one stays.
pub(super) fn start(log: LogSettings) -> StartedLog {
    let (filter, level) = reload::Layer::new(level_filter(log.level));
    let destination = LogDestination::of_stderr();
    let form = LogForm { destination, json: is_json(log.format, destination) };
    let lines = StderrLines(form);
    let lines: Box<dyn Layer<_> + Send + Sync> = if form.json {
        Box::new(fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(lines))
    } else {
        let colours = destination == LogDestination::Terminal { colours: true };
        Box::new(fmt::layer().compact().with_writer(lines).with_ansi(colours))
    };
    // Fails only where a log was started before.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    StartedLog { level, form }
}

/// Whether a line is JSON.
const fn is_json(format: LogFormat, destination: LogDestination) -> bool {
    match format {
        LogFormat::Auto => !matches!(destination, LogDestination::Terminal { .. }),
        LogFormat::Json => true,
        LogFormat::Text => false,
    }
}

/// Takes this level, until the next reload.
pub(super) fn set_level(handle: &LogLevelHandle, level: LogLevel) {
    // Fails only where the log is gone, and with it its readers.
    let _ = handle.reload(level_filter(level));
}

/// Takes the level of `log`.
pub(super) fn set(level: &LogLevelHandle, log: LogSettings) {
    set_level(level, log.level);
}

const fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
