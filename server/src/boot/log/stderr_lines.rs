//! Events of the log on their way to standard error.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::destination::LogForm;
use crate::log_lines::STDERR;
use crate::operator::show::timestamp;

/// Writes each event by itself, so that lines of several threads stay apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct StderrLines(pub(super) LogForm);

/// One line on its way to standard error.
pub(super) struct StderrLine {
    form: LogForm,
    level: Level,
}

impl<'a> MakeWriter<'a> for StderrLines {
    type Writer = StderrLine;

    fn make_writer(&'a self) -> StderrLine {
        StderrLine { form: self.0, level: Level::INFO }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> StderrLine {
        StderrLine { form: self.0, level: *event.level() }
    }
}

impl io::Write for StderrLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (form, prefix) = (self.form, self.form.destination.prefix(self.level));
        if prefix.is_empty() {
            STDERR.write(line, |lines| left_out(lines, form));
        } else {
            STDERR.write(&[prefix.as_bytes(), line].concat(), |lines| left_out(lines, form));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line in place of those that nobody read.
fn left_out(lines: u64, form: LogForm) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let when = timestamp(since.as_secs(), since.subsec_micros());
    let (prefix, target) = (form.destination.prefix(Level::WARN), "rhumb::log");
    let message = format!("{lines} lines of the log were left out: it is not read");
    if form.json {
        let line = json!({ "timestamp": when, "level": "WARN", "message": message, "target": target });
        format!("{prefix}{line}\n")
    } else {
        format!("{prefix}{when}  WARN {target}: {message}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::log::destination::LogDestination;

    #[test]
    fn lines_that_were_left_out_are_told_in_the_form_of_the_log() {
        let form = |destination, json| LogForm { destination, json };
        let text = left_out(3, form(LogDestination::Other, false));
        assert!(
            text.ends_with("Z  WARN rhumb::log: 3 lines of the log were left out: it is not read\n"),
            "{text}"
        );
        let line = left_out(7, form(LogDestination::Journal, true));
        let json: serde_json::Value = serde_json::from_str(line.strip_prefix("<4>").unwrap()).unwrap();
        assert_eq!((json["level"].as_str(), json["target"].as_str()), (Some("WARN"), Some("rhumb::log")));
        assert_eq!(json["message"], "7 lines of the log were left out: it is not read");
    }
}
