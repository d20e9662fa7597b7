//! What a certificate of our own making is for.

use std::net::IpAddr;

use rhumb_config::{CertificateSource, ResolverDiscovery, ServerConfig};
use rhumb_net::route;
use rhumb_wire::DomainName;

use super::designations::designation;
use super::wanted::wanted;

/// The most addresses in it beside those of this host alone: every handshake carries the certificate.
const MOST_ADDRESSES: usize = 32;
/// Where the kernel says what this host is called.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// This host, by name and by the addresses that the listeners which show it are reached at.
pub(super) fn self_signed_names(config: &ServerConfig) -> Vec<String> {
    let local = route::local_addresses().unwrap_or_default();
    let local: Vec<IpAddr> = local.into_iter().map(|(ip, ..)| ip).collect();
    let mut reached: Vec<IpAddr> = wanted(config)
        .0
        .iter()
        .filter(|one| one.certificates().contains(&CertificateSource::SelfSigned))
        .flat_map(|one| designation(one, DomainName::root()).reached_at(&local))
        .collect();
    reached.sort_unstable();
    reached.dedup();
    let named = match &config.server.discovery {
        ResolverDiscovery::Named(name) => host_name(&name.to_string()),
        ResolverDiscovery::OfCertificate | ResolverDiscovery::Off => None,
    };
    let host = host_name(&own_name());
    let mut names: Vec<String> = named.into_iter().chain(host).collect();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    names.extend(reached.iter().take(MOST_ADDRESSES).map(IpAddr::to_string));
    names.dedup();
    names
}

/// What this host is called, as the kernel has it; nothing where that is not to be known.
pub(super) fn own_name() -> String {
    std::fs::read_to_string(HOST_NAME).unwrap_or_default()
}

/// A name as certificates have it: letters, digits, hyphens and dots, no dot at the end.
fn host_name(text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!name.is_empty() && name.bytes().all(plain) && name.parse::<DomainName>().is_ok()).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn names(listen: &str, more: &str) -> Vec<String> {
        let text = format!("listen: [{{ {listen}, certificate: self-signed }}]\n{more}");
        self_signed_names(&rhumb_config::parse(&text, Path::new("x.yaml")).unwrap())
    }

    #[test]
    fn it_is_for_the_addresses_that_are_listened_on() {
        let found = names("address: 192.0.2.1, transports: [tls]", "server: { discovery: DNS.example }");
        assert_eq!(found[0], "dns.example", "the name that clients are told comes first");
        for name in ["localhost", "127.0.0.1", "::1", "192.0.2.1"] {
            assert!(found.iter().any(|one| one == name), "no {name} in {found:?}");
        }
        let local = names("address: 127.0.0.1, transports: [tls]", "");
        assert_eq!(local.iter().filter(|name| name.parse::<IpAddr>().is_ok()).count(), 2, "{local:?}");
        // `::` is every address of this host, those apart that others do not reach.
        let every = names("address: '::', transports: [https]", "");
        for (ip, ..) in route::local_addresses().unwrap() {
            let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
            let missing = !every.contains(&ip.to_string());
            assert!(link_local || ip.is_loopback() || !missing, "no {ip} in {every:?}");
        }
    }

    #[test]
    fn a_name_of_a_host_is_plain() {
        assert_eq!(host_name("Ns1.Example.\n").as_deref(), Some("ns1.example"));
        for text in ["", ".", "a b", "a..b", "é", "(none)"] {
            assert_eq!(host_name(text), None, "{text:?}");
        }
    }
}
