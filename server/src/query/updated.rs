//! Dynamic updates (RFC 2136): who may make one is found here; it is carried out, and answered, by the thread that changes zones.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Class, DomainName, Opcode, QueryMessage, Rcode, Type, header};

use super::admitted::AdmittedQuery;
use super::client::QueryClient;
use super::context::QueryContext;
use super::edns_context::EdnsContext;
use super::outcome::{
    ForwardedUpdate, QueryOutcome, QueryScratch, UpdateWork, WaitingClient, WaitingQuery, WaitingWork,
};
use crate::metrics::{AccessList, UpdateResult};
use crate::snapshot::NO_UPDATE_RULE;

/// What is said of a zone that is not changed here.
const ELSEWHERE: (ExtendedError, &str) = (ExtendedError::NotAuthoritative, "the zone is not changed here");

/// Has an update of a zone of other servers wait until a primary has answered it, where that is configured. It may be signed with a key
/// that is not known here.
pub(super) fn forwarded(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
) -> Option<QueryOutcome> {
    let is_update = header::MessageHeader::parse(message)?.opcode() == Opcode::UPDATE;
    let query = QueryMessage::parse(message).ok().filter(|_| is_update)?;
    let view = context.snapshot.view(|| client.ip());
    let is_zone = (query.qtype, query.class) == (Type::SOA, Class::IN);
    let entry = view.zones.find_exact(query.name).filter(|_| is_zone)?;
    entry.origin.secondary.as_ref().filter(|secondary| secondary.terms.forwards_updates)?;
    scratch.stats.qtype = query.qtype;
    scratch.stats.edns = query.edns.map(|edns| edns.dnssec_ok());
    let work = ForwardedUpdate { zone: entry.zone.name().clone(), message: message.to_vec() };
    let client = WaitingClient::of(&query, client, context, EdnsContext::default());
    Some(QueryOutcome::Wait(Box::new(WaitingQuery { work: WaitingWork::Forward(work), client })))
}

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
        if let Some(outcome) = forwarded(query.message, client, self.context, scratch) {
            return outcome;
        }
        let entry = view.zones.find_exact(query.name).filter(|_| query.class == Class::IN);
        let Some(entry) = entry.filter(|entry| entry.origin.secondary.is_none()) else {
            metrics.updated(UpdateResult::NotAuthoritative);
            return self.refuse(Rcode::NOTAUTH, ELSEWHERE, scratch, out);
        };
        if entry.origin.update_grants(client.ip(), self.key, client.names()).is_empty() {
            metrics.updated(UpdateResult::Refused);
            scratch.stats.refused = Some(AccessList::Update);
            if let Some(left_out) = self.context.server.update_log.pass(self.context.micros) {
                let (zone, client) = (entry.zone.name(), client.peer());
                tracing::warn!(%zone, %client, left_out, "update refused: {NO_UPDATE_RULE}");
            }
            let error = (ExtendedError::Prohibited, NO_UPDATE_RULE);
            return self.refuse(Rcode::REFUSED, error, scratch, out);
        }
        let rules = &entry.origin.update;
        let is_in_a_rule = |name: &&DomainName| rules.iter().any(|rule| rule.tls_name() == Some(*name));
        let work = UpdateWork {
            zone: entry.zone.name().clone(),
            message: query.message.to_vec(),
            key: self.key.map(|key| key.name().to_name()),
            signature: None,
            names: client.names().iter().filter(is_in_a_rule).cloned().collect(),
        };
        let client = WaitingClient::of(query, client, self.context, self.limits.edns_context);
        QueryOutcome::Wait(Box::new(WaitingQuery { work: WaitingWork::Update(work), client }))
    }
}
