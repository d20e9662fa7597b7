//! Dynamic updates are carried out: those that wait for a zone become one version, which is on the disk before it is served, and
//! served before anybody is answered (RFC 2136 section 3.5).

use std::borrow::Cow;
use std::sync::Arc;

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, Rcode};
use rhumb_zones::journal::{ChangeCause, JournalSignature};
use rhumb_zones::{
    UpdateBatch, UpdateLimits, UpdateMessage, UpdatePermission, UpdateRefusal, UpdateSummary, UpdatedZone,
    VersionOrigin, ZoneContents, ZoneVersion,
};

use super::recent_updates::UpdateIdentity;
use super::thread::VersionThread;
use crate::metrics::UpdateResult;
use crate::snapshot::{
    NO_UPDATE_RULE, QueuedUpdate, RequestSignature, ServerSnapshot, UpdateAnswer, ZoneEntry,
};
use crate::zone_events::state::{PendingWrite, StateChange, StateError, StateVersion};
use crate::zone_events::wall_clock::unix_time;

/// How large updates may make a set, and a zone.
pub const UPDATE_LIMITS: UpdateLimits = UpdateLimits { set: 1000, zone: 10_000_000 };
/// Done.
const NOERROR: UpdateAnswer = UpdateAnswer { rcode: Rcode::NOERROR, error: None };
/// The answer where a version cannot be kept.
const NOT_KEPT: UpdateAnswer = answer(Rcode::SERVFAIL, ExtendedError::Other, "the update cannot be kept");
/// The answer where there is no zone to be changed.
const NO_ZONE: UpdateAnswer = answer(Rcode::SERVFAIL, ExtendedError::NotReady, "the zone is not loaded");
/// The answer of a zone that an operator has closed to updates.
const FROZEN: UpdateAnswer = answer(Rcode::REFUSED, ExtendedError::Prohibited, "the zone is frozen");

const fn answer(rcode: Rcode, error: ExtendedError, text: &'static str) -> UpdateAnswer {
    UpdateAnswer { rcode, error: Some((error, Cow::Borrowed(text))) }
}

/// A message, and what is to be answered.
struct DecidedUpdate {
    update: QueuedUpdate,
    identity: UpdateIdentity,
    result: UpdateResult,
    answer: UpdateAnswer,
}

/// A version that is being written, or the signatures of messages that made none.
pub(super) struct UpdatedVersion {
    entry: ZoneEntry,
    next: Option<NextVersion>,
    decided: Vec<DecidedUpdate>,
}

/// What is to be served, and how it differs from what is.
type NextVersion = (Arc<ZoneContents>, ZoneVersion);

impl VersionThread {
    /// Carries out the messages that wait for a zone, and has the version that they make written.
    pub(super) fn begin_updates(
        &mut self,
        name: &DomainName,
        waiting: Vec<QueuedUpdate>,
    ) -> Option<(UpdatedVersion, PendingWrite)> {
        let snapshot = self.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(name);
        let zone = entry.and_then(|entry| Some((entry, entry.zone.contents()?)));
        let is_frozen = self.live.frozen.has(name);
        let (answer, result) = match zone {
            Some((entry, base)) if !is_frozen => return self.begin_version(&snapshot, entry, &base, waiting),
            Some(_) => (FROZEN, UpdateResult::Refused),
            None => (NO_ZONE, UpdateResult::Failed),
        };
        for update in waiting {
            self.answer_update(update, result, answer.clone());
        }
        None
    }

    /// Works out the next version of a zone and has it written. Where nothing is to be written, the messages are answered.
    fn begin_version(
        &mut self,
        snapshot: &ServerSnapshot,
        entry: &ZoneEntry,
        base: &Arc<ZoneContents>,
        waiting: Vec<QueuedUpdate>,
    ) -> Option<(UpdatedVersion, PendingWrite)> {
        let mut batch = UpdateBatch::new(base, UPDATE_LIMITS);
        let mut decided: Vec<DecidedUpdate> = Vec::with_capacity(waiting.len());
        for update in waiting {
            let identity = self.recent_updates.identity(&update);
            let again = self.recent_updates.answer(identity);
            let again =
                again.or_else(|| Some(decided.iter().find(|one| one.identity == identity)?.answer.clone()));
            let (result, answer) = match again {
                Some(answer) => (UpdateResult::Duplicate, answer),
                None => self.decide(&mut batch, snapshot, entry, &update),
            };
            decided.push(DecidedUpdate { update, identity, result, answer });
        }
        let (versioning, now) = (&entry.origin.versioning, unix_time());
        let next = |serial| versioning.next_serial(serial, now);
        let begun = batch.finish(next).map_err(|refusal| refusal.to_string());
        match begun.and_then(|updated| self.write_version(entry, base, updated, &decided)) {
            Ok(Some((next, write))) => Some((UpdatedVersion { entry: entry.clone(), next, decided }, write)),
            Ok(None) => {
                self.answer_decided(decided);
                None
            }
            Err(error) => {
                tracing::error!(zone = %entry.zone.name(), "updates are not carried out: {error}");
                self.fail_decided(decided);
                None
            }
        }
    }

    /// Has a version written, and the signatures of the messages that were carried out; none where there is nothing of both.
    ///
    /// Errors: there is no store, or what is served could not be kept before.
    fn write_version(
        &mut self,
        entry: &ZoneEntry,
        base: &Arc<ZoneContents>,
        updated: Option<UpdatedZone>,
        decided: &[DecidedUpdate],
    ) -> Result<Option<(Option<NextVersion>, PendingWrite)>, String> {
        let signatures: Vec<_> = signatures_of(decided).collect();
        if updated.is_none() && signatures.is_empty() {
            return Ok(None);
        }
        let store = self.store.clone().ok_or("there is no `state` to keep them in")?;
        if updated.is_some() {
            self.keep_base(entry, base, &store)?;
        }
        let origin =
            VersionOrigin { cause: ChangeCause::Update, time: unix_time(), who: who_of(decided).into() };
        let next = updated.map(|UpdatedZone { contents, difference }| {
            let version = ZoneVersion { difference: Arc::new(difference), origin: origin.clone() };
            (Arc::new(contents), version)
        });
        let difference = next.as_ref().map(|(_, version)| Arc::clone(&version.difference));
        let version = StateVersion::Updates(difference, signatures);
        let write =
            store.begin(&StateChange { zone: entry.zone.name().clone(), origin, expires: 0, version });
        Ok(Some((next, write)))
    }

    /// Carries out one message, and says what is to be answered once the version is kept.
    fn decide(
        &self,
        batch: &mut UpdateBatch<'_>,
        snapshot: &ServerSnapshot,
        entry: &ZoneEntry,
        update: &QueuedUpdate,
    ) -> (UpdateResult, UpdateAnswer) {
        // Rules and keys as they are now: they may have been taken away while it waited.
        let key = update.key.as_ref().and_then(|name| snapshot.settings.keys.find(name.as_ref()));
        let key = key.map(|key| &**key);
        let grants = entry.origin.update_grants(update.client.ip(), key, &update.names);
        let permission = UpdatePermission { grants: &grants, key: key.map(|key| key.name()) };
        let done = UpdateMessage::parse(&update.message).and_then(|message| {
            let summary = batch.apply(&message, &permission)?;
            Ok((message, summary))
        });
        let (zone, client) = (entry.zone.name(), update.client);
        match done {
            Ok((message, summary)) => {
                log_ignored(zone, client, &message, &summary);
                (UpdateResult::Accepted, NOERROR)
            }
            Err(refusal) => {
                if let Some(left_out) =
                    self.live.update_log.pass(self.live.clock.micros_at(std::time::Instant::now()))
                {
                    tracing::warn!(%zone, %client, left_out, "update refused: {refusal}");
                }
                (result_of(&refusal), UpdateAnswer { rcode: refusal.rcode(), error: error_of(&refusal) })
            }
        }
    }

    /// Serves a version once it is on the disk, and answers those whose messages made it.
    pub(super) fn serve_updates(&mut self, version: UpdatedVersion, result: Result<(), StateError>) {
        let UpdatedVersion { entry, next, decided } = version;
        let name = entry.zone.name();
        if let Err(error) = result {
            tracing::error!(zone = %name, "updates are not carried out: {error}");
            return self.fail_decided(decided);
        }
        let Some((contents, version)) = next else { return self.answer_decided(decided) };
        let difference = &version.difference;
        let (from, to) = (difference.from, difference.to);
        let (removed, added) = (difference.removed().count(), difference.added().count());
        let old = entry.zone.change(contents, version, entry.origin.versioning.history);
        self.answer_decided(decided);
        (self.replaced)(entry.clone(), old);
        tracing::info!(
            "zone {name}: updated, serial {from} -> {to}, {added} records added, {removed} removed"
        );
    }

    fn answer_decided(&mut self, decided: Vec<DecidedUpdate>) {
        for DecidedUpdate { update, identity, result, answer } in decided {
            if result != UpdateResult::Duplicate {
                self.recent_updates.note(identity, &update, answer.clone(), unix_time());
            }
            self.answer_update(update, result, answer);
        }
    }

    /// Answers messages whose version could not be kept; those that were refused are so all the same.
    fn fail_decided(&self, decided: Vec<DecidedUpdate>) {
        for DecidedUpdate { update, result, answer, .. } in decided {
            match answer.rcode {
                Rcode::NOERROR => self.answer_update(update, UpdateResult::Failed, NOT_KEPT),
                _ => self.answer_update(update, result, answer),
            }
        }
    }

    fn answer_update(&self, update: QueuedUpdate, result: UpdateResult, answer: UpdateAnswer) {
        self.live.metrics.updated(result);
        self.live.metrics.update_took(update.received.elapsed());
        (update.reply)(answer);
    }
}

/// The signatures of the messages that were carried out.
fn signatures_of(decided: &[DecidedUpdate]) -> impl Iterator<Item = JournalSignature> {
    let accepted = decided.iter().filter(|one| one.result == UpdateResult::Accepted);
    let signed = accepted.filter_map(|one| one.update.signature);
    signed.map(|RequestSignature { mac, until }| JournalSignature { mac, until })
}

/// Who made a version: each key, name of a certificate, and address once.
fn who_of(decided: &[DecidedUpdate]) -> String {
    let mut all: Vec<String> = Vec::new();
    for DecidedUpdate { update: QueuedUpdate { client, key, names, .. }, .. } in
        decided.iter().filter(|one| one.result == UpdateResult::Accepted)
    {
        let key = key.as_ref().map(|key| format!("key {key} "));
        let name = names.first().map(|name| format!("certificate {name} "));
        let ip = client.ip().to_canonical();
        let who = format!("{}{}{ip}", key.unwrap_or_default(), name.unwrap_or_default());
        if !all.contains(&who) {
            all.push(who);
        }
    }
    all.join(", ")
}

/// Says which operations did nothing, and why.
fn log_ignored(
    zone: &DomainName,
    client: std::net::SocketAddr,
    message: &UpdateMessage,
    summary: &UpdateSummary,
) {
    for ignored in &summary.ignored {
        if let Some(operation) = message.operations().get(ignored.index) {
            tracing::info!(%zone, %client, "update: {operation}: left out, {}", ignored.reason);
        }
    }
}

const fn result_of(refusal: &UpdateRefusal) -> UpdateResult {
    match refusal.rcode() {
        Rcode::FORMERR | Rcode::NOTZONE | Rcode::NOTAUTH => UpdateResult::Malformed,
        Rcode::REFUSED => UpdateResult::Refused,
        Rcode::SERVFAIL => UpdateResult::Failed,
        _ => UpdateResult::Prerequisite,
    }
}

fn error_of(refusal: &UpdateRefusal) -> Option<(ExtendedError, Cow<'static, str>)> {
    let (error, text) = match refusal {
        UpdateRefusal::NoRule => (ExtendedError::Prohibited, NO_UPDATE_RULE),
        UpdateRefusal::Denied(operation) => {
            // A long name is cut, and the reason is not.
            let text = format!("no rule of the zone allows it: {operation}");
            return Some((ExtendedError::Prohibited, text.into()));
        }
        UpdateRefusal::SignerType(..) => (ExtendedError::Prohibited, "signing makes records of this type"),
        UpdateRefusal::SignedElsewhere => (ExtendedError::Prohibited, "the zone is signed elsewhere"),
        UpdateRefusal::BelowDname(..) => (ExtendedError::Prohibited, "a record would lie below a DNAME"),
        UpdateRefusal::SetTooLarge(..) => (ExtendedError::Other, "a set would have too many records"),
        UpdateRefusal::ZoneTooLarge(_) => (ExtendedError::Other, "the zone would have too many records"),
        UpdateRefusal::Malformed(what) => (ExtendedError::Other, *what),
        UpdateRefusal::Zone(_) => {
            (ExtendedError::InvalidData, "the zone could not be served after the update")
        }
        UpdateRefusal::NoSoa => (ExtendedError::InvalidData, "the zone has no SOA"),
        _ => return None,
    };
    Some((error, text.into()))
}
