//! The addresses of a zone's servers: those that came with the delegation, those that are known, those that have to be asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_cache::{Credibility, LearntRecords};
use rhumb_wire::{Name, NameRef, Type};
use tokio::time::Instant;

use super::address_progress::AddressProgress;
use super::failure::IterationFailure;
use super::iteration::Iteration;
use super::limits;
use super::settings::NameServer;
use super::zone_cut::{ZoneCut, add_addresses};
use crate::exchange::RemoteServer;
use crate::identity::ServerIdentity;
use crate::network::Network;

/// One question in so many goes to any server of a zone instead of the fastest, so that each is measured now and then.
const MEASURED: u64 = 32;

impl<N: Network> Iteration<'_, N> {
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
            let known = cut.servers.iter().flat_map(|server| self.known_addresses(server));
            let found = self.usable(cut, known, tried);
            if !found.is_empty() {
                return found;
            }
        }
        if cut.configured {
            return Vec::new();
        }
        while let Some(server) = progress.next(cut.servers.len(), self.net.random()) {
            let Some(server) = cut.servers.get(server) else { break };
            // The servers of a zone cannot be found through the zone itself.
            if server.name.as_ref().is_at_or_below(cut.zone.as_ref()) {
                continue;
            }
            let found = self.addresses_of(&server.name).await;
            let found = self.usable(cut, found.into_iter(), tried);
            if !found.is_empty() {
                return found;
            }
        }
        // What the delegation of a server's own zone says may be right where that zone itself is wrong.
        let glue = cut.servers.iter().flat_map(|server| {
            let above = self.closest_cut(server.name.as_ref(), Type::A);
            above
                .servers
                .into_iter()
                .filter(|other| other.name == server.name)
                .flat_map(|other| other.addresses)
        });
        self.usable(cut, glue, tried)
    }

    /// The addresses of a server that are at hand.
    fn known_addresses(&self, server: &NameServer) -> Vec<SocketAddr> {
        let mut addresses = server.addresses.clone();
        for rtype in [Type::A, Type::AAAA] {
            let known = self.state.records.get(server.name.as_ref(), rtype, self.clock.now());
            let known = known.filter(|known| known.credibility > Credibility::Referral);
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

    /// Asks for the addresses of a nameserver: IPv4 first, IPv6 if there is none.
    async fn addresses_of(&mut self, name: &Name) -> Vec<SocketAddr> {
        if self.sought.len() >= limits::DEPTH || self.sought.contains(name) {
            return Vec::new();
        }
        let mut addresses = Vec::new();
        let types = [(Type::A, self.settings.ipv4), (Type::AAAA, self.settings.ipv6)];
        for (rtype, _) in types.into_iter().filter(|(_, wanted)| *wanted) {
            if !self.budget.may_seek_addresses() || self.state.has_failed(name, rtype, Instant::now()) {
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
                break;
            }
            self.budget.address_failed();
            if !of_question {
                self.state.failed(name, rtype, Instant::now());
            }
        }
        addresses
    }

    /// The addresses of a nameserver; of its alias, though it should have none (RFC 2181 section 10.3).
    async fn find_address(
        &mut self,
        name: &Name,
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

    /// The servers at these addresses in the order in which they are asked: the fastest first, those that are down last.
    pub(super) fn rank(&self, addresses: &[SocketAddr]) -> Vec<Arc<RemoteServer>> {
        let server = |address: &SocketAddr| {
            (self.net.random(), self.state.servers.server(&ServerIdentity::plain(*address)))
        };
        let mut servers: Vec<_> = addresses.iter().map(server).collect();
        let measured = self.net.random().is_multiple_of(MEASURED);
        servers.sort_by_cached_key(|(chance, server)| {
            let (useless, time) = server.speed();
            let suspect = self.suspects.contains(&server.identity().address);
            (
                suspect,
                server.is_down(),
                useless,
                if measured { std::time::Duration::ZERO } else { time },
                *chance,
            )
        });
        servers.into_iter().map(|(_, server)| server).take(limits::SENDS_OF_FETCH).collect()
    }
}
