//! The log of queries: from the threads that answer, through a bounded queue, to the one thread that writes.
//!
//! No thread that answers waits for whoever reads the log: what the queue does not take is dropped and counted.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rhumb_net::LocalAddress;
use rhumb_wire::{DomainName, Opcode, Rcode, Transport, Type};
use tokio::sync::mpsc;

use crate::metrics::ResponseSource;

/// Answers that wait to be written.
const LENGTH: usize = 8192;

/// One answer.
#[derive(Debug, Clone)]
pub struct QueryRecord {
    /// When it was given.
    pub when: SystemTime,
    /// Who asked.
    pub client: SocketAddr,
    /// The address that was asked.
    pub local: LocalAddress,
    /// How the query came.
    pub transport: Transport,
    /// The opcode of the query.
    pub opcode: Opcode,
    /// The name and type that were asked for; none where they could not be read.
    pub question: Option<(DomainName, Type)>,
    /// The response code, all of its bits.
    pub rcode: Rcode,
    /// Where the answer comes from.
    pub source: ResponseSource,
    /// Bytes of the response; none for one of several messages.
    pub size: Option<usize>,
    /// From reading the query to the answer.
    pub took: Duration,
    /// The flags of the response's header.
    pub flags: u16,
    /// Whether the query has DO set.
    pub dnssec_ok: bool,
}

/// The way of answers to the log.
#[derive(Debug)]
pub struct QueryLog {
    queue: mpsc::Sender<Box<QueryRecord>>,
    records: Mutex<mpsc::Receiver<Box<QueryRecord>>>,
    /// Answers given while the log was on.
    seen: AtomicU64,
    queued: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
}

impl Default for QueryLog {
    fn default() -> Self {
        let (queue, records) = mpsc::channel(LENGTH);
        let (seen, queued, written, dropped) = Default::default();
        Self { queue, records: Mutex::new(records), seen, queued, written, dropped }
    }
}

impl QueryLog {
    /// Whether the next answer is one to be logged, out of `one_in`.
    pub fn takes(&self, one_in: NonZeroU32) -> bool {
        self.seen.fetch_add(1, Relaxed).is_multiple_of(u64::from(one_in.get()))
    }

    /// Has an answer written, if there is room. Never waits.
    pub fn put(&self, record: Box<QueryRecord>) {
        self.queued.fetch_add(1, Relaxed);
        if self.queue.try_send(record).is_err() {
            self.queued.fetch_sub(1, Relaxed);
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Waits for answers, gives each to `write` as they come, and calls `flush` when no more are at hand. For one thread, for as
    /// long as the server runs.
    pub fn write_all(&self, mut write: impl FnMut(&QueryRecord), mut flush: impl FnMut()) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writing = 0;
        while let Some(record) = records.blocking_recv() {
            let mut next = Some(record);
            while let Some(record) = next {
                write(&record);
                writing += 1;
                next = records.try_recv().ok();
            }
            flush();
            self.written.fetch_add(std::mem::take(&mut writing), Relaxed);
        }
    }

    /// Waits until what was taken is written, for at most so long.
    pub fn drain(&self, most: Duration) {
        let end = Instant::now() + most;
        while self.written.load(Relaxed) < self.queued.load(Relaxed) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Answers that were not written because the log is read too slowly.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use super::*;

    fn record(port: u16) -> Box<QueryRecord> {
        Box::new(QueryRecord {
            when: SystemTime::UNIX_EPOCH,
            client: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            local: LocalAddress::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            transport: Transport::Udp,
            opcode: Opcode::QUERY,
            question: None,
            rcode: Rcode::NOERROR,
            source: ResponseSource::Zone,
            size: None,
            took: Duration::ZERO,
            flags: 0,
            dnssec_ok: false,
        })
    }

    #[test]
    fn one_in_so_many_is_taken() {
        for one_in in [1, 2, 10] {
            let log = QueryLog::default();
            let taken = (0..100).filter(|_| log.takes(NonZeroU32::new(one_in).unwrap())).count();
            assert_eq!(taken, 100 / one_in as usize);
        }
    }

    #[test]
    fn what_the_queue_does_not_take_is_counted_and_nobody_waits() {
        let log = Arc::new(QueryLog::default());
        for number in 0..LENGTH + 5 {
            log.put(record(u16::try_from(number).unwrap()));
        }
        assert_eq!(log.dropped(), 5);
        let (written, ports) = std::sync::mpsc::channel();
        let writer = Arc::clone(&log);
        std::thread::spawn(move || {
            writer.write_all(|record| written.send(record.client.port()).unwrap(), || {});
        });
        log.drain(Duration::from_mins(1));
        let ports: Vec<u16> = ports.try_iter().collect();
        assert!(ports.into_iter().eq(0..u16::try_from(LENGTH).unwrap()));
        log.put(record(1));
        log.drain(Duration::from_mins(1));
        assert_eq!(log.dropped(), 5);
    }
}
