//! An answer that is owed to a client, and given whatever happens.

use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_net::udp::DatagramOutbox;
use rhumb_resolver::AttemptReport;
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;

use super::explained_lookups::ExplainedLookups;
use super::lookup::LookupKey;
use super::lookup_answer::{LookupAnswer, LookupMessage};
use super::reply_path::{ExplainedAnswer, ReplyPath, ReplyRoom, SHORT_RESPONSE, send_datagram};
use super::tried::tried;
use super::waiting_clients::{WaitPermit, network};
use crate::metrics::{CacheEvent, DropReason, GaugeUnit, ResponseSource};
use crate::query::{
    LinkAnswer, QueryScratch, ResolveWork, TraceStep, WaitedResponse, WaitingClient, WaitingStep,
    answer_update, answer_waiting, count_waiting, fail_waiting, follow_waiting, is_whole, log_waiting,
};
use crate::snapshot::ServerState;

/// A UDP response to a client of whose queries so many wait is dropped when it is so late.
const LATE: Duration = Duration::from_millis(1900);
/// One that has waited for so long is held back where many others of its client are sent.
const HELD: Duration = Duration::from_millis(10);
/// The longest a client waits, over all links of its answer: five seconds later it has given up.
const LONGEST_WAIT: Duration = Duration::from_millis(4400);
/// Look-ups for one client: one for each link of a chain and the first.
const MAX_LINKS: usize = 12;

/// A client that waits for its answer. Dropped, it gives SERVFAIL, so that nobody waits in vain and each connection knows
/// what it still owes.
#[derive(Debug)]
pub(super) struct PendingReply(Option<Box<OpenReply>>);

#[derive(Debug)]
struct OpenReply {
    client: WaitingClient,
    path: ReplyPath,
    since: Instant,
    live: Arc<ServerState>,
    /// None for one that was refused and is answered at once.
    permit: Option<WaitPermit>,
    /// What was tried for the links before.
    tried: Vec<AttemptReport>,
    /// Whether it is answered before its look-up ends, where that takes long.
    bounded: bool,
    /// Whether something in its answer is past its TTL.
    stale: bool,
    _waiting: GaugeUnit,
}

impl PendingReply {
    pub(super) fn new(
        client: WaitingClient,
        path: ReplyPath,
        permit: Option<WaitPermit>,
        live: &Arc<ServerState>,
    ) -> Self {
        Self(Some(Box::new(OpenReply {
            client,
            path,
            since: Instant::now(),
            live: Arc::clone(live),
            permit,
            tried: Vec::new(),
            bounded: false,
            stale: false,
            _waiting: live.metrics.waiting(),
        })))
    }

    /// What a client holds while it waits, in bytes, its query left out.
    pub(super) const SIZE: usize = size_of::<OpenReply>() + size_of::<Self>() + 32;

    /// Whether it is a datagram, whose sender may be forged.
    pub(super) fn is_datagram(&self) -> bool {
        self.0.as_ref().is_some_and(|open| matches!(open.path, ReplyPath::Datagram(..)))
    }

    /// Whether so many responses went by UDP to its client just now that it is to get no failure as well.
    pub(super) fn is_one_of_many(&self) -> bool {
        let many = |permit: &WaitPermit| permit.is_in_burst() && permit.respond().is_err();
        self.is_datagram() && self.0.as_ref().and_then(|open| open.permit.as_ref()).is_some_and(many)
    }

    /// Who asked, as clients are counted; none for an operator.
    pub(super) fn network(&self) -> Option<IpAddr> {
        let open = self.0.as_ref()?;
        (!matches!(open.path, ReplyPath::Explain(..) | ReplyPath::Own(_)))
            .then(|| network(open.client.peer.ip()))
    }

    /// Where its look-ups leave what they did, if an operator wants it explained.
    pub(super) fn explained(&self) -> Option<ExplainedLookups> {
        match &self.0.as_ref()?.path {
            ReplyPath::Explain(_, lookups) => Some(lookups.clone()),
            ReplyPath::Datagram(..) | ReplyPath::Stream(_) | ReplyPath::Own(_) => None,
        }
    }

    /// Whether its client has gone, as far as that can be told.
    pub(super) fn is_abandoned(&self) -> bool {
        let gone = |open: &OpenReply| match &open.path {
            ReplyPath::Stream(client) => client.is_closed(),
            ReplyPath::Own(asker) => asker.is_closed(),
            ReplyPath::Datagram(..) | ReplyPath::Explain(..) => false,
        };
        self.0.as_deref().is_some_and(gone)
    }

    /// It waits for a look-up that may take longer than its client does.
    pub(super) fn bound_wait(&mut self) {
        if let Some(open) = &mut self.0 {
            open.bounded = !matches!(open.path, ReplyPath::Explain(..));
        }
    }

    /// When it has to be answered at the latest; none for one that waits for its first look-up, where that ends before.
    pub(super) fn ends(&self) -> Option<Instant> {
        let open = self.0.as_ref()?;
        (open.bounded || !open.client.links.is_empty()).then(|| open.since + LONGEST_WAIT)
    }

    /// Gives the answer that a look-up found.
    pub(super) fn answer(mut self, found: &LookupAnswer, room: &mut ReplyRoom) {
        let Some(mut open) = self.0.take() else { return };
        if open.is_late() {
            open.drop_silently(DropReason::TooOld);
            return;
        }
        open.stale = found.is_stale();
        let (client, live, out) = (&open.client, &*open.live, &mut room.bytes);
        let response = match &found.outcome {
            Ok(message) => answer_waiting(client, live, &message.bytes, message.hit.as_ref(), out),
            Err(failure) => failure.write(client, live, out),
        };
        open.give(response, found.source(), &found.tried, None, room);
    }

    /// Whether what was found is only a link of this client's answer.
    pub(super) fn follows(&self, found: &LookupMessage) -> bool {
        let follows =
            |open: &OpenReply| open.client.follows || !is_whole(found.aliases, &open.client.snapshot);
        self.0.as_ref().is_some_and(|open| follows(open))
    }

    /// Goes on with the answer of a client for which `found` is a link: gives it, or what is missing now.
    pub(super) fn follow(
        mut self,
        key: &LookupKey,
        found: &LookupMessage,
        attempts: &[AttemptReport],
        scratch: &mut QueryScratch,
        room: &mut ReplyRoom,
    ) -> Option<(ResolveWork, Self)> {
        let mut open = self.0.take()?;
        if open.is_late() {
            open.drop_silently(DropReason::TooOld);
            return None;
        }
        let grown = open.permit.as_mut().is_none_or(|permit| permit.grow(found.bytes.len()));
        if open.client.links.len() >= MAX_LINKS || !grown {
            open.fail("too many aliases lead elsewhere");
            return None;
        }
        open.client.follows = true;
        open.stale |= found.stale;
        open.client.links.push(LinkAnswer {
            route: key.route,
            question: key.question.clone(),
            message: Arc::clone(&found.bytes),
            stale: found.hit.is_some_and(|hit| hit.stale),
        });
        open.tried.extend(attempts.iter().cloned());
        scratch.trace = matches!(open.path, ReplyPath::Explain(..)).then(Vec::new);
        let followed = follow_waiting(&open.client, &open.live, scratch, &mut room.bytes);
        let trace = scratch.trace.take();
        let response = match followed {
            Ok(WaitingStep::Missing(work)) => return Some((work, Self(Some(open)))),
            Ok(WaitingStep::Response(response)) => Ok(response),
            Err(reason) => Err(reason),
        };
        let attempts = std::mem::take(&mut open.tried);
        open.give(response, ResponseSource::Upstream, &attempts, trace, room);
        None
    }

    /// Answers SERVFAIL.
    pub(super) fn fail(mut self, why: &'static str) {
        if let Some(open) = self.0.take() {
            open.fail(why);
        }
    }

    /// Who waits; none once it was answered.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(|open| open.client.peer)
    }

    /// Answers an update.
    pub(super) fn conclude(mut self, rcode: Rcode, error: Option<(ExtendedError, &str)>) {
        let Some(open) = self.0.take() else { return };
        let mut out = [0; SHORT_RESPONSE];
        let response = answer_update(&open.client, rcode, error, &mut out);
        open.give_short(response, &out);
    }

    /// Gives the answer of another server as it is.
    pub(super) fn pass_on(mut self, answer: &[u8]) {
        if let Some(open) = self.0.take() {
            open.send(answer, WaitedResponse::of(answer), ResponseSource::Upstream, &[], Vec::new(), None);
        }
    }

    /// Answers nothing.
    pub(super) fn drop_silently(mut self, reason: DropReason) {
        if let Some(open) = self.0.take() {
            open.drop_silently(reason);
        }
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        // A second panic while the first one unwinds would end the process.
        let _ = catch_unwind(AssertUnwindSafe(|| open.fail("internal error")));
    }
}

impl OpenReply {
    fn is_late(&self) -> bool {
        matches!(self.path, ReplyPath::Datagram(..))
            && self.since.elapsed() > LATE
            && self.permit.as_ref().is_some_and(WaitPermit::is_in_burst)
    }

    fn fail(self, why: &'static str) {
        let mut out = [0; SHORT_RESPONSE];
        let error = Some((ExtendedError::Other, why));
        let response = fail_waiting(&self.client, &self.live, Rcode::SERVFAIL, error, None, &mut out);
        self.give_short(response, &out);
    }

    fn give_short(self, response: Result<WaitedResponse, DropReason>, out: &[u8]) {
        match response {
            Ok(response) => {
                let reply = out.get(..response.length).unwrap_or_default();
                self.send(reply, response, ResponseSource::Server, &[], Vec::new(), None);
            }
            Err(reason) => self.drop_silently(reason),
        }
    }

    fn give(
        self,
        response: Result<WaitedResponse, DropReason>,
        source: ResponseSource,
        attempts: &[AttemptReport],
        steps: Option<Vec<TraceStep>>,
        room: &mut ReplyRoom,
    ) {
        let ReplyRoom { bytes, outbox } = room;
        match response {
            Ok(response) => {
                let reply = bytes.get(..response.length).unwrap_or_default();
                self.send(reply, response, source, attempts, steps.unwrap_or_default(), Some(outbox));
            }
            Err(reason) => self.drop_silently(reason),
        }
    }

    fn drop_silently(self, reason: DropReason) {
        self.live.metrics.with_local(|block| block.dropped(reason));
        if let ReplyPath::Stream(connection) = self.path {
            // A connection that is gone owes nothing.
            let _ = connection.try_send(Vec::new());
        }
    }

    /// How long a response has to be held back, for many others to its client were sent just now.
    fn held_back(&self) -> Option<Duration> {
        let permit = self.permit.as_ref().filter(|permit| {
            matches!(self.path, ReplyPath::Datagram(..))
                && self.since.elapsed() > HELD
                && permit.is_in_burst()
        });
        permit.and_then(|permit| permit.respond().err())
    }

    /// Sends a response, or puts it into the outbox, or has a task of its own send it later.
    fn send(
        self,
        reply: &[u8],
        response: WaitedResponse,
        source: ResponseSource,
        attempts: &[AttemptReport],
        steps: Vec<TraceStep>,
        outbox: Option<&mut DatagramOutbox<WaitingClient>>,
    ) {
        let Some(mut wait) = self.held_back() else {
            return self.send_now(reply, response, source, attempts, steps, outbox);
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.drop_silently(DropReason::QueueFull);
        };
        let (reply, attempts) = (reply.to_vec(), attempts.to_vec());
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(wait).await;
                if self.is_late() {
                    return self.drop_silently(DropReason::TooOld);
                }
                match self.held_back() {
                    Some(more) => wait = more,
                    None => return self.send_now(&reply, response, source, &attempts, steps, None),
                }
            }
        });
    }

    fn send_now(
        self,
        reply: &[u8],
        response: WaitedResponse,
        source: ResponseSource,
        attempts: &[AttemptReport],
        steps: Vec<TraceStep>,
        outbox: Option<&mut DatagramOutbox<WaitingClient>>,
    ) {
        let Self { client, path, since, live, stale, .. } = self;
        let waited = since.elapsed();
        // An explanation is no client's response, nor is what this server asks itself.
        if !matches!(path, ReplyPath::Explain(..) | ReplyPath::Own(_)) {
            live.metrics.with_local(|block| {
                count_waiting(block, client.transport, reply, response, source);
                block.duration(client.transport, waited, 1);
                if stale {
                    block.cache(CacheEvent::Stale);
                }
            });
            log_waiting(&client, reply, response, source, waited, &live);
        }
        let sent = match path {
            ReplyPath::Datagram(socket, hop) => {
                let (peer, local) = hop.map_or((client.peer, client.local), |hop| (hop.peer, hop.local));
                match outbox {
                    Some(outbox) => outbox.push(socket, reply, peer, local, client),
                    None => send_datagram(&socket, reply, &client, (peer, local), &live),
                }
                true
            }
            ReplyPath::Stream(connection) => connection.try_send(reply.to_vec()).is_ok(),
            ReplyPath::Own(asker) => asker.send(reply.to_vec()).is_ok(),
            ReplyPath::Explain(asker, _) => {
                let explained = ExplainedAnswer { message: reply.to_vec(), tried: tried(attempts), steps };
                asker.send(explained).is_ok()
            }
        };
        if !sent {
            live.metrics.with_local(|block| block.dropped(DropReason::ClientGone));
        }
    }
}
