//! All connections of clients, by network, and which of them ends where there is no room for another.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::client_connection::{ClientConnection, FirstQueries};
use super::client_network::ClientNetwork;
use super::limits::ConnectionRefusal;

/// How long a connection may be silent before it is the first to end: three ways to the other side of the world and back.
const SETTLING: Duration = Duration::from_millis(500);
/// Networks that are looked at for a connection that rests.
const LOOKS: usize = 8;

/// Every connection that has a place. There is an entry for each network with a connection, so there are never more of them.
#[derive(Debug, Default)]
pub(super) struct ConnectionTable {
    pub(super) most: usize,
    pub(super) most_per_network: usize,
    open: usize,
    next: u64,
    networks: HashMap<ClientNetwork, NetworkConnections>,
    /// Networks by how many of their connections are silent, then by the age of the oldest.
    by_silent: BTreeSet<SilentRank>,
    /// Networks by how many of their connections have asked something.
    by_asked: BTreeSet<AskedRank>,
}

/// The number of its silent connections, the oldest of them, and the network.
type SilentRank = (usize, Reverse<u64>, ClientNetwork);
/// The number of its connections that have asked something, and the network.
type AskedRank = (usize, ClientNetwork);

/// The connections of one network by number, and so by age.
#[derive(Debug, Default)]
struct NetworkConnections {
    silent: BTreeMap<u64, Arc<ClientConnection>>,
    asked: BTreeMap<u64, Arc<ClientConnection>>,
}

/// A connection that may end for another, and the number of its kind in its network.
struct Candidate {
    connection: Arc<ClientConnection>,
    among: usize,
    is_silent: bool,
}

/// A connection that was ended for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisplacedConnection {
    /// Whether it had asked nothing; else it rested.
    pub was_silent: bool,
    /// Which limit was reached.
    pub limit: ConnectionRefusal,
}

/// What had to end for a connection.
pub(super) type Displaced = Option<(Arc<ClientConnection>, DisplacedConnection)>;

impl ConnectionTable {
    pub(super) fn new(most: usize, most_per_network: usize) -> Self {
        Self { most, most_per_network, ..Self::default() }
    }

    /// A new connection; none of a network is one whose client is not known yet.
    pub(super) fn enter(
        &mut self,
        first_queries: Arc<dyn FirstQueries>,
        network: Option<ClientNetwork>,
    ) -> Result<(Arc<ClientConnection>, Displaced), ConnectionRefusal> {
        let mut displaced = None;
        if let Some(network) = network {
            displaced = self.make_room_in(network)?;
        }
        // The place in the network was one of them all.
        if displaced.is_none() {
            displaced = self.make_room(self.open.cmp(&self.most), None)?;
        }
        let connection = ClientConnection::new(first_queries, self.next);
        self.next += 1;
        self.open += 1;
        if let Some(network) = network {
            self.insert(&connection, network);
        }
        Ok((connection, displaced))
    }

    /// The client of a connection has become known.
    pub(super) fn name(
        &mut self,
        connection: &Arc<ClientConnection>,
        network: ClientNetwork,
    ) -> Result<Displaced, ConnectionRefusal> {
        let displaced = self.make_room_in(network)?;
        self.insert(connection, network);
        Ok(displaced)
    }

    /// A connection is silent no longer.
    pub(super) fn asked(&mut self, connection: &ClientConnection) {
        let Some(&network) = connection.network.get() else { return };
        self.change(network, |held| {
            if let Some(kept) = held.silent.remove(&connection.number) {
                held.asked.insert(connection.number, kept);
            }
        });
    }

    /// A connection is over; its place may have been another's for long.
    pub(super) fn leave(&mut self, connection: &ClientConnection) {
        let number = &connection.number;
        let had_place = connection.network.get().is_none_or(|network| {
            self.change(*network, |held| {
                held.silent.remove(number).or_else(|| held.asked.remove(number)).is_some()
            })
        });
        self.open -= usize::from(had_place);
    }

    pub(super) const fn open(&self) -> usize {
        self.open
    }

    fn insert(&mut self, connection: &Arc<ClientConnection>, network: ClientNetwork) {
        // It has been named once.
        let _ = connection.network.set(network);
        self.change(network, |held| held.silent.insert(connection.number, Arc::clone(connection)));
    }

    fn make_room_in(&mut self, network: ClientNetwork) -> Result<Displaced, ConnectionRefusal> {
        let held = self.networks.get(&network).map_or(0, |held| held.silent.len() + held.asked.len());
        self.make_room(held.cmp(&self.most_per_network), Some(network))
    }

    /// Takes a connection's place away where all are taken. Beyond a limit, which was lowered, there is none to be had.
    fn make_room(
        &mut self,
        taken: Ordering,
        within: Option<ClientNetwork>,
    ) -> Result<Displaced, ConnectionRefusal> {
        let limit = if within.is_some() { ConnectionRefusal::Network } else { ConnectionRefusal::Total };
        match taken {
            Ordering::Less => Ok(None),
            Ordering::Greater => Err(limit),
            Ordering::Equal => {
                let Candidate { connection, is_silent, .. } = self.choose(within).ok_or(limit)?;
                self.leave(&connection);
                Ok(Some((connection, DisplacedConnection { was_silent: is_silent, limit })))
            }
        }
    }

    /// The oldest silent connection of the network that has the most of them; but where it is hardly older than its handshake may
    /// take, the network with the most that have asked loses the one that rests longest, unless it has fewer.
    fn choose(&self, within: Option<ClientNetwork>) -> Option<Candidate> {
        let (silent, resting) = match within {
            Some(network) => (self.silent_of(network), self.resting_of(network)),
            None => (
                self.by_silent.last().and_then(|(.., network)| self.silent_of(*network)),
                self.by_asked.iter().rev().take(LOOKS).find_map(|(_, network)| self.resting_of(*network)),
            ),
        };
        match (silent, resting) {
            (Some(silent), Some(resting))
                if silent.connection.began.elapsed() < SETTLING && silent.among <= resting.among =>
            {
                Some(resting)
            }
            (silent, resting) => silent.or(resting),
        }
    }

    fn silent_of(&self, network: ClientNetwork) -> Option<Candidate> {
        let silent = &self.networks.get(&network)?.silent;
        let (_, connection) = silent.first_key_value()?;
        Some(Candidate { connection: Arc::clone(connection), among: silent.len(), is_silent: true })
    }

    fn resting_of(&self, network: ClientNetwork) -> Option<Candidate> {
        let asked = &self.networks.get(&network)?.asked;
        let resting = asked.values().filter_map(|connection| Some((connection.rested()?, connection)));
        let (_, connection) = resting.max_by_key(|(rested, of)| (*rested, Reverse(of.number)))?;
        Some(Candidate { connection: Arc::clone(connection), among: asked.len(), is_silent: false })
    }

    fn change<T>(&mut self, network: ClientNetwork, change: impl FnOnce(&mut NetworkConnections) -> T) -> T {
        let held = self.networks.entry(network).or_default();
        let (silent, asked) = held.ranks(network);
        silent.inspect(|rank| _ = self.by_silent.remove(rank));
        asked.inspect(|rank| _ = self.by_asked.remove(rank));
        let changed = change(held);
        let (silent, asked) = held.ranks(network);
        if silent.is_none() && asked.is_none() {
            self.networks.remove(&network);
        }
        self.by_silent.extend(silent);
        self.by_asked.extend(asked);
        changed
    }
}

impl NetworkConnections {
    /// Its places among the networks.
    fn ranks(&self, network: ClientNetwork) -> (Option<SilentRank>, Option<AskedRank>) {
        let oldest = self.silent.keys().next();
        let silent = oldest.map(|oldest| (self.silent.len(), Reverse(*oldest), network));
        (silent, (!self.asked.is_empty()).then_some((self.asked.len(), network)))
    }
}
