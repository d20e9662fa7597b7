//! What is counted of connections of clients, of the sessions that they begin with, and of the streams on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rhumb_wire::Transport;

use super::handles::GaugeUnit;
use super::labels::{
    DisplacedState, HandshakeResult, KeyExchangeLabel, ProxyHeaderResult, StreamFault, TlsVersionLabel,
};
use super::names;
use super::samples::MetricSamples;

/// The counters of one transport.
#[derive(Debug, Default)]
struct TransportCounters {
    open: Arc<AtomicU64>,
    handshakes: [AtomicU64; HandshakeResult::COUNT],
    sessions: [[AtomicU64; KeyExchangeLabel::COUNT]; TlsVersionLabel::COUNT],
    streams: AtomicU64,
    faults: [AtomicU64; StreamFault::COUNT],
    proxy_headers: [AtomicU64; ProxyHeaderResult::COUNT],
}

/// The counters of all transports.
#[derive(Debug, Default)]
pub struct ClientCounters {
    accepted: AtomicU64,
    displaced: [AtomicU64; DisplacedState::COUNT],
    transports: [TransportCounters; Transport::ALL.len()],
}

impl ClientCounters {
    fn of(&self, transport: Transport) -> Option<&TransportCounters> {
        self.transports.get(transport as usize)
    }

    /// A connection is served until the value is dropped.
    pub fn connection(&self, transport: Transport) -> GaugeUnit {
        self.accepted.fetch_add(1, Relaxed);
        self.of(transport).map_or_else(GaugeUnit::nowhere, |of| GaugeUnit::one_of(&of.open))
    }

    /// A connection was ended to make room for another.
    pub fn displaced(&self, state: DisplacedState) {
        if let Some(counter) = self.displaced.get(state.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A handshake with a client ended.
    pub fn handshake(&self, transport: Transport, result: HandshakeResult) {
        if let Some(counter) = self.of(transport).and_then(|of| of.handshakes.get(result.index())) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A session with a client began.
    pub fn session(&self, transport: Transport, version: TlsVersionLabel, group: KeyExchangeLabel) {
        let groups = self.of(transport).and_then(|of| of.sessions.get(version.index()));
        if let Some(counter) = groups.and_then(|groups| groups.get(group.index())) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A client opened a stream for a query.
    pub fn stream(&self, transport: Transport) {
        self.streams(transport, 1);
    }

    /// Clients opened so many streams, each for a query.
    pub fn streams(&self, transport: Transport, count: u64) {
        if count > 0
            && let Some(of) = self.of(transport)
        {
            of.streams.fetch_add(count, Relaxed);
        }
    }

    /// A header of a proxy was taken or refused.
    pub fn proxy_header(&self, transport: Transport, result: ProxyHeaderResult) {
        if let Some(counter) = self.of(transport).and_then(|of| of.proxy_headers.get(result.index())) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A stream had no answer.
    pub fn stream_failed(&self, transport: Transport, fault: StreamFault) {
        if let Some(counter) = self.of(transport).and_then(|of| of.faults.get(fault.index())) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Connections that are open now.
    pub(super) fn open(&self) -> u64 {
        self.transports.iter().map(|counters| counters.open.load(Relaxed)).sum()
    }

    pub(super) fn sample(&self, out: &mut MetricSamples) {
        out.set(&names::TCP_CONNECTIONS, &[], self.open());
        out.set(&names::TCP_ACCEPTED, &[], self.accepted.load(Relaxed));
        for (state, count) in DisplacedState::ALL.iter().zip(&self.displaced) {
            out.set(&names::TCP_DISPLACED, &[state.as_str()], count.load(Relaxed));
        }
        for (transport, counters) in Transport::ALL.into_iter().zip(&self.transports) {
            if transport != Transport::Udp {
                out.set(&names::CONNECTIONS, &[transport.name()], counters.open.load(Relaxed));
            }
            if transport != Transport::Quic {
                for (result, count) in ProxyHeaderResult::ALL.iter().zip(&counters.proxy_headers) {
                    let labels = [transport.name(), result.as_str()];
                    out.set(&names::PROXY_HEADERS, &labels, count.load(Relaxed));
                }
            }
            if transport.is_encrypted() {
                counters.sample_sessions(transport, out);
            }
            if has_streams(transport) {
                counters.sample_streams(transport, out);
            }
        }
    }
}

/// Whether each query has a stream of its own.
const fn has_streams(transport: Transport) -> bool {
    matches!(transport, Transport::Https | Transport::Quic)
}

impl TransportCounters {
    fn sample_sessions(&self, transport: Transport, out: &mut MetricSamples) {
        for (result, count) in HandshakeResult::ALL.iter().zip(&self.handshakes) {
            out.set(&names::TLS_HANDSHAKES, &[transport.name(), result.as_str()], count.load(Relaxed));
        }
        for (version, groups) in TlsVersionLabel::ALL.iter().zip(&self.sessions) {
            for (group, count) in KeyExchangeLabel::ALL.iter().zip(groups) {
                let labels = [transport.name(), version.as_str(), group.as_str()];
                out.set(&names::TLS_SESSIONS, &labels, count.load(Relaxed));
            }
        }
    }

    fn sample_streams(&self, transport: Transport, out: &mut MetricSamples) {
        out.set(&names::STREAMS, &[transport.name()], self.streams.load(Relaxed));
        for (fault, count) in StreamFault::ALL.iter().zip(&self.faults) {
            out.set(&names::STREAM_ERRORS, &[transport.name(), fault.as_str()], count.load(Relaxed));
        }
    }
}
