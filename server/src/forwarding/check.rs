//! The lists of a configuration, read for `rhumb check`.

use std::collections::HashMap;

use rhumb_config::{FilePlace, ServerConfig, UpstreamServer, UpstreamSource};

use super::list_file::{ListFile, ListRefresh};
use super::own_address::{is_own_address, own_upstream};
use super::resolved::resolved;
use super::source::{source_of, unread};
use crate::snapshot::ListSource;

/// Reads every list that `config` names: warnings, and what is wrong with each, in words.
pub fn check_lists(config: &ServerConfig) -> (Vec<String>, Vec<String>) {
    let mut read: HashMap<ListSource, ListFile> = HashMap::new();
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    for forward in &config.forward {
        let mut own = |server: &UpstreamServer| {
            let address = resolved(server).map(|server| server.address);
            let own = address.filter(|address| is_own_address(*address, &config.listen));
            warnings.extend(own.map(|address| own_upstream(forward, address)));
        };
        for source in &forward.upstreams {
            if let UpstreamSource::Server(server, _) = source {
                own(server);
            } else if let Some(list) = source_of(source) {
                let file = read.entry(list).or_insert_with_key(|list| {
                    let mut file = unread(list);
                    let refreshed = file.refresh();
                    errors.extend(complaints(&file, source.place(), refreshed));
                    file
                });
                file.upstreams().iter().for_each(|(server, _)| own(server));
            }
        }
    }
    (warnings, errors)
}

/// What is wrong with a list. That it is not there is a warning of the configuration.
fn complaints(file: &ListFile, place: &FilePlace, refreshed: ListRefresh) -> Vec<String> {
    let path = file.path().display();
    let mut wrong = Vec::new();
    if let (ListRefresh::KeptLastGood(why), false) = (refreshed, file.is_missing()) {
        wrong.push(format!("{place}: {path} {why}"));
    }
    wrong.extend(file.bad_lines().iter().map(|(line, what)| format!("{path}:{line}: {what}")));
    wrong
}
