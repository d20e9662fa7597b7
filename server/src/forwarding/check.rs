//! The lists of a configuration, read for `rhumb check`.

use std::collections::HashMap;
use std::path::Path;

use rhumb_config::{
    FilePlace, ForwardEntry, NamedRemote, ServerConfig, UpstreamServer, UpstreamSource, ZoneSource,
};
use rhumb_net::tls::client::check_roots;

use super::list_file::{ListFile, ListRefresh};
use super::own_address::{is_own_address, own_upstream};
use super::resolved::resolved_server;
use super::source::{source_of, unread};
use crate::snapshot::ListSource;

/// Reads every list that `config` names: warnings, and what is wrong with each, in words.
pub fn check_lists(config: &ServerConfig) -> (Vec<String>, Vec<String>) {
    let mut read: HashMap<ListSource, ListFile> = HashMap::new();
    let (mut warnings, mut odd_lines, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for forward in &config.forward {
        let mut own = |server: &UpstreamServer| {
            let known = resolved_server(server);
            let own = known.filter(|server| is_own_address(server.address, server.transport, &config.listen));
            warnings.extend(own.map(|server| own_upstream(forward, server.address)));
        };
        for source in &forward.upstreams {
            if let UpstreamSource::Server(server, _) = source {
                own(server);
            } else if let Some(list) = source_of(source) {
                let file = read.entry(list).or_insert_with_key(|list| {
                    let mut file = unread(list);
                    let refreshed = file.refresh();
                    let (doubts, wrong) = complaints(&file, source.place(), refreshed);
                    odd_lines.extend(doubts);
                    errors.extend(wrong);
                    file
                });
                file.upstreams().iter().for_each(|(server, _)| own(server));
            }
        }
    }
    warnings.extend(odd_lines);
    (warnings, errors)
}

/// Looks whether the certificates of encrypted upstreams and primaries can be judged: warnings, and what is wrong, in words.
pub fn check_trust(config: &ServerConfig) -> (Vec<String>, Vec<String>) {
    let mut found = TrustFindings::default();
    for ForwardEntry { domain, upstreams, trust, place, .. } in &config.forward {
        let needs_issuer = |source: &UpstreamSource| match source {
            UpstreamSource::Named(..) => true,
            UpstreamSource::Server(server, _) => {
                server.transport.is_encrypted() && (trust.pins.is_empty() || server.name.is_some())
            }
            _ => false,
        };
        let wanted = trust.authorities.is_some() || trust.verified && upstreams.iter().any(needs_issuer);
        if !wanted {
            continue;
        }
        found.look(trust.authorities.as_deref(), &format!("{place}: forward {domain}: "));
    }
    for remote @ NamedRemote { name, tls, place, .. } in &config.remotes {
        let Some(tls) = tls else { continue };
        let needs_issuer = tls.pins.is_empty() || tls.name.is_some();
        if tls.authorities.is_some() || needs_issuer && is_primary(remote, config) {
            found.look(tls.authorities.as_deref(), &format!("{place}: remote {name}: "));
        }
    }
    (found.warnings, found.errors)
}

/// Whether a zone is transferred from this server.
fn is_primary(remote: &NamedRemote, config: &ServerConfig) -> bool {
    let of_root = config.recursion.local_root.as_ref().and_then(|root| root.transferred.as_deref());
    let of_zones = config.zones.iter().filter_map(|zone| match zone {
        ZoneSource::Secondary(zone) => Some(&**zone),
        _ => None,
    });
    of_zones.chain(of_root).any(|zone| zone.primaries.contains(&remote.name))
}

/// What is found of certificates that others are judged by.
#[derive(Default)]
struct TrustFindings {
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl TrustFindings {
    /// Looks at the certificates in a file, or without one at those of the system.
    fn look(&mut self, authorities: Option<&Path>, of: &str) {
        match (check_roots(authorities), authorities) {
            (Ok(_), _) => {}
            (Err(error), Some(_)) => self.errors.push(format!("{of}ca: {error}")),
            (Err(error), None) => self.warnings.push(format!("{of}{error}")),
        }
    }
}

/// What is odd about a list, and what is wrong with it. That it is not there is a warning of the configuration. A resolv.conf is written
/// by others: lines of it that cannot be read are passed over, as the C library does, where some can.
fn complaints(file: &ListFile, place: &FilePlace, refreshed: ListRefresh) -> (Vec<String>, Vec<String>) {
    let path = file.path().display();
    let mut wrong = Vec::new();
    if let (ListRefresh::KeptLastGood(why), false) = (refreshed, file.is_missing()) {
        wrong.push(format!("{place}: {path} {why}"));
    }
    let lines = file.bad_lines().iter().map(|(line, what)| format!("{path}:{line}: {what}"));
    if file.is_resolv_conf() && !file.upstreams().is_empty() {
        return (lines.map(|line| line + "; the line is passed over").collect(), wrong);
    }
    wrong.extend(lines);
    (Vec::new(), wrong)
}
