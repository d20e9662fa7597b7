//! Iteration over an internet that does what each test says.

mod aggressive;
mod anchor_keys;
mod any;
mod bogus_again;
mod bounds;
mod careless;
mod forwarded;
mod hostile_zones;
mod internet;
mod island;
mod kept_ttls;
mod losses;
mod message_times;
mod moved;
mod odd_apex;
mod one_bad_server;
mod opt_out;
mod outage;
mod proofs_once;
mod real_internet;
mod recalling;
mod resolving;
mod root_copy;
mod shared;
mod signed;
mod simulation;
mod steady_load;
mod traced;
mod wrong_clock;

use rhumb_wire::{MessageView, NameBuf, Type};

use super::*;
use crate::question::OutboundQuestion;
use internet::{ScriptedInternet, name};

/// A resolver that asks the root at 192.0.2.1.
struct Resolver {
    net: ScriptedInternet,
    state: ResolverState,
    settings: IterationSettings,
}

impl Resolver {
    fn new(net: ScriptedInternet) -> Self {
        let root =
            NameServer { name: name("root.example"), addresses: vec!["192.0.2.1:53".parse().unwrap()] };
        let settings = IterationSettings {
            root: vec![root],
            stubs: Vec::new(),
            minimisation: NameMinimisation::Relaxed,
            ipv4: true,
            ipv6: false,
            loopback: false,
            limits: WorkLimits::default(),
            lenient_before: 0,
            minimal_responses: false,
            aggressive_nsec: true,
            trust: None,
        };
        Self { net, state: ResolverState::new(1 << 20), settings }
    }

    async fn ask(&self, text: &str, qtype: Type) -> Result<IteratedAnswer, ResolutionFailure> {
        let question = OutboundQuestion::new(name(text).as_ref(), qtype);
        resolve(
            &self.net,
            &self.state,
            &self.settings,
            &question,
            ResolutionScope::whole(),
            (1000, 1_700_000_000),
        )
        .await
    }

    /// The response code and the answer as `owner TYPE`, or why there is none.
    async fn told(&self, text: &str, qtype: Type) -> String {
        match self.ask(text, qtype).await {
            Ok(resolution) => told(&resolution),
            Err(failure) => failure.to_string(),
        }
    }

    /// What was asked since the last call, as `name TYPE @server`.
    fn asked(&self) -> Vec<String> {
        let log = self.net.take_log();
        log.iter().map(|asked| format!("{} {} @{}", asked.name, asked.qtype, asked.server)).collect()
    }
}

fn told(resolution: &IteratedAnswer) -> String {
    let message = MessageView::parse(&resolution.message).unwrap();
    let mut owner = NameBuf::new();
    let mut text = resolution.rcode.to_string();
    for record in message.records().map(Result::unwrap) {
        if record.section == rhumb_wire::MessageSection::Answer {
            record.owner(&mut owner).unwrap();
            text = format!("{text} {} {}", owner.as_ref(), record.rtype);
        }
    }
    text
}
