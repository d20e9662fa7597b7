//! The encrypted listeners of a configuration, by a name of their certificates.

use rhumb_config::ServerConfig;
use rhumb_net::tls::is_name_for;
use rhumb_wire::DomainName;

use super::certificates::certificate_names;
use super::designations::{designation, together};
use super::wanted::wanted;
use crate::snapshot::DesignatedResolver;

/// The encrypted listeners that `config` asks for and that show a certificate for `name`, as clients are told of them.
///
/// Errors: a certificate cannot be read, there is no such listener, or none of the certificates is for the name; in words.
pub fn designated_as(
    config: &ServerConfig,
    name: &DomainName,
) -> Result<Vec<DesignatedResolver>, Vec<String>> {
    let (listeners, errors) = wanted(config);
    if !errors.is_empty() {
        return Err(errors);
    }
    let host = name.to_string();
    let host = host.trim_end_matches('.');
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for listener in &listeners {
        let mut names = Vec::new();
        for source in listener.certificates() {
            let of_source = certificate_names(source, config);
            names.extend(of_source.map_err(|error| vec![format!("{}: {error}", listener.entry.place)])?);
        }
        if names.iter().any(|name| is_name_for(name, host)) {
            found.push(designation(listener, name.clone()));
        }
        others.extend(names);
    }
    if !found.is_empty() {
        return Ok(together(found.into_iter()));
    }
    others.sort();
    others.dedup();
    Err(vec![if others.is_empty() {
        "no listener of this configuration speaks tls, https or quic with a certificate".to_owned()
    } else {
        format!("no certificate is for `{host}`; there are certificates for {}", others.join(", "))
    }])
}
