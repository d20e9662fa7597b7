//! What the configuration asks for and is not listened on, or not yet of use: for the log, once each, and for `status`.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use rhumb_net::{BindError, route};

use super::listener_key::ListenerKey;

/// What an operator should know of the listeners.
#[derive(Debug, Default)]
pub(super) struct ListenerNotes {
    /// Sockets that could not be had and were passed over, and why.
    passed_over: HashMap<ListenerKey, String>,
    /// Addresses that are listened on and that the host does not have.
    absent: BTreeSet<IpAddr>,
    /// How many connections there may be, where descriptors are too few for those that are configured, and how many those are.
    cut_clients: Option<(usize, usize)>,
}

impl ListenerNotes {
    /// A socket that need not be had is not.
    pub(super) fn pass_over(&mut self, key: ListenerKey, error: &BindError) {
        let why = error.hint.clone();
        if self.passed_over.get(&key) != Some(&why) {
            tracing::warn!("listener {key}: passed over: {why}");
            self.passed_over.insert(key, why);
        }
    }

    /// Whether this one was passed over.
    pub(super) fn is_passed_over(&self, key: &ListenerKey) -> bool {
        self.passed_over.contains_key(key)
    }

    /// Forgets those that were passed over and are no longer asked for, or open by now.
    pub(super) fn keep_passed_over(&mut self, still: impl Fn(&ListenerKey) -> bool) {
        self.passed_over.retain(|key, _| still(key));
    }

    /// Looks which of the addresses the host has.
    pub(super) fn look_for<'k>(&mut self, keys: impl Iterator<Item = &'k ListenerKey>) {
        let is_absent = |ip: &IpAddr| !ip.is_unspecified() && !route::is_local(*ip);
        // The scope of a link-local address is that of an interface, and its listener closes with that.
        let addresses: BTreeSet<IpAddr> = keys.filter(|key| key.scope() == 0).map(ListenerKey::ip).collect();
        let absent: BTreeSet<IpAddr> = addresses.into_iter().filter(is_absent).collect();
        for ip in absent.difference(&self.absent) {
            tracing::warn!("{}", absent_sentence(*ip));
        }
        for ip in self.absent.difference(&absent) {
            tracing::info!("listener {ip}: no longer an address that this host lacks");
        }
        self.absent = absent;
    }

    /// Of `wanted` connections there may be `fitting`.
    pub(super) fn fit_clients(&mut self, wanted: usize, fitting: usize) {
        let cut = (fitting < wanted).then_some((fitting, wanted));
        if let Some((fitting, wanted)) = cut
            && self.cut_clients != cut
        {
            tracing::warn!("{}", cut_sentence(fitting, wanted));
        }
        self.cut_clients = cut;
    }

    /// All of it, a sentence each.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut passed: Vec<String> =
            self.passed_over.iter().map(|(key, why)| format!("listener {key}: passed over: {why}")).collect();
        passed.sort();
        let absent = self.absent.iter().map(|ip| absent_sentence(*ip));
        let cut = self.cut_clients.map(|(fitting, wanted)| cut_sentence(fitting, wanted));
        passed.into_iter().chain(absent).chain(cut).collect()
    }
}

fn absent_sentence(ip: IpAddr) -> String {
    format!("listener {ip}: this host does not have that address; queries are answered once it does")
}

fn cut_sentence(fitting: usize, wanted: usize) -> String {
    format!(
        "tcp-clients: {wanted} do not fit the limit of open files (RLIMIT_NOFILE); there are {fitting} at most, so that files and \
         upstreams have their share"
    )
}
