//! One message to another server that there is something new in a zone, and its answer (RFC 1996 section 3).

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rhumb_net::upstream::QuerySocket;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::tsig::{TsigKey, sign_request};
use rhumb_wire::{
    BufferFull, Class, DomainName, MessageSection, MessageWriter, NameRef, Opcode, Rcode, Type,
};
use tokio::time::timeout;

use super::notify_schedule::{DueNotify, NotifyPeer};
use super::parent_endpoint::{find_addresses, find_endpoint};
use super::wall_clock::unix_time;
use crate::snapshot::{NotifyTarget, ServerSnapshot, ServerState, ZoneEntry};

/// The longest message: header, a name, a SOA of three names, a TSIG.
const LONGEST: usize = 2048;

/// What came of a message.
pub(super) enum NotifyOutcome {
    Answered(Rcode),
    Unanswered,
    /// It could not be sent, or the network says that nobody is there.
    Failed(io::Error),
    /// Whom the parent names could not be found out.
    NotFound(String),
    /// The parent names nobody.
    NoEndpoint,
    /// There is nothing to tell any more.
    Gone,
}

impl fmt::Display for NotifyOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(Rcode::NOERROR) => f.write_str("has acknowledged it"),
            Self::Answered(rcode) => write!(f, "answers {rcode}"),
            Self::Unanswered => f.write_str("has not answered yet and is told again"),
            Self::Failed(error) => write!(f, "cannot be told now ({error}) and is told again"),
            Self::NotFound(why) => write!(f, "cannot be found now ({why}) and is looked for again"),
            Self::NoEndpoint => f.write_str("is not told: it has no DSYNC record for that"),
            Self::Gone => f.write_str("is not told: there is no such zone or key any more"),
        }
    }
}

/// What came of it, and of whom the parent names what is known.
pub(super) struct NotifyReport {
    pub(super) endpoint: Option<String>,
    pub(super) outcome: NotifyOutcome,
}

impl From<NotifyOutcome> for NotifyReport {
    fn from(outcome: NotifyOutcome) -> Self {
        Self { endpoint: None, outcome }
    }
}

/// Whether a zone is served at this moment and `peer` is to be told of it.
pub(super) fn is_told(snapshot: &ServerSnapshot, zone: &DomainName, peer: NotifyPeer) -> bool {
    snapshot.view.zone_at(zone).is_some_and(|entry| match peer {
        NotifyPeer::Server(address) => target(entry, address).is_some(),
        NotifyPeer::Parent(_) => entry.origin.parent_notify,
    })
}

fn target(entry: &ZoneEntry, address: SocketAddr) -> Option<&NotifyTarget> {
    entry.origin.notify.iter().rev().find(|target| target.address == address)
}

/// Sends a message by the configuration of this moment, and waits for its answer.
pub(super) async fn exchange(live: &ServerState, due: &DueNotify) -> NotifyReport {
    let (zone, peer) = &due.key;
    match *peer {
        NotifyPeer::Server(address) => match version_notice(live, zone, address) {
            Some((question, told)) => tell(&question, &told, due.wait).await.into(),
            None => NotifyOutcome::Gone.into(),
        },
        NotifyPeer::Parent(_) if !is_told(&live.snapshot.load(), zone, *peer) => NotifyOutcome::Gone.into(),
        NotifyPeer::Parent(rtype) => tell_parent(live, zone.as_ref(), rtype, due).await,
    }
}

/// What a secondary is told and how; none where it is not to be told, or its key is gone. Nothing is held on to of the version: the
/// answer may take its time.
fn version_notice<'a>(
    live: &ServerState,
    zone: &'a DomainName,
    address: SocketAddr,
) -> Option<(NotifyQuestion<'a>, Told)> {
    let snapshot = live.snapshot.load();
    let entry = snapshot.view.zone_at(zone)?;
    let target = target(entry, address)?;
    let key = match &target.key {
        Some(name) => Some(Arc::clone(snapshot.settings.keys.find(name.as_ref())?)),
        None => None,
    };
    let contents = entry.zone.contents()?;
    let record = contents.soa()?.records().next()?;
    let mut rdata = Vec::new();
    record.rdata(&mut rdata);
    let question = NotifyQuestion { zone: zone.as_ref(), rtype: Type::SOA, soa: Some((record.ttl(), rdata)) };
    Some((question, Told { address, source: target.source, key }))
}

/// Finds out whom the parent names, and sends the message there.
async fn tell_parent(live: &ServerState, zone: NameRef<'_>, rtype: Type, due: &DueNotify) -> NotifyReport {
    let endpoint = match find_endpoint(&live.own_lookups, zone, rtype).await {
        Ok(Some(endpoint)) => endpoint,
        Ok(None) => return NotifyOutcome::NoEndpoint.into(),
        Err(why) => return NotifyOutcome::NotFound(why).into(),
    };
    let target = format!("{}, port {}", endpoint.target, endpoint.port);
    let addresses = match find_addresses(&live.own_lookups, &endpoint).await {
        Ok(addresses) => addresses,
        Err(why) => return NotifyReport { endpoint: Some(target), outcome: NotifyOutcome::NotFound(why) },
    };
    let question = NotifyQuestion { zone, rtype, soa: None };
    let mut report = NotifyReport { endpoint: Some(target), outcome: NotifyOutcome::Unanswered };
    // Each message goes to the next address; one that cannot be sent goes on at once.
    let count = addresses.len();
    for address in addresses.into_iter().cycle().skip(due.attempt % count.max(1)).take(count) {
        report.endpoint = Some(format!("{} ({address})", endpoint.target));
        report.outcome = tell(&question, &Told { address, source: None, key: None }, due.wait).await;
        if !matches!(report.outcome, NotifyOutcome::Failed(_)) {
            break;
        }
    }
    report
}

/// What a message says.
struct NotifyQuestion<'a> {
    zone: NameRef<'a>,
    rtype: Type,
    /// The SOA as it is now: TTL and data.
    soa: Option<(u32, Vec<u8>)>,
}

/// Where it goes, from where, and by what it is signed.
struct Told {
    address: SocketAddr,
    source: Option<IpAddr>,
    key: Option<Arc<TsigKey>>,
}

async fn tell(question: &NotifyQuestion<'_>, told: &Told, wait: Duration) -> NotifyOutcome {
    let mut id = [0; 2];
    if let Err(error) = rhumb_net::random(&mut id) {
        return NotifyOutcome::Failed(error);
    }
    let id = u16::from_be_bytes(id);
    let mut buffer = [0; LONGEST];
    let Ok(length) = message(question, id, &mut buffer) else { return NotifyOutcome::Gone };
    let signed = told.key.as_ref().map(|key| sign_request(key, &mut buffer, length, unix_time()));
    let (length, mut verifier) = match signed {
        None => (length, None),
        Some(Ok((length, verifier))) => (length, Some(verifier)),
        Some(Err(BufferFull)) => return NotifyOutcome::Gone,
    };
    let socket = match QuerySocket::open(told.address, told.source) {
        Ok(socket) => socket,
        Err(error) => return NotifyOutcome::Failed(error),
    };
    if let Err(error) = socket.send(buffer.get(..length).unwrap_or(&[])).await {
        return NotifyOutcome::Failed(error);
    }
    let answer = async {
        loop {
            let length = match socket.recv(&mut buffer).await {
                Ok(length) => length,
                Err(error) => return NotifyOutcome::Failed(error),
            };
            let received = buffer.get(..length).unwrap_or(&[]);
            let Some(head) = MessageHeader::parse(received) else { continue };
            let is_answer = head.id == id && head.is_response() && head.opcode() == Opcode::NOTIFY;
            let verified = verifier.as_mut().is_none_or(|verifier| {
                let verified = verifier.verify(received, unix_time());
                if let Err(error) = &verified {
                    tracing::warn!(zone = %question.zone, server = %told.address, "NOTIFY: {error}");
                }
                verified.is_ok()
            });
            if is_answer && verified {
                return NotifyOutcome::Answered(Rcode(head.flags & header::RCODE));
            }
        }
    };
    timeout(wait, answer).await.unwrap_or(NotifyOutcome::Unanswered)
}

/// Writes the message: the question, and the SOA where it is about that (RFC 1996 section 3.7).
fn message(question: &NotifyQuestion<'_>, id: u16, buffer: &mut [u8]) -> Result<usize, BufferFull> {
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(buffer, LONGEST, &mut compression);
    w.question(question.zone, question.rtype, Class::IN)?;
    if let Some((ttl, rdata)) = &question.soa {
        let answer = MessageSection::Answer;
        w.record(answer, question.zone, Type::SOA, Class::IN, *ttl, |w| w.bytes(rdata))?;
    }
    Ok(w.finish(id, header::AA | u16::from(Opcode::NOTIFY.0) << 11))
}
