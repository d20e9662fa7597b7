//! An internet of servers that react by one script: the root, and whatever it delegates to.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::failure::Failure;
use crate::rig::client::Client;
use crate::rig::config::Config;
use crate::rig::host::Host;
use crate::rig::message::{AA, Message, RA, rcode};
use crate::rig::name;
use crate::rig::record::{Record, type_number};
use crate::rig::script::{Act, Asked, Transport};
use crate::rig::server::Server;
use crate::rig::signer::{ZoneSigner, nsec};
use crate::rig::upstream::Upstream;

/// Where the root is served.
pub const ROOT: &str = "198.18.0.1";

/// A server that resolves from the root, and the host behind it on which every address of 198.18.0.0/15 answers.
pub struct Internet {
    /// The server under test.
    pub server: Server,
    /// A client of it.
    pub client: Client,
    /// Where the server is asked.
    pub to: SocketAddr,
    authority: Upstream,
    keys: Arc<Mutex<RootKeys>>,
    host: Host,
}

/// The keys of the root.
pub struct RootKeys {
    /// The answer for them, signed.
    pub answer: Vec<Record>,
    /// The number of the key that signs all else.
    pub signer: u8,
}

impl RootKeys {
    /// The key that the anchor is of, and no other.
    fn first() -> Self {
        let first = ZoneSigner::new(".", 0);
        Self { answer: first.sign(&[first.key()]), signer: 0 }
    }
}

/// One domain below the root and where it is served.
#[derive(Clone, Copy)]
pub struct Delegation {
    /// Its name, with the final dot.
    pub domain: &'static str,
    /// The address of its server.
    pub address: &'static str,
    /// The DS records that the root has of it; without any it is unsigned.
    pub digests: fn() -> Vec<Record>,
}

impl Internet {
    /// Starts a server on an internet whose root delegates these domains; `script` answers for everything but the root.
    pub fn start(
        config: &Config,
        delegations: &'static [Delegation],
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        Self::start_by(config, &[], delegations, script)
    }

    /// The same by `wrapper`, as [`Server::start_by`].
    pub fn start_by(
        config: &Config,
        wrapper: &[&str],
        delegations: &'static [Delegation],
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        Self::start_rolling(config, wrapper, RootKeys::first(), delegations, script)
    }

    /// The same with a root that has these keys to begin with.
    pub fn start_rolling(
        config: &Config,
        wrapper: &[&str],
        keys: RootKeys,
        delegations: &'static [Delegation],
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let (host, people) = hosts()?;
        let keys = Arc::new(Mutex::new(keys));
        let authority = serve_by(&people, &keys, delegations, script)?;
        let server = Server::start_by(&host, config, wrapper)?;
        let client = Client::new(&people);
        Ok(Self { server, client, to: "192.0.2.1:53".parse()?, authority, keys, host })
    }

    /// Kills the server at once.
    pub fn kill(&mut self) -> Result<(), Failure> {
        if self.server.ended()?.is_none() {
            self.server.signal(Signal::SIGKILL)?;
            self.server.wait(Duration::from_secs(20))?;
        }
        Ok(())
    }

    /// Kills the server at once, and starts another one in its place.
    pub fn replace(&mut self, config: &Config, wrapper: &[&str]) -> Result<(), Failure> {
        self.kill()?;
        self.server = Server::start_by(&self.host, config, wrapper)?;
        Ok(())
    }

    /// From now on the root has these keys.
    pub fn roll(&self, keys: RootKeys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The configuration of a server that resolves from this root, and validates if `validates`.
    pub fn config(validates: bool) -> Config {
        Self::config_of(&if validates {
            format!("trust-anchors: [\"{}\"]", anchor())
        } else {
            "dnssec: off".to_owned()
        })
    }

    /// The same with this key of validation.
    pub fn config_of(dnssec: &str) -> Config {
        Config::new()
            .listen("::")
            .allow_all()
            .recursion("root-hints: root.hints")
            .recursion(dnssec)
            .file("root.hints", &hints())
    }

    /// The host of the server.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Everything its servers were asked so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.authority.seen()
    }

    /// The queries to one address so far.
    pub fn seen_at(&self, address: &str) -> usize {
        let address: IpAddr = address.parse().expect("an address in a test");
        self.seen().iter().filter(|asked| asked.to == address).count()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.authority.forget();
    }
}

/// A host for a server, and one for its clients, on which every address of 198.18.0.0/15 and 10.9.0.0/16 is at hand.
pub fn hosts() -> Result<(Host, Host), Failure> {
    let (host, people) = Host::pair()?;
    people.route("local 198.18.0.0/15 dev lo")?.route("local 10.9.0.0/16 dev lo")?;
    host.route("198.18.0.0/15 via 192.0.2.2")?.route("10.9.0.0/16 via 192.0.2.2")?;
    Ok((host, people))
}

/// Serves the root, which delegates these domains, at its address; `script` answers at all others.
pub fn serve(
    people: &Host,
    delegations: &'static [Delegation],
    script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> Result<Upstream, Failure> {
    serve_by(people, &Arc::new(Mutex::new(RootKeys::first())), delegations, script)
}

fn serve_by(
    people: &Host,
    keys: &Arc<Mutex<RootKeys>>,
    delegations: &'static [Delegation],
    script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> Result<Upstream, Failure> {
    let root: IpAddr = ROOT.parse()?;
    let present = Arc::clone(keys);
    let reaction = move |asked: &Asked| {
        if asked.to != root {
            return script(asked);
        }
        root_reply(asked, delegations, &present.lock().unwrap_or_else(PoisonError::into_inner))
    };
    Upstream::start(people, "0.0.0.0", Arc::new(reaction))
}

/// The hints that lead to that root.
pub fn hints() -> String {
    format!(". 3600000 NS ns.root.\nns.root. 3600000 A {ROOT}\n")
}

/// The DS record of that root's key.
pub fn anchor() -> String {
    ZoneSigner::new(".", 0).digest().to_string()
}

/// A reply of an authoritative server, without records.
pub fn authoritative(asked: &Asked) -> Message {
    let reply = Message::reply_to(&asked.message);
    Message { flags: reply.flags & !RA | AA, ..reply }
}

/// A delegation of `cut` to servers with their addresses; an empty address is left out.
pub fn referral(asked: &Asked, cut: &str, servers: &[(&str, &str)]) -> Message {
    let reply = Message::reply_to(&asked.message);
    let ns = servers.iter().map(|(server, _)| Record::from_text(&format!("{cut} 300 IN NS {server}")));
    let glued = servers.iter().filter(|(_, address)| !address.is_empty());
    let glue = glued.map(|(server, address)| Record::from_text(&format!("{server} 300 IN A {address}")));
    Message { flags: reply.flags & !RA, authority: ns.collect(), additional: glue.collect(), ..reply }
}

/// A denial by `zone`, whose negative TTL is 60 s.
pub fn denial(asked: &Asked, zone: &str, code: u16) -> Message {
    let soa = format!("{zone} 60 IN SOA ns.{zone} host.{zone} 1 3600 600 86400 60");
    authoritative(asked).authorities(&[&soa]).with_rcode(code)
}

/// The same message, as it travels: over UDP cut to the size that the other side takes, with TC.
pub fn sized(asked: &Asked, message: Message) -> Act {
    let size = asked.message.edns.as_ref().map_or(512, |edns| usize::from(edns.size));
    if asked.transport == Transport::Udp && message.to_wire().len() > size {
        let cut = Message { answer: Vec::new(), authority: Vec::new(), additional: Vec::new(), ..message };
        return Act::Reply(Message { flags: cut.flags | crate::rig::message::TC, ..cut });
    }
    Act::Reply(message)
}

fn root_reply(asked: &Asked, delegations: &[Delegation], keys: &RootKeys) -> Act {
    let root = ZoneSigner::new(".", keys.signer);
    let question = asked.name();
    let answer = |records| Message { answer: records, ..authoritative(asked) };
    if question.is_empty() {
        let reply = match asked.message.kind() {
            kind if kind == type_number("DNSKEY") => answer(keys.answer.clone()),
            kind if kind == type_number("NS") => {
                let records = root.sign_lines(&[". 3600 IN NS ns.root."]);
                Message {
                    additional: vec![Record::from_text(&format!("ns.root. 3600 IN A {ROOT}"))],
                    ..answer(records)
                }
            }
            _ => denial(asked, "root.", rcode::NOERROR),
        };
        return sized(asked, reply);
    }
    let found = delegations.iter().find(|delegation| name::at_or_below(&question, delegation.domain));
    let Some(found) = found else {
        let mut reply =
            Message { flags: authoritative(asked).flags | rcode::NXDOMAIN, ..authoritative(asked) };
        reply.authority = root.sign_lines(&[". 60 IN SOA ns.root. host.root. 1 3600 600 86400 60"]);
        reply.authority.extend(root.sign(&[nsec(".", ".", &["NS", "SOA", "RRSIG", "NSEC", "DNSKEY"])]));
        return sized(asked, reply);
    };
    let own_side =
        asked.message.kind() == type_number("DS") && question == found.domain.trim_end_matches('.');
    let digests = (found.digests)();
    let signed = !digests.is_empty();
    let signer = if signed {
        root.sign(&digests)
    } else {
        root.sign(&[nsec(found.domain, &format!("\\000.{}", found.domain), &["NS", "RRSIG", "NSEC"])])
    };
    let mut reply = if own_side {
        Message {
            authority: root.sign_lines(&[". 60 IN SOA ns.root. host.root. 1 3600 600 86400 60"]),
            ..authoritative(asked)
        }
    } else {
        referral(asked, found.domain, &[(&format!("ns.{}", found.domain), found.address)])
    };
    if own_side && signed {
        reply.authority.clear();
        reply.answer = signer;
    } else {
        reply.authority.extend(signer);
    }
    sized(asked, reply)
}
