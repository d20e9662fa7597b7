//! The lines of the query log, and the thread that writes them to standard error.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rhumb_wire::header;
use serde::Serialize;
use tracing::Level;

use super::log::LogForm;
use crate::operator::show::timestamp;
use crate::query_log::QueryRecord;
use crate::snapshot::ServerState;

/// The most bytes of one call: no more than a pipe takes in one piece (pipe(7)), so that lines of the log stay whole beside these.
const MOST: usize = 4096;

/// Starts the thread that writes the log of queries, in the form of the log. Errors: no thread, or no standard error.
pub(super) fn start(live: &Arc<ServerState>, form: LogForm) -> io::Result<()> {
    // Not through the lock of the process: whoever reads slowly holds up this thread alone.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let worker = live.metrics.workers().register("query-log", "query-log");
    let live = Arc::clone(live);
    let run = move || {
        worker.supervise(|_| {
            let lines = std::cell::RefCell::new(QueryLines { form, out: &stderr, buffer: String::new() });
            live.query_log.write_all(|record| lines.borrow_mut().add(record), || lines.borrow_mut().flush());
        });
    };
    std::thread::Builder::new().name("query-log".into()).spawn(run).map(drop)
}

/// Lines on their way out.
struct QueryLines<W> {
    form: LogForm,
    out: W,
    buffer: String,
}

impl<W: io::Write> QueryLines<W> {
    /// Adds a line, and writes those before it where both do not fit in one call.
    fn add(&mut self, record: &QueryRecord) {
        let line = line(record, self.form);
        if self.buffer.len() + line.len() > MOST {
            self.flush();
        }
        self.buffer.push_str(&line);
    }

    fn flush(&mut self) {
        // Where standard error is gone there is nobody to be told.
        let _ = self.out.write_all(self.buffer.as_bytes());
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
