//! One name and type, from the closest zone that is known down to its answer (RFC 1034 section 5.3.3).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{ANY_TYPE, LearntRecords};
use rhumb_wire::{DomainName, NameRef, Type};
use tokio::time::{Instant, timeout_at};

use super::address_progress::AddressProgress;
use super::budget::WorkBudget;
use super::clock::QuestionClock;
use super::failure::IterationFailure;
use super::limits;
use super::minimised_name::MinimisedName;
use super::resolution_progress::ResolutionProgress;
use super::resolution_scope::ResolutionScope;
use super::resolver_state::{ResolverState, SharedResult};
use super::settings::{IterationSettings, NameMinimisation};
use super::trace::{ResolutionEvent, ResolutionTrace, ServersOrigin};
use super::zone_cut::{APEX, DELEGATION, HEARSAY, ZoneCut, delegation};
use super::zone_exchange::{ExchangeBudget, ExchangeEffort, ExchangeFailure, ask_servers};
use super::zone_reply::{ReplyEnd, ReplyReadingContext, ZoneReply};
use crate::exchange::{AttemptOutcome, AttemptReport, RemoteServer};
use crate::forward;
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// What a client's question goes through, with what it may cost.
pub(super) struct IterationCourse<'a, N> {
    pub(super) net: &'a N,
    pub(super) state: &'a ResolverState,
    pub(super) settings: &'a IterationSettings,
    pub(super) scope: ResolutionScope<'a>,
    pub(super) clock: QuestionClock,
    pub(super) budget: WorkBudget,
    /// Everything that was sent.
    pub(super) attempts: Vec<AttemptReport>,
    /// What was learnt on the way, for what may not be kept is still good for this question.
    pub(super) learnt: Vec<Arc<LearntRecords>>,
    /// Denials that are good where nothing better is found.
    pub(super) spares: Vec<Arc<LearntRecords>>,
    /// The nameservers whose addresses are being looked for.
    pub(super) sought: Vec<DomainName>,
    /// What is being validated, each for the one before.
    pub(super) validating: Vec<(DomainName, Type)>,
    /// Who answered for which name and type.
    pub(super) answered: Vec<(DomainName, Type, SocketAddr)>,
    /// Servers that gave what turned out to be bogus; they are asked last.
    pub(super) suspects: Vec<SocketAddr>,
    /// The names that the copy of the root was asked for.
    pub(super) of_copy: Vec<DomainName>,
    /// Whether what it said was bogus, so that it is not asked any more.
    pub(super) copy_is_bogus: bool,
    /// What was done, where somebody wants to know.
    pub(super) trace: ResolutionTrace,
    /// Who is waited for.
    pub(super) progress: Arc<ResolutionProgress>,
}

/// The future of a question that another one waits for.
pub(super) type BoxedLookup<'s> =
    Pin<Box<dyn Future<Output = Result<Arc<LearntRecords>, IterationFailure>> + Send + 's>>;

impl<'a, N: UpstreamTransport> IterationCourse<'a, N> {
    pub(super) fn new(
        net: &'a N,
        state: &'a ResolverState,
        settings: &'a IterationSettings,
        scope: ResolutionScope<'a>,
        clock: QuestionClock,
    ) -> Self {
        Self {
            net,
            state,
            settings,
            scope,
            clock,
            budget: WorkBudget::new(&settings.limits, Instant::now()),
            attempts: Vec::new(),
            learnt: Vec::new(),
            spares: Vec::new(),
            sought: Vec::new(),
            validating: Vec::new(),
            answered: Vec::new(),
            suspects: Vec::new(),
            of_copy: Vec::new(),
            copy_is_bogus: false,
            trace: ResolutionTrace::default(),
            progress: Arc::default(),
        }
    }

    /// The records of `name` and `rtype`, an alias of it, or that there is nothing; for ANY the first of the types there are,
    /// the others stand in what was learnt.
    pub(super) fn find<'s>(&'s mut self, name: &'s DomainName, rtype: Type) -> BoxedLookup<'s> {
        Box::pin(async move {
            let outer = self.trace.enter(|| ResolutionEvent::Find { name: name.clone(), rtype });
            let found = self.find_or_ask(name, rtype).await;
            if let Err(failure) = &found {
                self.trace.leave(outer + 1);
                self.trace.note(|| ResolutionEvent::Failed(failure.clone()));
            }
            self.trace.leave(outer);
            found
        })
    }

    async fn find_or_ask(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let now = self.clock.now();
        if let Some(known) = self.known(name.as_ref(), rtype) {
            self.trace.note(|| ResolutionEvent::known(&known, now));
            return Ok(known);
        }
        if let Some(denial) = self.known_denial(name, rtype) {
            let left = denial.left(now);
            self.trace.note(|| ResolutionEvent::KnownDenial { denial: Arc::clone(&denial), left });
            return Ok(denial);
        }
        self.find_anew(name, rtype).await
    }

    /// The same from the servers, whatever is known.
    pub(super) async fn find_anew(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let deadline = self.budget.deadline();
        let found = timeout_at(deadline, self.descend(name, rtype)).await;
        found.unwrap_or_else(|_| {
            // Where the last servers were silent, that is the cause.
            let silence = self.progress.failure();
            self.progress.end_wait();
            Err(silence.unwrap_or(IterationFailure::Deadline))
        })
    }

    /// Asks for the servers of the root by those that are configured; whether they said which there are.
    pub(super) async fn prime(&mut self) -> bool {
        let hints = ZoneCut::hints(self.settings);
        let question = iterative(NameRef::ROOT, Type::NS);
        let Ok(reply) = self.ask(&hints, &question).await else { return false };
        let Some(set) = reply.links.first().and_then(|link| link.records()) else { return false };
        let now = self.clock.now();
        let usable = ZoneCut::delegated(set, &reply.glue);
        let usable =
            usable.servers.iter().flat_map(|server| &server.addresses).any(|to| self.settings.allows(*to));
        if usable {
            self.state.records.put(delegation(set, reply.glue, set.ttl.min(limits::TTL), now));
        }
        usable
    }

    /// What is known already.
    pub(super) fn known(&self, name: NameRef<'_>, rtype: Type) -> Option<Arc<LearntRecords>> {
        let types = [rtype, Type::CNAME, ANY_TYPE];
        let fits = |found: &Arc<LearntRecords>| found.owner.as_ref() == name && types.contains(&found.rtype);
        if rtype == Type::ANY {
            return None;
        }
        let held = self.learnt.iter().rev().find(|found| fits(found) && found.tells_of(rtype));
        held.cloned().or_else(|| self.state.known(name, rtype, self.clock.now(), 0))
    }

    /// Goes down from the closest zone that is known.
    async fn descend(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let mut cut = self.closest_cut(name.as_ref(), rtype);
        let mut asked = MinimisedName::new(name, self.settings.minimisation);
        loop {
            self.note_servers(&cut);
            let question = self.next_question(&mut asked, name, rtype, &cut);
            let whole = question.name == *name && question.qtype == rtype;
            let reply = match self.ask(&cut, &question).await {
                Ok(reply) => reply,
                Err(failure) if !whole && self.relaxed() && failure_may_be_of_the_name(&failure) => {
                    asked.show_all();
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            self.trace.note(|| ResolutionEvent::Reply(reply.meaning()));
            match &reply.end {
                ReplyEnd::Referral(referral) => {
                    let below = ZoneCut::delegated(&referral.servers, &referral.glue);
                    let ttl = referral.servers.ttl.min(limits::TTL);
                    let expires = self.clock.now().saturating_add(ttl).min(cut.expires);
                    cut = ZoneCut { expires, ..below };
                }
                ReplyEnd::Denial(denial) if !whole && denial.rtype == ANY_TYPE && reply.links.is_empty() => {
                    if !self.relaxed() {
                        return Ok(Arc::new(LearntRecords { owner: name.clone(), ..(**denial).clone() }));
                    }
                    asked.show_all();
                }
                _ if !whole => asked.lengthen(),
                _ => return self.of_reply(name, rtype, &reply),
            }
        }
    }

    fn relaxed(&self) -> bool {
        self.settings.minimisation == NameMinimisation::Relaxed
    }

    /// The question for the servers of `cut`: its name is shortened as long as that may show another cut.
    fn next_question(
        &self,
        asked: &mut MinimisedName,
        name: &DomainName,
        rtype: Type,
        cut: &ZoneCut,
    ) -> OutboundQuestion {
        if cut.forward.is_some() {
            // What is bogus is to be found out here.
            return OutboundQuestion { checking_disabled: true, ..iterative(name.as_ref(), rtype) };
        }
        loop {
            let short = asked.below(cut.zone.as_ref(), rtype);
            if short.len() == name.as_ref().len() {
                return iterative(name.as_ref(), rtype);
            }
            // That there is no cut was seen before.
            if self.known(short, Type::A).is_none_or(|known| known.rtype == ANY_TYPE) {
                return iterative(short, Type::A);
            }
            asked.lengthen();
        }
    }

    /// What a reply to the whole question says of the name.
    fn of_reply(
        &self,
        name: &DomainName,
        rtype: Type,
        reply: &ZoneReply,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let at_name = reply.links.iter().find(|link| link.owner == *name);
        let found = at_name.or(match &reply.end {
            ReplyEnd::Denial(denial) => Some(denial),
            ReplyEnd::NameTooLong => reply.links.last(),
            _ => None,
        });
        let held = found.and_then(|found| {
            self.learnt.iter().rev().find(|held| held.owner == found.owner && held.rtype == found.rtype)
        });
        held.cloned().ok_or_else(|| IterationFailure::Remembered { name: name.clone(), rtype })
    }

    /// The deepest zone around `name` whose servers are known: for DS that of the parent.
    pub(super) fn closest_cut(&self, name: NameRef<'_>, rtype: Type) -> ZoneCut {
        let start = if rtype == Type::DS { name.parent().unwrap_or(name) } else { name };
        if let Some(forward) = (self.scope.forwards)(start) {
            return ZoneCut::forwarded(&forward);
        }
        let now = self.clock.now();
        let mut at = Some(start);
        while let Some(zone) = at {
            if let Some(stub) = self.settings.stub(zone) {
                return ZoneCut::stub(stub);
            }
            let kept = self.state.records.get(zone, DELEGATION, now);
            if let Some(cut) = kept.and_then(|kept| ZoneCut::kept(&kept)) {
                return cut;
            }
            at = zone.parent();
        }
        ZoneCut::hints(self.settings)
    }

    /// Whether the zone is known to be signed, so that a reply without signatures is of no use.
    fn is_signed(&self, cut: &ZoneCut) -> bool {
        let zone = cut.zone.as_ref();
        let Some(trust) = &self.settings.trust else { return false };
        let digests = || self.known(zone, Type::DS).is_some_and(|known| !known.is_denial());
        let anchored = trust.anchors.iter().any(|anchor| anchor.zone.as_ref() == zone);
        cut.forward.is_some() || anchored || digests()
    }

    /// Whether records of this owner and type are those of a domain below `zone` that the configuration names other servers for.
    fn is_elsewhere(&self, owner: NameRef<'_>, rtype: Type, zone: NameRef<'_>) -> bool {
        let other = |domain: NameRef<'_>| {
            // The parent has these.
            let of_parent = owner == domain && matches!(rtype, Type::DS | Type::NSEC | Type::RRSIG);
            domain.len() > zone.len() && !of_parent
        };
        let forward = (self.scope.forwards)(owner);
        let stub = self.settings.stub_above(owner);
        forward.is_some_and(|forward| other(forward.domain.as_ref()))
            || stub.is_some_and(|stub| other(stub.domain.as_ref()))
    }

    /// Asks the servers of `cut`, looking for their addresses where need be, and keeps what they say.
    pub(super) async fn ask(
        &mut self,
        cut: &ZoneCut,
        question: &OutboundQuestion,
    ) -> Result<ZoneReply, IterationFailure> {
        if let Some(pool) = &cut.forward {
            let ranked = pool.servers_by_rank(Instant::now(), || self.net.random());
            let servers = ranked.len();
            let reply = self.exchange(cut, question, ranked, ExchangeEffort::Whole).await?;
            return reply.map_err(|why| told(cut, why, servers));
        }
        if let Some(reply) = self.ask_copy(cut, question) {
            return Ok(reply);
        }
        let mut failure = None;
        let mut tried = Vec::new();
        let mut looked_for = AddressProgress::default();
        // The only server that was known at first.
        let mut alone = None;
        loop {
            let mut addresses = self.more_addresses(cut, &mut looked_for, &tried).await;
            let mut effort = ExchangeEffort::Whole;
            if addresses.is_empty() {
                let Some(alone) = alone.take() else {
                    let (zone, why) = (cut.zone.clone(), looked_for.cause());
                    return Err(failure.unwrap_or(IterationFailure::NoAddress { zone, why }));
                };
                addresses = vec![alone];
            } else {
                if let [only] = addresses[..]
                    && tried.is_empty()
                    && self.may_find_more(cut, &looked_for)
                {
                    effort = ExchangeEffort::Brief;
                    alone = Some(only);
                }
                tried.extend_from_slice(&addresses);
            }
            let ranked = self.rank(&addresses);
            if ranked.is_empty() {
                failure = Some(told(cut, ExchangeFailure::Silence, tried.len()));
                continue;
            }
            match self.exchange(cut, question, ranked, effort).await? {
                Ok(reply) => return Ok(reply),
                Err(why) => {
                    alone = alone.filter(|_| why == ExchangeFailure::Silence);
                    failure = Some(told(cut, why, tried.len()));
                }
            }
        }
    }

    /// What the copy of the root says, where it is the root that is asked.
    fn ask_copy(&mut self, cut: &ZoneCut, question: &OutboundQuestion) -> Option<ZoneReply> {
        let zone = cut.zone.as_ref();
        if !zone.is_root() || self.copy_is_bogus || self.settings.stub(zone).is_some() {
            return None;
        }
        let message = self.scope.root.reply(question)?;
        let elsewhere = |name: NameRef<'_>, rtype| self.is_elsewhere(name, rtype, zone);
        let (with_servers, now) = (!self.settings.minimal_responses, self.clock.now());
        let reading =
            ReplyReadingContext { zone, elsewhere: &elsewhere, forwarded: false, with_servers, now };
        let reply = reading.read(&message, question).ok()?.answer;
        let (name, rtype) = (&question.name, question.qtype);
        self.trace.note(|| ResolutionEvent::RootCopy { name: name.clone(), rtype });
        self.of_copy.push(name.clone());
        self.note(cut, &reply, true);
        Some(reply)
    }

    fn note_servers(&mut self, cut: &ZoneCut) {
        let left = cut.expires.saturating_sub(self.clock.now());
        self.trace.note(|| ResolutionEvent::Servers {
            zone: cut.zone.clone(),
            origin: match (cut.forward.is_some(), cut.configured) {
                (true, _) => ServersOrigin::Forward,
                (_, true) => ServersOrigin::Configured,
                _ => ServersOrigin::Delegation(left),
            },
            count: cut.forward.as_ref().map_or(cut.servers.len(), |pool| pool.upstreams().len()),
        });
    }

    /// One exchange with servers of `cut`, shared with those who ask the same at this moment.
    async fn exchange(
        &mut self,
        cut: &ZoneCut,
        question: &OutboundQuestion,
        servers: Vec<Arc<RemoteServer>>,
        effort: ExchangeEffort,
    ) -> Result<Result<ZoneReply, ExchangeFailure>, IterationFailure> {
        let state = self.state;
        let down = cut.forward.is_none() && servers.iter().all(|server| server.is_down());
        let effort = if down { effort.min(ExchangeEffort::Doubtful) } else { effort };
        let key = (cut.zone.clone(), cut.forward.is_some(), question.name.clone(), question.qtype);
        self.progress.await_servers(&cut.zone, servers.len(), usual_time(&servers));
        let (place, mut result) = loop {
            let place = state.join(key.clone());
            let result = Arc::clone(&place.exchange).lock_owned().await;
            let Some(shared) = result.clone() else { break (place, result) };
            if !shared.is_for(&servers, effort) {
                continue;
            }
            self.hear(&shared.reply);
            let (name, rtype) = (&question.name, question.qtype);
            self.trace.note(|| ResolutionEvent::Shared { name: name.clone(), rtype });
            if let Ok(reply) = &shared.reply {
                self.note(cut, reply, false);
            }
            return Ok(shared.reply);
        };
        let time = match effort {
            // Clients of forwarders give up sooner.
            _ if cut.forward.is_some() => forward::limits::DEADLINE,
            ExchangeEffort::Doubtful => limits::FETCH_OF_DOWN,
            _ => limits::FETCH,
        };
        let budget = ExchangeBudget { effort, ..self.budget.of_fetch(Instant::now(), time)? };
        let asked = servers.iter().map(|server| server.identity().address).collect();
        let (zone, forwarded) = (cut.zone.as_ref(), cut.forward.is_some());
        let elsewhere = |name: NameRef<'_>, rtype| self.is_elsewhere(name, rtype, zone);
        let (with_servers, now) = (!self.settings.minimal_responses, self.clock.now());
        let reading = ReplyReadingContext { zone, elsewhere: &elsewhere, forwarded, with_servers, now };
        let signed = self.is_signed(cut);
        let exchanged =
            ask_servers(self.net, servers, question, reading, (signed, &self.progress), budget).await;
        let unsure = self.progress.failure().is_none();
        self.progress.end_wait();
        self.budget.spend(exchanged.spent);
        let answered = |attempt: &&AttemptReport| matches!(attempt.outcome, AttemptOutcome::Answered(_));
        let by = exchanged.attempts.iter().rfind(answered);
        let address = by.map(|by| by.server.identity().address);
        self.answered.extend(address.map(|address| (question.name.clone(), question.qtype, address)));
        self.note_attempts(question, exchanged.attempts);
        if let Ok(reply) = &exchanged.reply {
            self.note(cut, reply, true);
        }
        *result = Some(SharedResult { reply: exchanged.reply.clone(), effort, asked });
        place.end();
        // The time for the question is over before these servers had theirs.
        let over = unsure && Instant::now() >= self.budget.deadline();
        match exchanged.reply {
            Err(ExchangeFailure::Silence) if over => Err(IterationFailure::Deadline),
            reply => Ok(reply),
        }
    }

    fn note_attempts(&mut self, question: &OutboundQuestion, attempts: Vec<AttemptReport>) {
        let (name, rtype) = (&question.name, question.qtype);
        for attempt in &attempts {
            self.trace.note(|| ResolutionEvent::Query {
                name: name.clone(),
                rtype,
                attempt: attempt.clone(),
            });
        }
        self.attempts.extend(attempts);
    }

    /// Notes that others who asked the same have heard something, if they have.
    fn hear(&self, reply: &Result<ZoneReply, ExchangeFailure>) {
        if !matches!(reply, Err(ExchangeFailure::Silence | ExchangeFailure::NoRoute | ExchangeFailure::Full))
        {
            self.progress.hear();
        }
        self.progress.end_wait();
    }

    /// Notes what a reply of the servers of `cut` teaches, and keeps it if it is `new`.
    fn note(&mut self, cut: &ZoneCut, reply: &ZoneReply, new: bool) {
        let state = self.state;
        let hold = |learnt: &Arc<LearntRecords>| {
            if new { state.records.put(Arc::clone(learnt)) } else { Arc::clone(learnt) }
        };
        self.learnt.extend(reply.links.iter().map(hold));
        if let Some((servers, glue)) = reply.apex.as_deref().filter(|_| new) {
            let ttl = servers.ttl.min(limits::TTL);
            let apex = delegation(servers, glue.clone(), ttl, self.clock.now());
            state.records.put(LearntRecords { rtype: APEX, ..apex });
        }
        self.spares.extend(reply.spare.clone());
        match &reply.end {
            ReplyEnd::Denial(denial) => self.learnt.push(hold(denial)),
            ReplyEnd::Referral(referral) if new => {
                let now = self.clock.now();
                let left = cut.expires.saturating_sub(now);
                let ttl = referral.servers.ttl.min(limits::TTL).min(left);
                state.records.put(delegation(&referral.servers, referral.glue.clone(), ttl, now));
                if !referral.hearsay.is_empty() {
                    let kept = delegation(&referral.servers, referral.hearsay.clone(), ttl, now);
                    state.records.put(LearntRecords { rtype: HEARSAY, ..kept });
                }
                if let Some(signer) = &referral.signer {
                    state.records.put(Arc::clone(signer));
                }
            }
            _ => {}
        }
    }
}

/// Whether another name may be answered by servers that did not answer this one.
const fn failure_may_be_of_the_name(failure: &IterationFailure) -> bool {
    matches!(failure, IterationFailure::Refused { .. } | IterationFailure::Unusable { .. })
}

/// How long the first of them needs as a rule; nothing where that is not known, or it is down.
fn usual_time(servers: &[Arc<RemoteServer>]) -> Duration {
    let first = servers.first().filter(|server| !server.is_down());
    first.and_then(|server| server.smoothed_rtt(server.identity().transport)).unwrap_or_default()
}

fn told(cut: &ZoneCut, why: ExchangeFailure, servers: usize) -> IterationFailure {
    let zone = cut.zone.clone();
    match why {
        ExchangeFailure::Refused(rcode) => IterationFailure::Refused { zone, rcode },
        ExchangeFailure::Unusable(why) => IterationFailure::Unusable { zone, why },
        ExchangeFailure::Untrusted(why) => IterationFailure::Untrusted { zone, why },
        ExchangeFailure::NoStream => IterationFailure::NoStream(zone),
        ExchangeFailure::NoRoute => IterationFailure::NoRoute(zone),
        ExchangeFailure::Full => IterationFailure::Full(zone),
        ExchangeFailure::Silence => IterationFailure::Silence { zone, servers },
    }
}

/// A question as it goes to authoritative servers.
pub(super) fn iterative(name: NameRef<'_>, rtype: Type) -> OutboundQuestion {
    OutboundQuestion { dnssec_ok: true, ..OutboundQuestion::new(name, rtype) }
}
