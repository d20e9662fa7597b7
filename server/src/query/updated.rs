//! Dynamic updates (RFC 2136): who may make one is found here; it is carried out, and answered, by the thread that changes zones.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Class, Rcode, Type};

use super::admitted::AdmittedQuery;
use super::outcome::{QueryOutcome, QueryScratch, UpdateWork, WaitingClient, WaitingQuery, WaitingWork};
use crate::metrics::{AccessList, UpdateResult};

/// What is said of a zone that is not changed here.
const ELSEWHERE: (ExtendedError, &str) = (ExtendedError::NotAuthoritative, "the zone is not changed here");

impl AdmittedQuery<'_, '_> {
    /// Has an update wait, if its client may change anything of the zone.
    pub(super) fn updated(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, view, .. } = self;
        let metrics = &self.context.server.metrics;
        if query.qtype != Type::SOA {
            metrics.updated(UpdateResult::Malformed);
            let error = (ExtendedError::Other, "the type in the zone section is not SOA");
            return self.refuse(Rcode::FORMERR, error, scratch, out);
        }
        let entry = view.zones.find_exact(query.name).filter(|_| query.class == Class::IN);
        let Some(entry) = entry.filter(|entry| entry.origin.secondary.is_none()) else {
            metrics.updated(UpdateResult::NotAuthoritative);
            return self.refuse(Rcode::NOTAUTH, ELSEWHERE, scratch, out);
        };
        if entry.origin.update_grants(client.ip(), self.key).is_empty() {
            metrics.updated(UpdateResult::Refused);
            scratch.stats.refused = Some(AccessList::Update);
            if let Some(left_out) = self.context.server.update_log.pass(self.context.micros) {
                let (zone, client) = (entry.zone.name(), client.peer());
                tracing::warn!(%zone, %client, left_out, "update refused: no rule of the zone is for this client");
            }
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        let work = UpdateWork {
            zone: entry.zone.name().clone(),
            message: query.message.to_vec(),
            key: self.key.map(|key| key.name().to_name()),
        };
        let client = WaitingClient::of(query, client, self.context, self.limits.edns_context);
        QueryOutcome::Wait(Box::new(WaitingQuery { work: WaitingWork::Update(work), client }))
    }
}
