//! A server without sockets, messages to ask it, and answers in words.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_cache::{AnswerKey, AnswerTerms, RecordCache};
use rhumb_config::{CookieSecret, FilePlace};
use rhumb_net::LocalAddress;
use rhumb_resolver::{IterationSettings, NameMinimisation, WorkLimits};
use rhumb_wire::edns::EXTENDED_ERROR;
use rhumb_wire::{DomainName, MessageSection, MessageView, Transport, Type};
use rhumb_zones::file::ZoneReadOptions;
use rhumb_zones::{NameTable, ZoneBuilder};

use crate::cookies::ServerCookies;
use crate::metrics::{DropReason, ServerMetrics};
use crate::query::{
    QueryClient, QueryContext, QueryOutcome, QueryScratch, WaitingClient, respond, respond_truncated,
};
use crate::snapshot::{
    FileMark, ForwardRoute, IterationPlan, NewContents, QuerySettings, RouteCourse, RouteEntry, ServedZone,
    ServerSnapshot, ServerState, SnapshotView, ZoneEntry, ZoneFile, ZoneOrigin, ZoneVersioning,
};

/// A server of the zone example.com, with cookies.
pub(super) struct QueryLab {
    live: ServerState,
    snapshot: Arc<ServerSnapshot>,
    begun: Instant,
}

fn new_contents(contents: rhumb_zones::ZoneContents) -> NewContents {
    NewContents {
        contents: Arc::new(contents),
        file: FileMark::default(),
        included: Vec::new(),
        expires: None,
        versions: None,
        origin: None,
        limits: rhumb_zones::HistoryLimits::default(),
        left_out: 0,
        times: None,
    }
}

impl QueryLab {
    pub(super) fn new() -> Self {
        let file = Path::new("rhumb.yaml");
        let config = Arc::new(rhumb_config::parse("{}", file).unwrap());
        let live = ServerState::new(&config, Arc::new(ServerMetrics::new("test")));
        let name: DomainName = "example.com.".parse().unwrap();
        let zone = Arc::new(ServedZone::new(name.clone()));
        zone.publish(0, new_contents(contents(&name))).unwrap();
        let place = FilePlace { file: file.into(), line: 1, column: 1 };
        let entry = ZoneEntry {
            zone,
            origin: Arc::new(ZoneOrigin {
                place,
                source: ZoneFile::BuiltIn,
                transfer_to: Vec::new(),
                notify: Vec::new(),
                parent_notify: false,
                update: Vec::new(),
                versioning: ZoneVersioning::default(),
                reading: ZoneReadOptions::default(),
                secondary: None,
            }),
        };
        let snapshot = ServerSnapshot {
            serial: 1,
            config,
            settings: QuerySettings {
                edns_size: 1232,
                cookies: ServerCookies::new(&[CookieSecret::new([5; 16])]),
                ..QuerySettings::default()
            },
            iteration: IterationPlan::default(),
            view: SnapshotView {
                allow: vec!["127.0.0.0/8".parse().unwrap()].into(),
                zones: NameTable::build([(name, entry)]),
                built_in: Arc::clone(&live.snapshot.load().view.built_in),
                domain_needed: false,
                routes: NameTable::build([]),
            },
        };
        Self { live, snapshot: Arc::new(snapshot), begun: Instant::now() }
    }

    /// The same with other settings.
    pub(super) fn with(mut self, change: impl FnOnce(&mut QuerySettings)) -> Self {
        change(&mut Arc::get_mut(&mut self.snapshot).unwrap().settings);
        self
    }

    /// The same with these zones: the origin of each, and its contents.
    pub(super) fn serving(
        mut self,
        zones: impl IntoIterator<Item = (DomainName, rhumb_zones::ZoneContents)>,
    ) -> Self {
        let place = FilePlace { file: Path::new("rhumb.yaml").into(), line: 1, column: 1 };
        let origin = Arc::new(ZoneOrigin {
            place,
            source: ZoneFile::BuiltIn,
            transfer_to: Vec::new(),
            notify: Vec::new(),
            parent_notify: false,
            update: Vec::new(),
            versioning: ZoneVersioning::default(),
            reading: ZoneReadOptions::default(),
            secondary: None,
        });
        let entry = |(name, contents): (DomainName, _)| {
            let zone = Arc::new(ServedZone::new(name.clone()));
            zone.publish(0, new_contents(contents)).unwrap();
            (name, ZoneEntry { zone, origin: Arc::clone(&origin) })
        };
        Arc::get_mut(&mut self.snapshot).unwrap().view.zones = NameTable::build(zones.into_iter().map(entry));
        self
    }

    /// The same with everything else forwarded to no upstream.
    pub(super) fn forwarding(mut self) -> Self {
        let route = ForwardRoute::new(1, DomainName::root(), self.live.route_services());
        let place = FilePlace { file: Path::new("rhumb.yaml").into(), line: 1, column: 1 };
        let entry = RouteEntry { route: Arc::new(route), place };
        Arc::get_mut(&mut self.snapshot).unwrap().view.routes =
            NameTable::build([(DomainName::root(), entry)]);
        self
    }

    /// The same with everything else resolved from the root, of which no server is known; `change` has the last word.
    pub(super) fn iterating(self, change: impl FnOnce(&mut IterationPlan)) -> Self {
        let mut lab = self.forwarding();
        let settings = IterationSettings {
            root: Vec::new(),
            stubs: Vec::new(),
            minimisation: NameMinimisation::Relaxed,
            ipv4: true,
            ipv6: true,
            loopback: false,
            limits: WorkLimits::default(),
            lenient_before: 0,
            minimal_responses: true,
            aggressive_nsec: true,
            trust: None,
        };
        let plan = &mut Arc::get_mut(&mut lab.snapshot).unwrap().iteration;
        plan.settings = Some(Arc::new(settings));
        plan.courses.insert(1, RouteCourse::Iterate);
        change(plan);
        lab
    }

    /// What was learnt of authoritative servers.
    pub(super) fn records(&self) -> &RecordCache {
        &self.live.resolver.records
    }

    /// Seconds of the clock by which records are kept.
    pub(super) fn now(&self) -> u32 {
        self.live.clock.at(self.begun)
    }

    /// How many responses are kept.
    pub(super) fn responses_kept(&self) -> u64 {
        self.live.cache.figures().entries
    }

    pub(super) fn snapshot(&self) -> Arc<ServerSnapshot> {
        Arc::clone(&self.snapshot)
    }

    pub(super) const fn live(&self) -> &ServerState {
        &self.live
    }

    /// The client of a query that has to wait.
    pub(super) fn waiting(
        &self,
        transport: Transport,
        message: &[u8],
        scratch: &mut QueryScratch,
    ) -> WaitingClient {
        match self.respond(transport, message, scratch, &mut [0; 1232]) {
            QueryOutcome::Wait(waiting) => waiting.client,
            other => panic!("{other:?}"),
        }
    }

    /// Keeps `message`, the answer to a query of this question.
    pub(super) fn keep(&self, question: &[u8], message: &[u8], ttl: u32) {
        let key = AnswerKey { question, route: 1, dnssec_ok: false, checking_disabled: false };
        let origin = self.live.cache.origins().allocate();
        let terms = AnswerTerms { ttl, aliases: 0, origin, stands_in: false };
        self.live.cache.keep(&key, message, terms, self.now()).unwrap();
    }

    /// Keeps a record of four bytes for `name`, learnt just now.
    pub(super) fn learn(&self, name: &str, qtype: Type, ttl: u32) {
        let question = query(name, qtype)[12..].to_vec();
        let mut message = [&[0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], &question[..]].concat();
        message.extend([0xc0, 12, 0, qtype.0 as u8, 0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend([0, 4, 192, 0, 2, 7]);
        self.keep(&question, &message, ttl);
    }

    /// From now on it is so much later.
    pub(super) fn pass(&mut self, time: Duration) {
        self.begun += time;
    }

    /// Asks at the moment the lab was made.
    pub(super) fn ask(&self, transport: Transport, message: &[u8]) -> Result<Vec<u8>, DropReason> {
        let mut out = vec![0; 65_535];
        match self.respond(transport, message, &mut QueryScratch::new(), &mut out) {
            QueryOutcome::Reply(length) => Ok(out[..length].to_vec()),
            QueryOutcome::Drop(reason) => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    /// Asks with every decision noted.
    pub(super) fn explain(&self, message: &[u8]) -> QueryOutcome {
        let mut scratch = QueryScratch::new();
        scratch.trace = Some(Vec::new());
        self.respond(Transport::Udp, message, &mut scratch, &mut [0; 1232])
    }

    pub(super) fn respond(
        &self,
        transport: Transport,
        message: &[u8],
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let context = QueryContext::of(&self.live, &self.snapshot, self.begun);
        respond(message, &client(transport), &context, scratch, out)
    }

    pub(super) fn truncated(
        &self,
        transport: Transport,
        message: &[u8],
        scratch: &mut QueryScratch,
    ) -> Option<Vec<u8>> {
        let mut out = vec![0; 4096];
        let context = QueryContext::of(&self.live, &self.snapshot, self.begun);
        let length = respond_truncated(message, &client(transport), &context, scratch, &mut out)?;
        out.truncate(length);
        Some(out)
    }
}

fn client(transport: Transport) -> QueryClient<'static> {
    let local = LocalAddress::new(IpAddr::from([192, 0, 2, 1]), 0);
    QueryClient::known(([127, 0, 0, 1], 4242).into(), local, transport)
}

fn contents(apex: &DomainName) -> rhumb_zones::ZoneContents {
    let mut soa = b"\x02ns\0".repeat(2);
    soa.extend([0, 0, 0, 1].repeat(5));
    let mut builder = ZoneBuilder::new(apex.as_ref());
    let mut add = |owner: &str, rtype, rdata: &[u8]| {
        let owner: DomainName = owner.parse().unwrap();
        builder.add(owner.as_ref(), rtype, 300, rdata, 0).unwrap();
    };
    add("example.com.", Type::SOA, &soa);
    add("example.com.", Type::NS, b"\x02ns\x07example\x03net\0");
    for host in ["www", "h0", "h1", "*.wild"] {
        add(&format!("{host}.example.com."), Type::A, &[192, 0, 2, 80]);
    }
    add("sub.example.com.", Type::NS, b"\x02ns\x07example\x03net\0");
    builder.finish().unwrap().0
}

/// A message of this question section, id 0x1234.
pub(super) fn asked(question: &[u8]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0, 0, 0, u8::from(!question.is_empty()), 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(question);
    message
}

pub(super) fn query(name: &str, qtype: Type) -> Vec<u8> {
    let name: DomainName = name.parse().unwrap();
    asked(&[name.as_ref().as_bytes(), &qtype.0.to_be_bytes(), &[0, 1]].concat())
}

/// The same question in another class.
pub(super) fn class(mut message: Vec<u8>, class: u16) -> Vec<u8> {
    let end = message.len();
    message[end - 2..].copy_from_slice(&class.to_be_bytes());
    message
}

/// The same with these flags.
pub(super) fn header(mut message: Vec<u8>, flags: u16) -> Vec<u8> {
    message[2..4].copy_from_slice(&flags.to_be_bytes());
    message
}

/// The same with an OPT of these options.
pub(super) fn options(mut message: Vec<u8>, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (code, value) in options {
        data.extend(code.to_be_bytes());
        data.extend((value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    message[11] += 1;
    message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0]);
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
    message
}

/// The same with a TSIG of this class, its data cut to `cut` bytes unless that is 0.
pub(super) fn tsig(mut message: Vec<u8>, class: u16, cut: usize) -> Vec<u8> {
    let mut data = b"\x0bhmac-sha256\0".to_vec();
    data.extend([0, 0, 0x60, 0, 0, 0, 1, 44, 0, 32]);
    data.extend([7; 32]);
    data.extend([0x12, 0x34, 0, 0, 0, 0]);
    data.truncate(if cut == 0 { data.len() } else { cut });
    message[11] += 1;
    message.extend(b"\x03key\x04test\0\0\xfa");
    message.extend(class.to_be_bytes());
    message.extend([0, 0, 0, 0]);
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
    message
}

/// An option of an answer.
pub(super) fn option(answer: &[u8], code: u16) -> Option<Vec<u8>> {
    MessageView::parse(answer).unwrap().edns().unwrap()?.options.find(code).map(<[u8]>::to_vec)
}

/// Response code, AA and TC, records of the three sections but OPT, and the codes of options: `NOERROR aa 1/0/0 [10 15=18]`.
pub(super) fn render(answer: &[u8]) -> String {
    let message = MessageView::parse(answer).unwrap();
    let mut text = message.rcode().unwrap().to_string();
    for (bit, word) in [(rhumb_wire::header::AA, " aa"), (rhumb_wire::header::TC, " tc")] {
        text.push_str(if message.header().flags & bit != 0 { word } else { "" });
    }
    let count = |section| {
        let records = message.records().map(Result::unwrap);
        records.filter(|record| record.section == section && record.rtype != Type::OPT).count()
    };
    let counts = [MessageSection::Answer, MessageSection::Authority, MessageSection::Additional].map(count);
    write!(text, " {}/{}/{}", counts[0], counts[1], counts[2]).unwrap();
    if let Some(edns) = message.edns().unwrap() {
        let codes = edns.options.into_iter().map(|(code, value)| match value {
            [high, low, ..] if code == EXTENDED_ERROR => format!("15={}", u16::from_be_bytes([*high, *low])),
            _ => code.to_string(),
        });
        write!(text, " [{}]", codes.collect::<Vec<_>>().join(" ")).unwrap();
    }
    text
}
