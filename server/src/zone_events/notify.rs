//! Tells other servers of new versions of zones (RFC 1996).

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rhumb_net::upstream::QuerySocket;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::tsig::sign_request;
use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, Opcode, Rcode, Type};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep_until, timeout};

use super::notify_schedule::{DueNotify, NotifySchedule, NotifySlotKey};
use crate::metrics::NotifyResult;
use crate::snapshot::{AnnouncedZone, NotifyReply, ServerState, ZoneEntry};

/// The longest message: header, a name, a SOA of three names, a TSIG.
const LONGEST: usize = 2048;

/// How long nothing is looked at where nothing is due.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What came of a message.
enum NotifyOutcome {
    Answered(Rcode),
    Unanswered,
    /// It could not be sent, or the network says that nobody is there.
    Failed(io::Error),
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
            Self::Gone => f.write_str("is not told: there is no such zone or key any more"),
        }
    }
}

/// Tells the servers of each zone that is announced, until `stop` says so.
pub async fn send_notifications(live: Arc<ServerState>, mut stop: watch::Receiver<bool>) {
    let mut schedule = NotifySchedule::default();
    let mut under_way = JoinSet::new();
    let mut handles: HashMap<NotifySlotKey, AbortHandle> = HashMap::new();
    let mut awaited: HashMap<NotifySlotKey, Vec<NotifyReply>> = HashMap::new();
    loop {
        let now = Instant::now();
        while let Some(due) = schedule.next(now) {
            let key = (due.entry.zone.name().clone(), due.target.address);
            let (live, done) = (Arc::clone(&live), key.clone());
            let handle = under_way.spawn(async move { (done, exchange(&live, due).await) });
            handles.insert(key, handle);
        }
        let pause = schedule.due().unwrap_or(now + LONGEST_PAUSE);
        tokio::select! {
            announced = live.announcements.take() => {
                for AnnouncedZone { entry, replies } in &announced {
                    for target in &entry.origin.notify {
                        let key = (entry.zone.name().clone(), target.address);
                        if let Some(handle) = handles.remove(&key) {
                            handle.abort();
                        }
                        schedule.announce(entry, target, Instant::now());
                        if !replies.is_empty() {
                            awaited.entry(key).or_default().extend(replies.iter().cloned());
                        }
                    }
                }
            }
            Some(done) = under_way.join_next_with_id() => {
                // Of one that a newer version has taken the place of nothing is noted.
                if let Ok((id, (key, outcome))) = done && handles.get(&key).is_some_and(|handle| handle.id() == id) {
                    handles.remove(&key);
                    for reply in awaited.remove(&key).into_iter().flatten() {
                        // Whoever asked may be gone.
                        let _ = reply.send((key.1, outcome.to_string()));
                    }
                    conclude(&live, &mut schedule, &key, &outcome);
                }
            }
            () = sleep_until(pause.into()) => {}
            // A sender that is gone ends it as well.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

fn conclude(live: &ServerState, schedule: &mut NotifySchedule, key: &NotifySlotKey, outcome: &NotifyOutcome) {
    let (zone, server) = key;
    match outcome {
        NotifyOutcome::Gone => return schedule.forget(key),
        NotifyOutcome::Answered(Rcode::NOERROR) => {
            tracing::debug!(%zone, %server, "NOTIFY acknowledged");
            live.metrics.notified(NotifyResult::Acknowledged);
            return schedule.answered(key);
        }
        NotifyOutcome::Answered(rcode) => {
            tracing::warn!(%zone, %server, "NOTIFY is answered {rcode}");
            live.metrics.notified(NotifyResult::Refused);
            return schedule.answered(key);
        }
        NotifyOutcome::Unanswered => tracing::debug!(%zone, %server, "NOTIFY is not answered"),
        NotifyOutcome::Failed(error) => tracing::debug!(%zone, %server, %error, "NOTIFY cannot be sent"),
    }
    live.metrics.notified(NotifyResult::Unanswered);
    if schedule.unanswered(key, Instant::now()) {
        tracing::warn!(%zone, %server, "NOTIFY was not answered five times; it is sent once an hour from now on");
    }
}

/// Sends a message and waits for its answer.
async fn exchange(live: &ServerState, due: DueNotify) -> NotifyOutcome {
    let DueNotify { entry, target, wait } = due;
    let mut id = [0; 2];
    if let Err(error) = rhumb_net::random(&mut id) {
        return NotifyOutcome::Failed(error);
    }
    let id = u16::from_be_bytes(id);
    let mut buffer = [0; LONGEST];
    let Some(Ok(length)) = message(&entry, id, &mut buffer) else { return NotifyOutcome::Gone };
    let key = target.key.as_ref();
    let key = key.and_then(|name| live.snapshot.load().settings.keys.find(name.as_ref()).cloned());
    if target.key.is_some() && key.is_none() {
        return NotifyOutcome::Gone;
    }
    let signed = key.map(|key| sign_request(&key, &mut buffer, length, unix_time()));
    let (length, mut verifier) = match signed {
        None => (length, None),
        Some(Ok((length, verifier))) => (length, Some(verifier)),
        Some(Err(BufferFull)) => return NotifyOutcome::Gone,
    };
    let socket = match QuerySocket::open(target.address, target.source) {
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
                    tracing::warn!(zone = %entry.zone.name(), server = %target.address, "NOTIFY: {error}");
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

/// Writes the message: the question for the SOA and the SOA as it is now (RFC 1996 section 3.7). None for a zone without contents.
fn message(entry: &ZoneEntry, id: u16, buffer: &mut [u8]) -> Option<Result<usize, BufferFull>> {
    let contents = entry.zone.contents()?;
    let soa = contents.soa()?;
    let record = soa.records().next()?;
    let mut rdata = Vec::new();
    record.rdata(&mut rdata);
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(buffer, LONGEST, &mut compression);
    let written = w.question(contents.apex(), Type::SOA, Class::IN).and_then(|()| {
        let answer = MessageSection::Answer;
        w.record(answer, contents.apex(), Type::SOA, Class::IN, record.ttl(), |w| w.bytes(&rdata))
    });
    Some(written.map(|()| w.finish(id, header::AA | u16::from(Opcode::NOTIFY.0) << 11)))
}

/// Seconds since 1970, which signatures are held against.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
