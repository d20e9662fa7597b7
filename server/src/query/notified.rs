//! Announcements of new versions (RFC 1996). Whoever may make one is answered at once: what comes of it is not in the answer.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Class, MessageSection, MessageView, QueryMessage, Rcode, Type, header, serial};

use super::admitted::AdmittedQuery;
use super::limit::AnswerSource;
use super::outcome::{QueryOutcome, QueryScratch};
use super::response::{ResponseHead, question_only};
use crate::metrics::NotifyInResult;
use crate::snapshot::ZoneEntry;

impl AdmittedQuery<'_, '_> {
    /// Answers a NOTIFY, and has the zone looked at.
    pub(super) fn notified(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, view, .. } = self;
        let metrics = &self.context.server.metrics;
        if let Some(parent) = self.parent_of_announced() {
            return self.child_announced(parent, scratch, out);
        }
        let entry = view.zones.find_exact(query.name).filter(|_| query.class == Class::IN);
        let Some((entry, origin)) = entry.and_then(|entry| Some((entry, entry.origin.secondary.as_ref()?)))
        else {
            metrics.was_notified(NotifyInResult::NoZone);
            return self.refuse(
                Rcode::REFUSED,
                (ExtendedError::NotAuthoritative, "no such zone"),
                scratch,
                out,
            );
        };
        if !origin.may_notify(client.ip(), self.key) {
            metrics.was_notified(NotifyInResult::NotAllowed);
            if let Some(left_out) = self.context.server.notify_log.pass(self.context.micros) {
                tracing::info!(zone = %entry.zone.name(), client = %client.peer(), left_out, "NOTIFY refused");
            }
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        metrics.was_notified(NotifyInResult::Accepted);
        // Of an announcement that is not signed the serial may be anybody's.
        let is_known = |announced: u32| {
            let served = entry.zone.contents();
            served.is_some_and(|served| !serial::is_newer(announced, served.serial()))
        };
        let is_old = self.key.is_some() && announced_serial(query).is_some_and(is_known);
        if query.qtype == Type::SOA && !is_old && scratch.trace.is_none() {
            self.context.server.refreshes.notified(entry.zone.name(), client.ip());
        }
        self.acknowledge(scratch, out)
    }

    /// The zone here whose delegation an announcement is about: one of the types that children announce to their parents
    /// (RFC 9859 section 4), for a name below the apex of a zone.
    fn parent_of_announced(&self) -> Option<&ZoneEntry> {
        let Self { query, view, .. } = self;
        let is_of_child = query.class == Class::IN && matches!(query.qtype, Type::CDS | Type::CSYNC);
        let above = query.name.parent().filter(|_| is_of_child)?;
        view.zones.find(above).filter(|entry| !entry.is_local_root())
    }

    /// Acknowledges what a child says, so that it is not said again (RFC 9859 section 4.3), and has it counted and logged. Whoever says
    /// it: nothing else comes of it.
    fn child_announced(
        &self,
        parent: &ZoneEntry,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let Self { query, client, .. } = self;
        self.context.server.metrics.was_notified(NotifyInResult::Child);
        if let Some(left_out) = self.context.server.child_log.pass(self.context.micros) {
            let (zone, child, rtype) = (parent.zone.name(), query.name, query.qtype);
            tracing::info!(%zone, %child, client = %client.peer(), left_out, "a child zone announces a change of its {rtype}");
        }
        self.acknowledge(scratch, out)
    }

    fn acknowledge(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        let head = ResponseHead { flags: header::AA, ..ResponseHead::of(Rcode::NOERROR) };
        self.conclude(AnswerSource::Nowhere, head, length, scratch, out)
    }
}

/// The serial of the SOA that an announcement may have with it (RFC 1996 section 3.7).
fn announced_serial(query: &QueryMessage<'_>) -> Option<u32> {
    let message = MessageView::parse(query.message).ok()?;
    let soa = message.records().map_while(Result::ok).find(|record| {
        record.section == MessageSection::Answer && record.rtype == Type::SOA && record.class == Class::IN
    })?;
    let numbers = soa.rdata.last_chunk::<20>()?;
    numbers.first_chunk().map(|serial| u32::from_be_bytes(*serial))
}
