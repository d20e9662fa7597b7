//! Signatures of a set of records, by the keys of a zone (RFC 4035 section 5.3).

use rhumb_cache::RecordSet;
use rhumb_wire::NameRef;

use super::iteration::IterationCourse;
use crate::network::UpstreamTransport;
use crate::validate::{SetCheck, SignatureOutcome, ValidationFailure, ZoneKey, set_checks};

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// The time by which signatures are valid or not; none while the clock is wrong and that is put up with.
    pub(super) fn signature_time(&self) -> Option<u32> {
        let unix = self.clock.unix();
        let is_lenient = self.settings.lenient_before > 0;
        let is_wrong = unix < self.settings.lenient_before || self.state.clock_doubt.was_never_right(unix);
        (!is_lenient || !is_wrong).then_some(unix)
    }

    /// Checks the signatures of a set by the keys of `zone`, until one is right.
    pub(super) async fn check_set(
        &mut self,
        set: &RecordSet,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<SetCheck, ValidationFailure> {
        self.check_set_at(set, zone, keys, self.signature_time()).await
    }

    /// The same at `now`; without, the times of signatures do not count.
    pub(super) async fn check_set_at(
        &mut self,
        set: &RecordSet,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
        now: Option<u32>,
    ) -> Result<SetCheck, ValidationFailure> {
        let mut failure = None;
        self.note_unfit(set, zone, keys, now);
        for candidate in set_checks(set, zone, keys, now)? {
            if !self.budget.take_check() {
                self.note_check(set, zone, &candidate, SignatureOutcome::NotChecked);
                return Err(failure.unwrap_or(ValidationFailure::Budget));
            }
            match self.net.check_signature(candidate.check.clone()).await {
                Some(true) => {
                    self.note_check(set, zone, &candidate, SignatureOutcome::Right);
                    return Ok(candidate);
                }
                Some(false) => {
                    self.note_check(set, zone, &candidate, SignatureOutcome::Wrong);
                    self.budget.check_failed();
                    let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
                    let (zone, tag) = (zone.to_lowercase(), candidate.tag);
                    failure = Some(ValidationFailure::Wrong { zone, owner, rtype, tag });
                }
                None => {
                    self.note_check(set, zone, &candidate, SignatureOutcome::NotChecked);
                    return Err(ValidationFailure::Busy);
                }
            }
        }
        let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
        Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }))
    }
}
