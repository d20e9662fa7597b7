//! The lines of the query log, and the thread that writes them to standard error.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rhumb_wire::header;
use serde::Serialize;
use tracing::Level;

use super::log::LogForm;
use crate::log_lines::{PIECE, STDERR};
use crate::operator::show::timestamp;
use crate::query_log::QueryRecord;
use crate::snapshot::ServerState;

/// Starts the thread that writes the log of queries, in the form of the log. Errors: no thread.
pub(super) fn start(live: &Arc<ServerState>, form: LogForm) -> io::Result<()> {
    let worker = live.metrics.workers().register("query-log", "query-log");
    let live = Arc::clone(live);
    let run = move || {
        worker.supervise(|_| {
            let lines = std::cell::RefCell::new(QueryLines { form, buffer: String::new() });
            live.query_log.write_all(|record| lines.borrow_mut().add(record), || lines.borrow_mut().flush());
        });
    };
    std::thread::Builder::new().name("query-log".into()).spawn(run).map(drop)
}

/// Lines on their way out.
struct QueryLines {
    form: LogForm,
    buffer: String,
}

impl QueryLines {
    /// Adds a line, and writes those before it where both do not fit in one call.
    fn add(&mut self, record: &QueryRecord) {
        let line = line(record, self.form);
        if self.buffer.len() + line.len() > PIECE {
            self.flush();
        }
        self.buffer.push_str(&line);
    }

    fn flush(&mut self) {
        STDERR.write_with_room(self.buffer.as_bytes());
        self.buffer.clear();
    }
}

/// An answer as JSON, in the order of the text.
#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp: &'a str,
    level: &'static str,
    target: &'static str,
    client: String,
    server: String,
    proto: &'static str,
    opcode: String,
    name: Option<&'a str>,
    r#type: Option<&'a str>,
    rcode: String,
    source: &'static str,
    size: Option<usize>,
    duration_us: u128,
    flags: &'a str,
}

/// One answer, with the end of its line.
fn line(record: &QueryRecord, form: LogForm) -> String {
    let since = record.when.duration_since(UNIX_EPOCH).unwrap_or_default();
    let when = timestamp(since.as_secs(), since.subsec_micros());
    let (name, rtype) =
        record.question.as_ref().map(|(name, rtype)| (name.to_string(), rtype.to_string())).unzip();
    let flags = flags(record.flags, record.dnssec_ok);
    let mut line = form.destination.prefix(Level::INFO).to_owned();
    if form.json {
        let json = serde_json::to_string(&JsonLine {
            timestamp: &when,
            level: "INFO",
            target: "query",
            client: record.client.to_string(),
            server: record.local.to_string(),
            proto: record.transport.name(),
            opcode: record.opcode.to_string(),
            name: name.as_deref(),
            r#type: rtype.as_deref(),
            rcode: record.rcode.to_string(),
            source: record.source.as_str(),
            size: record.size,
            duration_us: record.took.as_micros(),
            flags: &flags,
        });
        line.push_str(&json.unwrap_or_default());
    } else {
        let (name, rtype) = (name.as_deref().unwrap_or("-"), rtype.as_deref().unwrap_or("-"));
        let size = record.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "{when}  INFO query: client={} server={} proto={} opcode={} name={name} type={rtype} rcode={} source={} \
             size={size} duration_us={} flags=\"{flags}\"",
            record.client,
            record.local,
            record.transport.name(),
            record.opcode,
            record.rcode,
            record.source.as_str(),
            record.took.as_micros(),
        );
    }
    line.push('\n');
    line
}

/// Flags of a response by their names, and `do` for a query that has it.
fn flags(flags: u16, dnssec_ok: bool) -> String {
    let names = [
        (header::AA, "aa"),
        (header::TC, "tc"),
        (header::RD, "rd"),
        (header::RA, "ra"),
        (header::AD, "ad"),
        (header::CD, "cd"),
    ];
    let set = names.into_iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| name);
    set.chain(dnssec_ok.then_some("do")).collect::<Vec<_>>().join(" ")
}
