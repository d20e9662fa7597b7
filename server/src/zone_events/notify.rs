//! Tells other servers what is new in zones: secondaries of new versions (RFC 1996), parents of what they take over (RFC 9859).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_wire::{Rcode, Type};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep_until;

use super::notify_exchange::{NotifyOutcome, NotifyReport, exchange, is_told};
use super::notify_schedule::{NotifyPeer, NotifySchedule, NotifySlotKey};
use super::wall_clock::unix_time;
use crate::metrics::NotifyResult;
use crate::snapshot::{AnnouncedZone, AnnouncedZones, NotifyReply, ParentNotice, ServerState};

/// How long nothing is looked at where nothing is due.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A parent is told so much later where there are secondaries: it may ask one of them (RFC 9859 section 4.2).
const PARENT_DELAY: Duration = Duration::from_secs(5);

/// Tells the servers of each zone that is announced, until `stop` says so.
pub async fn send_notifications(live: Arc<ServerState>, mut stop: watch::Receiver<bool>) {
    let mut sender = NotifySender {
        live: Arc::clone(&live),
        schedule: NotifySchedule::default(),
        under_way: JoinSet::new(),
        handles: HashMap::new(),
        awaited: HashMap::new(),
    };
    loop {
        let now = Instant::now();
        sender.send_due(now);
        let pause = sender.schedule.due().unwrap_or(now + LONGEST_PAUSE);
        tokio::select! {
            announced = live.announcements.take() => sender.take(announced),
            Some(done) = sender.under_way.join_next_with_id() => {
                // Of one that a newer version has taken the place of nothing is noted.
                if let Ok((id, (key, report))) = done && sender.handles.get(&key).is_some_and(|handle| handle.id() == id) {
                    sender.handles.remove(&key);
                    sender.conclude(&key, &report);
                }
            }
            () = sleep_until(pause.into()) => {}
            // A sender that is gone ends it as well.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

struct NotifySender {
    live: Arc<ServerState>,
    schedule: NotifySchedule,
    under_way: JoinSet<(NotifySlotKey, NotifyReport)>,
    handles: HashMap<NotifySlotKey, AbortHandle>,
    awaited: HashMap<NotifySlotKey, Vec<NotifyReply>>,
}

impl NotifySender {
    fn send_due(&mut self, now: Instant) {
        while let Some(due) = self.schedule.next(now) {
            let (live, key) = (Arc::clone(&self.live), due.key.clone());
            let handle = self.under_way.spawn(async move {
                let report = exchange(&live, &due).await;
                (due.key, report)
            });
            self.handles.insert(key, handle);
        }
    }

    fn take(&mut self, announced: AnnouncedZones) {
        let AnnouncedZones { zones, reconfigured } = announced;
        if reconfigured {
            self.forget_gone();
        }
        let now = Instant::now();
        for AnnouncedZone { entry, topics, replies } in zones.into_values() {
            let origin = &entry.origin;
            let servers = origin.notify.iter().filter(|_| topics.version);
            let servers = servers.map(|target| NotifyPeer::Server(target.address));
            let parents = [(topics.cds, Type::CDS), (topics.csync, Type::CSYNC)];
            let parents = parents.iter().filter(|(is_new, _)| *is_new && origin.parent_notify);
            let parents = parents.map(|(_, rtype)| NotifyPeer::Parent(*rtype));
            let has_secondaries = replies.is_empty() && !origin.notify.is_empty();
            for peer in servers.chain(parents) {
                let key = (entry.zone.name().clone(), peer);
                let is_late = has_secondaries && matches!(peer, NotifyPeer::Parent(_));
                self.abort(&key);
                self.schedule.announce(&key, if is_late { PARENT_DELAY } else { Duration::ZERO }, now);
                if !replies.is_empty() {
                    self.awaited.entry(key).or_default().extend(replies.iter().cloned());
                }
            }
        }
    }

    /// Tells nobody any more who is not to be told since the configuration has changed.
    fn forget_gone(&mut self) {
        let snapshot = self.live.snapshot.load_full();
        for key in self.schedule.retain(|(zone, peer)| is_told(&snapshot, zone, *peer)) {
            self.abort(&key);
            self.reply(&key, &NotifyOutcome::Gone.into());
        }
        let has_parent =
            |zone: &_| snapshot.view.zone_at(zone).is_some_and(|entry| entry.origin.parent_notify);
        self.live.parents.retain(has_parent);
    }

    fn abort(&mut self, key: &NotifySlotKey) {
        if let Some(handle) = self.handles.remove(key) {
            handle.abort();
        }
    }

    /// Tells those who wait for it.
    fn reply(&mut self, key: &NotifySlotKey, report: &NotifyReport) {
        let server = match (&report.endpoint, key.1) {
            (Some(endpoint), NotifyPeer::Parent(rtype)) => format!("{endpoint} for the parent, of {rtype},"),
            (_, peer) => peer.to_string(),
        };
        for reply in self.awaited.remove(key).into_iter().flatten() {
            // Whoever asked may be gone.
            let _ = reply.send((server.clone(), report.outcome.to_string()));
        }
    }

    fn conclude(&mut self, key: &NotifySlotKey, report: &NotifyReport) {
        self.reply(key, report);
        let (zone, peer) = key;
        if let NotifyPeer::Parent(rtype) = peer
            && !matches!(report.outcome, NotifyOutcome::Gone)
        {
            let (server, outcome) = (report.endpoint.clone(), report.outcome.to_string());
            let notice = ParentNotice { rtype: *rtype, server, outcome, time: unix_time() };
            self.live.parents.note(zone, notice);
        }
        let metrics = &self.live.metrics;
        let server = report.endpoint.clone().unwrap_or_else(|| peer.to_string());
        match &report.outcome {
            NotifyOutcome::Gone => return self.schedule.forget(key),
            NotifyOutcome::Answered(Rcode::NOERROR) => {
                tracing::debug!(%zone, server, "NOTIFY acknowledged");
                metrics.notified(NotifyResult::Acknowledged);
                return self.schedule.answered(key);
            }
            NotifyOutcome::Answered(rcode) => {
                tracing::warn!(%zone, server, "NOTIFY is answered {rcode}");
                metrics.notified(NotifyResult::Refused);
                return self.schedule.answered(key);
            }
            NotifyOutcome::NoEndpoint => {
                tracing::debug!(%zone, "NOTIFY: the parent has no DSYNC record for that");
                metrics.notified(NotifyResult::NoEndpoint);
                return self.schedule.answered(key);
            }
            NotifyOutcome::Unanswered => tracing::debug!(%zone, server, "NOTIFY is not answered"),
            NotifyOutcome::Failed(error) => tracing::debug!(%zone, server, %error, "NOTIFY cannot be sent"),
            NotifyOutcome::NotFound(why) => {
                tracing::debug!(%zone, why, "NOTIFY: whom the parent names is not found");
            }
        }
        metrics.notified(NotifyResult::Unanswered);
        if self.schedule.unanswered(key, Instant::now()) {
            tracing::warn!(%zone, server, "NOTIFY was not answered five times; it is sent once an hour from now on");
        }
    }
}
