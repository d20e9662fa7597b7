//! The addresses of a zone's servers: those that came with the delegation, those that are known, those that have to be asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_cache::{CredibilityRank, LearntRecords, RecordContent};
use rhumb_wire::{DomainName, NameRef, Type};
use tokio::time::Instant;

use super::address_progress::{AddressFamily, AddressProgress};
use super::failure::IterationFailure;
use super::iteration::{IterationCourse, iterative};
use super::settings::NameServer;
use super::zone_cut::{DELEGATION, OUTSIDE_GLUE, ZoneCut, add_addresses};
use super::zone_exchange::ExchangeEffort;
use super::zone_reply::{ReplyEnd, ZoneReply};
use crate::exchange::RemoteServer;
use crate::identity::ServerIdentity;
use crate::network::UpstreamTransport;

/// One question in so many goes to any server of a zone instead of the fastest, so that each is measured now and then.
const MEASURED: u64 = 32;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Addresses of servers of `cut` that were not `tried`: first all that are known, then those of one server after the other.
    /// None once there are no more.
    pub(super) async fn more_addresses(
        &mut self,
        cut: &ZoneCut,
        progress: &mut AddressProgress,
        tried: &[SocketAddr],
    ) -> Vec<SocketAddr> {
        if !progress.known_taken {
            progress.known_taken = true;
            let now = self.clock.now();
            let known = cut.servers.iter().flat_map(|server| self.known_addresses(server, now));
            let found = self.usable(cut, known, tried);
            if !found.is_empty() {
                return found;
            }
        }
        if cut.configured {
            return Vec::new();
        }
        while let Some((server, family)) = progress.next(cut.servers.len(), self.net.random()) {
            let Some(server) = cut.servers.get(server) else { break };
            // The servers of a zone cannot be found through the zone itself.
            if server.name.as_ref().is_at_or_below(cut.zone.as_ref()) {
                progress.failed(IterationFailure::Circle(server.name.clone()));
                continue;
            }
            let types: &[Type] = match family {
                AddressFamily::Any => &[Type::A, Type::AAAA],
                AddressFamily::Other => &[Type::AAAA],
            };
            let found = match self.addresses_of(&server.name, types).await {
                Ok(found) => self.usable(cut, found.into_iter(), tried),
                Err(why) => {
                    progress.failed(why);
                    continue;
                }
            };
            if !found.is_empty() {
                return found;
            }
        }
        if !std::mem::replace(&mut progress.parent_asked, true) {
            let found = self.addresses_by_parent(cut).await;
            let found = self.usable(cut, found.into_iter(), tried);
            if !found.is_empty() {
                return found;
            }
        }
        let found = self.usable(cut, self.glue_above(cut).into_iter(), tried);
        if !found.is_empty() {
            return found;
        }
        let outside_glue = self.state.records.get(cut.zone.as_ref(), OUTSIDE_GLUE, self.clock.now());
        let outside_glue = outside_glue.and_then(|outside_glue| ZoneCut::kept(&outside_glue));
        let outside_glue =
            outside_glue.into_iter().flat_map(|cut| cut.servers).flat_map(|server| server.addresses);
        self.usable(cut, outside_glue, tried)
    }

    /// Whether addresses of the servers of `cut` may be found beside those that are known.
    pub(super) fn may_find_more(&self, cut: &ZoneCut, progress: &AddressProgress) -> bool {
        let elsewhere = |server: &NameServer| !server.name.as_ref().is_at_or_below(cut.zone.as_ref());
        let families = self.settings.ipv4 && self.settings.ipv6;
        !cut.configured
            && (families || cut.servers.len() > 1)
            && progress.may_go_on(cut.servers.len())
            && cut.servers.iter().any(elsewhere)
    }

    /// What the delegations of the servers' own zones say, which may be right where these zones are wrong.
    fn glue_above(&self, cut: &ZoneCut) -> Vec<SocketAddr> {
        let mut addresses = Vec::new();
        for server in &cut.servers {
            let mut above = Some(server.name.as_ref());
            while let Some(zone) = above {
                let kept = self.state.records.get(zone, DELEGATION, self.clock.now());
                let others = kept.and_then(|kept| ZoneCut::kept(&kept)).map(|cut| cut.servers);
                let same = others.into_iter().flatten().filter(|other| other.name == server.name);
                addresses.extend(same.flat_map(|other| other.addresses));
                above = zone.parent();
            }
        }
        addresses
    }

    /// The addresses of servers within their own zone that came without, as the servers of the parent give them when they are asked.
    async fn addresses_by_parent(&mut self, cut: &ZoneCut) -> Vec<SocketAddr> {
        let Some(above) = cut.zone.as_ref().parent() else { return Vec::new() };
        let parent = self.closest_cut(above, Type::A);
        let within = |server: &&NameServer| {
            server.addresses.is_empty() && server.name.as_ref().is_at_or_below(cut.zone.as_ref())
        };
        let names: Vec<DomainName> =
            cut.servers.iter().filter(within).map(|server| server.name.clone()).collect();
        for name in names {
            let depth = self.sought.len();
            let mut asked = name.clone();
            let mut addresses = Vec::new();
            while self.may_seek(&asked, Type::A).is_ok() {
                self.sought.push(asked.clone());
                let question = iterative(asked.as_ref(), Type::A);
                let reply = Box::pin(self.ask(&parent, &question, ExchangeEffort::Whole)).await;
                let Ok(reply) = reply else { break };
                let (found, target) = addresses_of_reply(&reply, &asked);
                addresses = found;
                match target {
                    Some(target) if addresses.is_empty() => asked = target,
                    _ => break,
                }
            }
            self.sought.truncate(depth);
            if !addresses.is_empty() {
                return addresses;
            }
            self.budget.address_failed();
            self.state.failed(&name, Type::A, Instant::now());
        }
        Vec::new()
    }

    /// Whether the addresses of a nameserver may be looked for. Errors: why not.
    fn may_seek(&self, name: &DomainName, rtype: Type) -> Result<(), IterationFailure> {
        if self.sought.contains(name) {
            Err(IterationFailure::Circle(name.clone()))
        } else if self.sought.len() >= self.settings.limits.depth {
            Err(IterationFailure::Depth)
        } else if !self.budget.may_seek_addresses() {
            Err(IterationFailure::AddressBudget)
        } else if self.state.has_failed(name, rtype, Instant::now()) {
            Err(IterationFailure::Remembered { name: name.clone(), rtype })
        } else {
            Ok(())
        }
    }

    /// The addresses of a server that are at hand at `now`, in seconds of the cache's clock.
    pub(super) fn known_addresses(&self, server: &NameServer, now: u32) -> Vec<SocketAddr> {
        let mut addresses = server.addresses.clone();
        for rtype in [Type::A, Type::AAAA] {
            let known = self.state.records.get(server.name.as_ref(), rtype, now);
            let known = known.filter(|known| known.credibility > CredibilityRank::Referral);
            if let Some(set) = known.as_ref().and_then(|known| known.records()) {
                add_addresses(set, &mut addresses);
            }
        }
        addresses
    }

    fn usable(
        &self,
        cut: &ZoneCut,
        addresses: impl Iterator<Item = SocketAddr>,
        tried: &[SocketAddr],
    ) -> Vec<SocketAddr> {
        let mut usable = Vec::new();
        for address in addresses {
            // Loopback addresses that the configuration names are meant.
            let meant = cut.configured && address.ip().is_loopback();
            if (meant || self.settings.allows(address))
                && !tried.contains(&address)
                && !usable.contains(&address)
            {
                usable.push(address);
            }
        }
        usable
    }

    /// Asks for the addresses of a nameserver, of one type after the other until there are some. Errors: why there are none.
    async fn addresses_of(
        &mut self,
        name: &DomainName,
        types: &[Type],
    ) -> Result<Vec<SocketAddr>, IterationFailure> {
        let mut addresses = Vec::new();
        let mut why = None;
        let (ipv4, ipv6) = (self.settings.ipv4, self.settings.ipv6);
        for rtype in types.iter().copied().filter(|&rtype| if rtype == Type::A { ipv4 } else { ipv6 }) {
            if let Err(refused) = self.may_seek(name, rtype) {
                why.get_or_insert(refused);
                continue;
            }
            self.sought.push(name.clone());
            let found = self.find_address(name, rtype).await;
            self.sought.pop();
            let of_question = found.as_ref().is_err_and(IterationFailure::is_of_the_question);
            if let Some(set) = found.as_ref().ok().and_then(|found| found.records()) {
                add_addresses(set, &mut addresses);
            }
            if !addresses.is_empty() {
                return Ok(addresses);
            }
            let none = |found: Arc<LearntRecords>| IterationFailure::NoServer {
                name: name.clone(),
                exists: found.content != RecordContent::NameError,
            };
            why.get_or_insert(found.map_or_else(|failure| failure, none));
            self.budget.address_failed();
            if !of_question {
                self.state.failed(name, rtype, Instant::now());
            }
        }
        let exists = true;
        Err(why.unwrap_or_else(|| IterationFailure::NoServer { name: name.clone(), exists }))
    }

    /// The addresses of a nameserver; of its alias, though it should have none (RFC 2181 section 10.3).
    async fn find_address(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let found = self.find(name, rtype).await?;
        let alias = found.records().filter(|set| set.rtype == Type::CNAME);
        let target =
            alias.and_then(|set| NameRef::parse(set.records.iter().next()?).ok()).map(NameRef::to_lowercase);
        match target {
            Some(target) => self.find(&target, rtype).await,
            None => Ok(found),
        }
    }

    /// The servers at these addresses in the order in which they are asked: the fastest first, those that are down last,
    /// those that are silent now and then.
    pub(super) fn rank(&self, addresses: &[SocketAddr]) -> Vec<Arc<RemoteServer>> {
        let chance = self.net.random();
        let server = |(place, address): (usize, &SocketAddr)| {
            let server = self.state.servers.server(&ServerIdentity::plain(*address));
            (spread_chance(chance, place), server)
        };
        let mut servers: Vec<_> = addresses.iter().enumerate().map(server).collect();
        let measured = chance.is_multiple_of(MEASURED);
        servers.sort_by_cached_key(|(chance, server)| {
            let (useless, time) = server.speed();
            let suspect = self.suspects.contains(&server.identity().address);
            // Those that cannot be reached take no place from others that can.
            (
                !server.is_routed(),
                suspect,
                server.is_down(),
                useless,
                if measured { std::time::Duration::ZERO } else { time },
                *chance,
            )
        });
        let now = Instant::now();
        let servers = servers.into_iter().map(|(_, server)| server).take(self.settings.limits.sends_of_fetch);
        servers.filter(|server| server.claim_question(now)).collect()
    }
}

/// The chance of the server at this place, of the one that was drawn for all.
const fn spread_chance(chance: u64, place: usize) -> u64 {
    let mixed = (chance ^ place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The addresses of `name` in a reply of its zone's parent: in an answer or beside a referral. Or the alias that it has, though it
/// should have none.
fn addresses_of_reply(reply: &ZoneReply, name: &DomainName) -> (Vec<SocketAddr>, Option<DomainName>) {
    let glue = match &reply.end {
        ReplyEnd::Referral(referral) => referral.glue.as_slice(),
        _ => &[],
    };
    let answer = reply.links.iter().filter_map(|link| link.records());
    let mut addresses = Vec::new();
    for set in answer.clone().chain(glue).filter(|set| set.owner.as_ref() == name.as_ref()) {
        add_addresses(set, &mut addresses);
    }
    let mut alias = answer.filter(|set| set.rtype == Type::CNAME && set.owner.as_ref() == name.as_ref());
    let target = alias.find_map(|set| NameRef::parse(set.records.iter().next()?).ok());
    (addresses, target.map(NameRef::to_lowercase))
}
