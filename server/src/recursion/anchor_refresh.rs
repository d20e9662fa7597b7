//! The keys of trust anchors, asked for again and again as RFC 5011 section 2.3 says.

use std::sync::Arc;
use std::time::Duration;

use rhumb_resolver::iterate;
use rhumb_resolver::validate::{AnchorKeyChange, AnchorKeyState, AnchorTerms, KeySetReading, TrackedAnchor};
use rhumb_resolver::{ForwardZone, ResolutionScope};
use rhumb_wire::{DomainName, NameRef, calendar};
use tokio::sync::watch;
use tokio::time::sleep;

use super::clock_check::{self, CLOCK_IS_WRONG};
use super::upstream_network::UpstreamNetwork;
use crate::snapshot::{AnchorObservation, RouteCourse, ServerSnapshot, ServerState};
use crate::test_hooks::anchor_periods;
use crate::trust_anchors::keep_anchors;

/// The longest time between two looks at what is due: the clock of the host may be set.
const LOOK: Duration = Duration::from_secs(30);
/// A refresh that is due later than this was planned by a clock that was wrong.
const FARTHEST: u64 = 15 * 86_400;

/// Refreshes the trust anchors that are followed, each when it is due, until `stop` is true.
pub(super) async fn refresh_anchors(
    live: Arc<ServerState>,
    network: Arc<UpstreamNetwork>,
    mut stop: watch::Receiver<bool>,
) {
    let task = AnchorRefresher { live, network, terms: terms() };
    loop {
        let next = tokio::select! {
            next = task.refresh_due() => next,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        tokio::select! {
            () = sleep(next) => {}
            () = task.live.anchors.changed() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

fn terms() -> AnchorTerms {
    anchor_periods().map_or_else(AnchorTerms::default, |(hold, interval)| AnchorTerms {
        add_hold: hold,
        remove_hold: hold,
        least_interval: interval,
    })
}

struct AnchorRefresher {
    live: Arc<ServerState>,
    network: Arc<UpstreamNetwork>,
    terms: AnchorTerms,
}

impl AnchorRefresher {
    /// Refreshes what is due. How long nothing is.
    async fn refresh_due(&self) -> Duration {
        self.keep().await;
        if !self.live.snapshot.load().iteration.validates() {
            return LOOK;
        }
        for anchor in self.live.anchors.followed() {
            let (now, next) = (self.now(), anchor.refresh.next);
            let is_due = next <= now || next - now > FARTHEST;
            // Of a zone whose keys are all revoked nothing can be learnt any more.
            if is_due && anchor.tracked.trusted().is_some() {
                self.refresh(&anchor.tracked).await;
            }
        }
        let now = self.now();
        let next =
            self.live.anchors.followed().iter().map(|anchor| anchor.refresh.next.saturating_sub(now)).min();
        next.map_or(LOOK, |seconds| Duration::from_secs(seconds.max(1)).min(LOOK))
    }

    fn now(&self) -> u64 {
        self.live.clock.with_wall_clock().1.into()
    }

    async fn refresh(&self, anchor: &TrackedAnchor) {
        let zone = &anchor.zone;
        match self.read(anchor).await {
            Ok(reading) => {
                let observed = self.live.anchors.observe(zone, &reading, self.now(), &self.terms);
                if !observed.is_trusted {
                    self.failed(zone, "no key that is trusted signs its keys");
                }
                self.take(zone, &observed).await;
            }
            Err(why) => self.failed(zone, &why),
        }
    }

    fn failed(&self, zone: &DomainName, why: &str) {
        if self.live.anchors.refresh_failed(zone, why, self.now(), &self.terms) {
            tracing::warn!("trust anchor of {zone}: its keys cannot be refreshed: {why}");
        }
    }

    /// The keys as the servers of the zone have them. Errors: in words.
    async fn read(&self, anchor: &TrackedAnchor) -> Result<KeySetReading, String> {
        let (live, snapshot) = (&self.live, self.live.snapshot.load_full());
        let time = live.clock.with_wall_clock();
        if clock_check::is_wrong(live, time.1) {
            return Err(CLOCK_IS_WRONG.to_owned());
        }
        let Some(settings) = &snapshot.iteration.validating else {
            return Err("nothing is validated".to_owned());
        };
        let forwards = |name: NameRef<'_>| forward_of(&snapshot, name);
        let scope = ResolutionScope { own: &|_| true, forwards: &forwards, root: &() };
        let read = iterate::read_anchor_keys(&*self.network, &live.resolver, settings, anchor, scope, time);
        read.await.map_err(|failure| failure.to_string())
    }

    /// Puts what an observation has changed on the disk and in force, and says it.
    async fn take(&self, zone: &DomainName, observed: &AnchorObservation) {
        self.keep().await;
        for change in &observed.changes {
            tracing::info!("trust anchor {} of {zone}: {}", change.tag, in_words(change));
        }
        if observed.is_gone {
            tracing::error!(
                "trust anchor of {zone}: all of its keys are revoked: nothing below {zone} is validated any more (RFC 5011 section 5); \
                 configure a key that is trusted"
            );
        }
        if !observed.changes.is_empty() {
            self.live.install(ServerSnapshot::clone);
            self.live.resolver.forget_trust();
            // Answers say whether they are authentic.
            self.live.cache.flush(zone.as_ref(), true);
        }
    }

    async fn keep(&self) {
        let live = Arc::clone(&self.live);
        // Fails only where the runtime ends.
        let _ = tokio::task::spawn_blocking(move || keep_anchors(&live.anchors)).await;
    }
}

/// The upstreams that a client's question of `name` would go to; none where it is resolved by iteration.
fn forward_of(snapshot: &ServerSnapshot, name: NameRef<'_>) -> Option<ForwardZone> {
    let entry = snapshot.view.routes.find(name)?;
    let forwards = snapshot.iteration.course(entry.route.id()) != RouteCourse::Iterate;
    let (domain, pool) = (entry.route.domain().clone(), Arc::clone(&entry.route.state().pool));
    forwards.then_some(ForwardZone { domain, pool })
}

fn in_words(change: &AnchorKeyChange) -> String {
    match (change.from, change.to) {
        (_, Some(AnchorKeyState::Pending)) => {
            let (year, month, day) = calendar::date(change.trusted_from.unwrap_or_default() / 86_400);
            format!("pending, trusted from {year:04}-{month:02}-{day:02}")
        }
        (Some(AnchorKeyState::Missing), Some(AnchorKeyState::Valid)) => {
            "valid, its zone has it again".to_owned()
        }
        (_, Some(AnchorKeyState::Valid)) => "valid, trusted from now on".to_owned(),
        (_, Some(AnchorKeyState::Missing)) => {
            "missing, its zone does not have it; it stays trusted".to_owned()
        }
        (_, Some(AnchorKeyState::Revoked)) => "revoked, not trusted any more".to_owned(),
        (_, Some(AnchorKeyState::Removed)) => "removed, revoked long ago".to_owned(),
        (_, None) => "forgotten, its zone took it back before it was trusted".to_owned(),
    }
}
