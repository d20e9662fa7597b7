//! The sockets that queries come in by.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rhumb_config::{ServerConfig, ServerSettings};
use rhumb_net::{descriptor_limit, open_descriptors};
use rhumb_wire::Transport;

use super::certificates::{CertificateState, ServerCertificates};
use super::descriptors::fitting_clients;
use super::designations::designations;
use super::listener_key::ListenerKey;
use super::notes::ListenerNotes;
use super::open_listener::{BoundListener, ListenerOpening, ListenerTerms, OpenListener};
use super::openers;
use super::stream::ListenerServices;
use super::wanted::{WantedListener, follows_addresses, wanted};
use crate::change::ChangeText;
use crate::snapshot::DesignatedResolver;

/// The listeners that are open.
#[derive(Debug, Default)]
pub struct OpenListeners {
    open: HashMap<ListenerKey, Box<dyn OpenListener>>,
    waiting: Vec<(ListenerKey, BoundListener)>,
    serving: Option<ListenerServices>,
    notes: ListenerNotes,
    certificates: ServerCertificates,
}

impl OpenListeners {
    /// Binds everything `config` asks for. Errors: each address that could not be bound, in words.
    pub fn bind(config: &ServerConfig) -> Result<Self, Vec<String>> {
        let mut listeners = Self::default();
        Self::check_unused(config)?;
        listeners.waiting = listeners.bind_missing(config)?;
        Ok(listeners)
    }

    /// Whether another process, perhaps another rhumb, has what `config` asks for by name.
    fn check_unused(config: &ServerConfig) -> Result<(), Vec<String>> {
        // An interface that is not there is reported when it comes to binding.
        let (wanted, _) = wanted(config);
        let check = |wanted: &WantedListener<'_>| {
            wanted.key.check_free().err().map(|error| format!("{}: {error}", wanted.entry.place))
        };
        let errors: Vec<String> = wanted.iter().filter(|wanted| wanted.is_named).filter_map(check).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// From now on what is bound is served.
    pub fn serve_with(&mut self, serving: ListenerServices) {
        self.serving = Some(serving);
    }

    /// Reads certificates, and binds what `config` asks for and is neither open nor bound. Errors: as [`Self::bind`], and each
    /// certificate that never was good; what was bound is closed again.
    pub fn bind_missing(
        &mut self,
        config: &ServerConfig,
    ) -> Result<Vec<(ListenerKey, BoundListener)>, Vec<String>> {
        let mut errors = self.certificates.read(config);
        let (bound, unbound) = self.bind_possible(config);
        errors.extend(unbound);
        if errors.is_empty() { Ok(bound) } else { Err(errors) }
    }

    /// Binds what is missing and can be had; and what is named and cannot.
    fn bind_possible(&mut self, config: &ServerConfig) -> (Vec<(ListenerKey, BoundListener)>, Vec<String>) {
        let mut bound = Vec::new();
        let (wanted, mut errors) = wanted(config);
        for WantedListener { key, entry, is_named } in wanted {
            if self.has(&key) {
                continue;
            }
            // Another process of the same user would share the address unnoticed.
            let is_ours = is_named || self.open.keys().any(|open| open.shares_socket_with(&key));
            let free = if is_ours { Ok(()) } else { key.check_free() };
            match free.and_then(|()| openers::bind(&key, config.server.receive_buffer)) {
                Ok(socket) => bound.push((key, socket)),
                Err(error) if is_named => errors.push(format!("{}: {error}", entry.place)),
                Err(error) => self.notes.pass_over(key, &error),
            }
        }
        (bound, errors)
    }

    fn has(&self, key: &ListenerKey) -> bool {
        self.open.contains_key(key) || self.waiting.iter().any(|(other, _)| other == key)
    }

    /// What opening and closing for `config` comes to, in words.
    pub fn changes(&self, config: &ServerConfig) -> Vec<ChangeText> {
        let wanted = wanted_keys(config);
        let is_new = |key: &&ListenerKey| !self.has(key) && !self.notes.is_passed_over(key);
        let opened = wanted.iter().filter(is_new).map(|key| ChangeText(format!("listener {key}: opened")));
        let closed = self.open.keys().filter(|key| !wanted.contains(key));
        opened.chain(closed.map(|key| ChangeText(format!("listener {key}: closed")))).collect()
    }

    /// Whether what is listened on depends on the addresses of the host.
    pub fn follows_addresses(config: &ServerConfig) -> bool {
        follows_addresses(config)
    }

    /// Opens and closes what `config`, which is in force, asks for by now: addresses of the host have come or gone.
    pub fn follow(&mut self, config: &ServerConfig) {
        let (bound, errors) = self.bind_possible(config);
        for error in errors {
            tracing::warn!("{error}");
        }
        let before: Vec<ListenerKey> = self.open.keys().cloned().collect();
        self.publish(bound, config);
        for key in self.open.keys().filter(|key| !before.contains(key)) {
            tracing::info!("listener {key}: opened");
        }
        for key in before.iter().filter(|key| !self.open.contains_key(key)) {
            tracing::info!("listener {key}: closed");
        }
    }

    /// Reads the certificates again that this file is part of.
    pub fn file_changed(&mut self, config: &ServerConfig, path: &Path) {
        if self.certificates.file_changed(path) {
            self.publish_terms(config);
        }
    }

    /// Serves clients by what `config` says, and with the certificates as they are now.
    fn publish_terms(&mut self, config: &ServerConfig) {
        let Some(serving) = &self.serving else { return };
        self.certificates.publish(config, &serving.streams.live.metrics);
        for one in wanted(config).0 {
            if let Some(open) = self.open.get(&one.key) {
                open.set_terms(&self.terms(&one));
            }
        }
        serving.streams.live.designated.store(Arc::new(self.designations(config)));
    }

    /// The encrypted listeners that are open, as clients are told of them.
    fn designations(&self, config: &ServerConfig) -> Vec<DesignatedResolver> {
        let open = wanted(config).0.into_iter().filter(|one| self.open.contains_key(&one.key));
        let encrypted = open.filter(|one| !one.certificates().is_empty());
        let named = encrypted.map(|one| {
            let names = self.certificates.verified_names(one.certificates());
            (one, names)
        });
        designations(&config.server.discovery, named)
    }

    fn terms<'a>(&'a self, wanted: &WantedListener<'a>) -> ListenerTerms<'a> {
        // Browsers would ask their users which certificate to show.
        let asks = wanted.key.transport == Transport::Tls;
        let client_ca = wanted.entry.client_ca.as_ref().filter(|_| asks);
        let tls = self.certificates.terms(wanted.certificates(), client_ca);
        ListenerTerms { entry: wanted.entry, tls }
    }

    /// The certificates that clients are shown.
    pub fn certificates(&self) -> Vec<CertificateState> {
        self.certificates.states()
    }

    /// What is asked for and not served, and the like: a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.notes.sentences().into_iter().chain(self.certificates.troubles_of_authorities()).collect()
    }

    /// Serves what was bound, then closes what `config` no longer asks for, once it has answered what is queued.
    pub fn publish(&mut self, bound: Vec<(ListenerKey, BoundListener)>, config: &ServerConfig) {
        let Some(serving) = self.serving.clone() else { return };
        let (wanted, unknown) = wanted(config);
        for (key, socket) in std::mem::take(&mut self.waiting).into_iter().chain(bound) {
            let Some(one) = wanted.iter().find(|one| one.key == key) else { continue };
            let opening = ListenerOpening { key: &key, terms: self.terms(one), serving: &serving };
            match openers::open(socket, &opening) {
                Ok(open) => {
                    self.open.insert(key, open);
                }
                Err(error) => tracing::error!(listener = %key, %error, "a listener could not be served"),
            }
        }
        let is_wanted = |key: &ListenerKey| wanted.iter().any(|one| one.key == *key);
        // Where it is not known which addresses there are, none is taken to be gone.
        let closes = |key: &ListenerKey| unknown.is_empty() && !is_wanted(key);
        let closed: Vec<ListenerKey> = self.open.keys().filter(|key| closes(key)).cloned().collect();
        for key in closed {
            if let Some(open) = self.open.remove(&key) {
                open.close();
            }
        }
        let open = &self.open;
        self.notes.keep_passed_over(|key| is_wanted(key) && !open.contains_key(key));
        self.notes.look_for(open.keys());
        self.publish_terms(config);
    }

    /// How many connections there may be from now on: no more than leave enough descriptors for upstreams and files.
    pub fn limit(&mut self, server: &ServerSettings) {
        let Some(serving) = &self.serving else { return };
        let connections = &serving.streams.admission.connections;
        let open = open_descriptors().unwrap_or(0).saturating_sub(connections.open());
        let limit = descriptor_limit().unwrap_or(usize::MAX);
        let fitting = fitting_clients(server.tcp_clients, limit, open);
        connections.set(fitting, server.tcp_clients_per_network);
        self.notes.fit_clients(server.tcp_clients, fitting);
    }

    /// Closes all.
    pub fn stop_all(&mut self) {
        for (_, open) in self.open.drain() {
            open.close();
        }
    }

    /// Address, transport and threads of each.
    pub fn describe(&self) -> Vec<(String, &'static str, usize)> {
        let mut all: Vec<_> = self
            .open
            .keys()
            .map(|key| (key.address.to_string(), key.transport.name(), key.threads()))
            .collect();
        all.sort();
        all
    }
}

fn wanted_keys(config: &ServerConfig) -> Vec<ListenerKey> {
    wanted(config).0.into_iter().map(|wanted| wanted.key).collect()
}
