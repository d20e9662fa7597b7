//! Questions that this server asks itself: answered as those of clients are, from zones, the cache, or by a look-up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rhumb_config::IpNetwork;
use rhumb_net::LocalAddress;
use rhumb_resolver::OutboundQuestion;
use rhumb_wire::Transport;
use rhumb_wire::header::{self, MessageHeader};
use tokio::sync::watch;

use super::queue::ResolveQueue;
use super::reply_path::ReplyPath;
use crate::query::{QueryClient, QueryContext, QueryOutcome, QueryScratch, respond};
use crate::snapshot::{OwnQuestion, ServerSnapshot, ServerState};

/// Room for the longest message.
const LONGEST: usize = 65_535;

/// Answers what parts of this server ask, until `stop` is true. What has to wait goes through the queue that clients wait in.
pub(super) async fn answer_own_lookups(
    live: Arc<ServerState>,
    queue: ResolveQueue,
    mut stop: watch::Receiver<bool>,
) {
    let mut out = vec![0; LONGEST];
    loop {
        let question = tokio::select! {
            question = live.own_lookups.next() => question,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Some(question) = question else { return };
        answer(&live, &queue, question, &mut out);
    }
}

fn answer(live: &ServerState, queue: &ResolveQueue, question: OwnQuestion, out: &mut [u8]) {
    let OwnQuestion { name, rtype, reply } = question;
    let mut snapshot = ServerSnapshot::clone(&live.snapshot.load());
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // Which clients may ask is of no matter here.
    snapshot.view.allow = vec![IpNetwork::around(here, 32)].into();
    let snapshot = Arc::new(snapshot);
    let head = MessageHeader { id: 1, flags: header::RD, questions: 1, ..MessageHeader::default() };
    let query = [&head.to_bytes()[..], &OutboundQuestion::new(name.as_ref(), rtype).to_wire()].concat();
    let client =
        QueryClient::known(SocketAddr::new(here, 53_053), LocalAddress::new(here, 0), Transport::Tcp);
    let context = QueryContext::of(live, &snapshot, Instant::now());
    match respond(&query, &client, &context, &mut QueryScratch::new(), out) {
        QueryOutcome::Reply(length) => {
            // Whoever asked need not wait any more.
            let _ = reply.send(out.get(..length).unwrap_or_default().to_vec());
        }
        QueryOutcome::Wait(waiting) => queue.enter(*waiting, ReplyPath::Own(reply)),
        QueryOutcome::Messages(_) | QueryOutcome::Drop(_) => {}
    }
}
