//! The trust anchors that are followed (RFC 5011), shared by the reloader, which seeds them, and the task that refreshes them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rhumb_resolver::TrustAnchor;
use rhumb_resolver::validate::{AnchorKeyChange, AnchorTerms, KeySetReading};
use rhumb_wire::DomainName;
use tokio::sync::Notify;

use super::followed_anchor::FollowedAnchor;

/// The most anchors that are remembered and not followed.
const DORMANT: usize = 64;

/// The trust anchors that are followed.
#[derive(Debug, Default)]
pub struct LiveAnchors {
    table: Mutex<AnchorTable>,
    /// The folder that they are kept in.
    folder: OnceLock<PathBuf>,
    failures: AtomicU64,
    file_failures: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct AnchorTable {
    /// None where the configuration in force gives keys that stay as they are.
    followed: Option<Vec<FollowedAnchor>>,
    /// Those that are not configured at present.
    dormant: Vec<FollowedAnchor>,
    /// Something is not kept yet.
    is_dirty: bool,
}

/// What an anchor made of a set of keys.
#[derive(Debug, Clone, Default)]
pub struct AnchorObservation {
    /// What has changed.
    pub changes: Vec<AnchorKeyChange>,
    /// Whether all of its keys are revoked by that.
    pub is_gone: bool,
    /// Whether a trusted key vouched for the set.
    pub is_trusted: bool,
}

impl LiveAnchors {
    fn table(&self) -> MutexGuard<'_, AnchorTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has them kept in this folder from now on. To be called once, before anything is followed.
    pub fn keep_in(&self, folder: &Path) {
        let _ = self.folder.set(folder.to_owned());
    }

    /// The folder that they are kept in.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.get().map(PathBuf::as_path)
    }

    /// Those that were kept; they wait until they are configured.
    pub fn restore(&self, kept: Vec<FollowedAnchor>) {
        self.table().dormant = kept;
    }

    /// From now on these are followed; none where the keys of the configuration stay as they are. An anchor that began with the same keys
    /// goes on where it is. The zones whose anchors begin, and whether they began with other keys before.
    pub fn follow(&self, wanted: Option<Vec<FollowedAnchor>>) -> Vec<(DomainName, bool)> {
        let mut table = self.table();
        let mut known = table.followed.take().unwrap_or_default();
        known.append(&mut table.dormant);
        let mut begun = Vec::new();
        let mut place = |wanted: FollowedAnchor| {
            let at = known.iter().position(|known| known.tracked.zone == wanted.tracked.zone);
            let known = at.map(|at| known.swap_remove(at));
            let replaces = known.is_some();
            known.filter(|known| known.seed == wanted.seed).unwrap_or_else(|| {
                begun.push((wanted.tracked.zone.clone(), replaces));
                wanted
            })
        };
        table.followed = wanted.map(|wanted| wanted.into_iter().map(&mut place).collect());
        known.truncate(DORMANT);
        table.dormant = known;
        table.is_dirty |= !begun.is_empty();
        begun
    }

    /// Says that another snapshot is in force.
    pub fn installed(&self) {
        self.changed.notify_one();
    }

    /// Returns once another snapshot is in force, by which other anchors may be followed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What validation goes by; none where nothing is followed.
    pub fn trusted(&self) -> Option<Vec<TrustAnchor>> {
        let table = self.table();
        let followed = table.followed.as_ref()?;
        Some(followed.iter().filter_map(|anchor| anchor.tracked.trusted()).collect())
    }

    /// Those that are followed.
    pub fn followed(&self) -> Vec<FollowedAnchor> {
        self.table().followed.clone().unwrap_or_default()
    }

    /// What was taken to be kept could not be.
    pub fn mark_unkept(&self) {
        self.table().is_dirty = true;
    }

    /// All there is to be kept, where that has changed since the last call.
    pub fn take_unkept(&self) -> Option<Vec<FollowedAnchor>> {
        let mut table = self.table();
        std::mem::take(&mut table.is_dirty)
            .then(|| table.followed.iter().flatten().chain(&table.dormant).cloned().collect())
    }

    /// An anchor takes note of the keys that its zone has at `now`, in seconds since 1970.
    pub fn observe(
        &self,
        zone: &DomainName,
        found: &KeySetReading,
        now: u64,
        terms: &AnchorTerms,
    ) -> AnchorObservation {
        let mut table = self.table();
        let Some(anchor) = table.find(zone) else { return AnchorObservation::default() };
        let verdict = anchor.tracked.observe(found, now, terms);
        let after = |seconds: u32| now.saturating_add(seconds.into());
        anchor.refresh.retry = terms.retry_after(found.original_ttl, found.expires_in);
        if verdict.is_trusted {
            anchor.refresh.next = after(terms.refresh_after(found.original_ttl, found.expires_in));
            anchor.refresh.refreshed = Some(now);
            anchor.refresh.failures = 0;
            anchor.refresh.failure = None;
        }
        let is_gone = !verdict.changes.is_empty() && anchor.tracked.trusted().is_none();
        table.is_dirty = true;
        AnchorObservation { changes: verdict.changes, is_gone, is_trusted: verdict.is_trusted }
    }

    /// The keys of a zone could not be refreshed at `now`. Whether that is new, or for another reason than before.
    pub fn refresh_failed(&self, zone: &DomainName, why: &str, now: u64, terms: &AnchorTerms) -> bool {
        self.failures.fetch_add(1, Relaxed);
        let mut table = self.table();
        let Some(anchor) = table.find(zone) else { return false };
        let refresh = &mut anchor.refresh;
        refresh.next = now.saturating_add(refresh.retry.max(terms.least_interval).into());
        refresh.failures = refresh.failures.saturating_add(1);
        let is_new = refresh.failure.as_deref() != Some(why);
        refresh.failure = Some(why.to_owned());
        is_new
    }

    /// How many refreshes failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// What is kept could not be read or written.
    pub fn file_failed(&self) {
        self.file_failures.fetch_add(1, Relaxed);
    }

    /// How many times that was.
    pub fn file_failures(&self) -> u64 {
        self.file_failures.load(Relaxed)
    }
}

impl AnchorTable {
    fn find(&mut self, zone: &DomainName) -> Option<&mut FollowedAnchor> {
        self.followed.iter_mut().flatten().find(|anchor| anchor.tracked.zone == *zone)
    }
}
