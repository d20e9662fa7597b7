//! `listen:`: the sockets that queries arrive on.

mod certificate;
mod further_certificate;
mod http;
mod ports;
mod transports;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rhumb_wire::Transport;

pub use certificate::CertificateSource;
pub(crate) use certificate::NamedCertificate;
pub use http::HttpListener;

use certificate::{CertificateFile, CertificateKeys};
use further_certificate::FurtherCertificate;
use http::{HttpPath, TLS};
use ports::TransportPorts;
use transports::{TransportList, USUAL};

use crate::address::{AddressOrAll, InterfaceName, ListenAddresses, ScopedAddress};
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{FilePath, FlagKind, NumberKind, OptionalKind, ParsedKind, SectionKind, ValueList};
use crate::network::IpNetwork;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A listening socket for each transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenEntry {
    /// The addresses to bind.
    pub addresses: ListenAddresses,
    /// The port of all its transports, never 0; that of each where it is none.
    pub port: Option<u16>,
    /// The ports of those that have another.
    pub ports: BTreeMap<Transport, u16>,
    /// `IPV6_V6ONLY` (ipv6(7)): whether `::` leaves IPv4 to others. Always false for other addresses than `::`.
    pub v6only: bool,
    /// What is spoken there, each once, at least one.
    pub transports: Vec<Transport>,
    /// What the server shows on its encrypted transports, the first one unless another is for the name that a client asks for; there if
    /// and only if a transport needs it.
    pub certificates: Vec<CertificateSource>,
    /// Issuers of the certificates that clients may show by tls, in PEM; none: they are not asked.
    pub client_ca: Option<PathBuf>,
    /// How HTTP is spoken there.
    pub http: HttpListener,
    /// Networks of proxies that begin with a header of the PROXY protocol; not on quic.
    pub proxy_protocol: Vec<IpNetwork>,
    /// Where the entry stands.
    pub place: FilePlace,
}

impl ListenEntry {
    /// The port of one transport.
    pub fn port_of(&self, transport: Transport) -> u16 {
        self.ports.get(&transport).copied().or(self.port).unwrap_or(transport.default_port())
    }

    /// What is used when the configuration has no `listen:`: `::` port 53, IPv4 too, UDP and TCP.
    pub(crate) fn everywhere(place: FilePlace) -> Self {
        let ip = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        ListenEntry {
            addresses: ListenAddresses::One { ip, scope: None },
            port: None,
            ports: BTreeMap::new(),
            v6only: false,
            transports: USUAL.to_vec(),
            certificates: Vec::new(),
            client_ca: None,
            http: HttpListener::default(),
            proxy_protocol: Vec::new(),
            place,
        }
    }
}

pub(crate) struct ListenDraft {
    address: Option<AddressOrAll>,
    interface: Option<InterfaceName>,
    port: Option<u16>,
    ports: BTreeMap<Transport, u16>,
    v6only: bool,
    transports: Vec<Transport>,
    certificate: Option<NamedCertificate>,
    key: Option<PathBuf>,
    further: Vec<FurtherCertificate>,
    client_ca: Option<PathBuf>,
    http: HttpListener,
    proxy_protocol: Vec<IpNetwork>,
}

impl ConfigSection for ListenEntry {
    type Draft = ListenDraft;

    const ABOUT: &'static str = "One address and port to answer on.";
    const EXAMPLE: Option<&'static str> = Some("{ address: 192.0.2.1 }");
    const ONE_OF: &'static [&'static [&'static str]] = &[&["address"], &["interface"]];
    const IDENTITY: &'static [&'static str] = &["address", "interface", "port"];

    fn draft() -> ListenDraft {
        ListenDraft {
            address: None,
            interface: None,
            port: None,
            ports: BTreeMap::new(),
            v6only: false,
            transports: USUAL.to_vec(),
            certificate: None,
            key: None,
            further: Vec::new(),
            client_ca: None,
            http: HttpListener::default(),
            proxy_protocol: Vec::new(),
        }
    }

    fn keys<K: KeyVisitor<ListenDraft>>(keys: &mut K) {
        keys.key("address", InForce::AtReload,
            "The address to listen on. `::` is every address, IPv4 too unless v6only is true; `0.0.0.0` is every \
             IPv4 address; `all` opens a socket for each address of the host, follows addresses that come and go, and \
             passes over those that another process has. Replies leave from the address that was asked.",
            OptionalKind(ParsedKind::new(
                "all, or an IPv4 or IPv6 address, link-local ones with their interface as in fe80::1%eth0",
            )),
            |draft| &mut draft.address,
        );
        keys.key(
            "interface",
            InForce::AtReload,
            "In place of `address`: as `all`, but only the addresses of this interface.",
            OptionalKind(ParsedKind::new("the name of an interface such as br0")),
            |draft| &mut draft.interface,
        );
        keys.key(
            "port",
            InForce::AtReload,
            "The port of all its transports. Without it 53 for udp and tcp, 853 for tls and quic, 443 for https.",
            OptionalKind(NumberKind::new(1, 65_535)),
            |draft| &mut draft.port,
        );
        keys.key(
            "ports",
            InForce::AtReload,
            "The ports of single transports, as in {tls: 8853}; they count more than `port`.",
            TransportPorts,
            |draft| &mut draft.ports,
        );
        keys.key("v6only", InForce::AtReload,
            "For `::`: true leaves IPv4 to other entries, false serves IPv4 on the same socket. Always set on the \
             socket, whatever the system's default is.",
            FlagKind,
            |draft| &mut draft.v6only,
        );
        keys.key(
            "transports",
            InForce::AtReload,
            "What is spoken on this address. tls, https and quic need a certificate.",
            TransportList,
            |draft| &mut draft.transports,
        );
        certificate_keys(keys);
        http_keys(keys);
        proxy_keys(keys);
    }

    fn finish(draft: ListenDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        draft.http.check(&draft.transports, node, reader);
        let certificate = CertificateKeys {
            certificate: draft.certificate.as_ref(),
            key: draft.key.as_ref(),
            further: &draft.further,
            needed_by: draft.transports.iter().copied().find(|transport| draft.http.is_encrypted(*transport)),
        };
        let certificates = certificate.sources(node, reader);
        if let Some(other) = draft.ports.keys().find(|transport| !draft.transports.contains(transport)) {
            let message = format!("{other} is not among the `transports` of this entry");
            reader.at_key("ports", |reader| reader.error(node.spot_of("ports"), message));
        }
        if draft.client_ca.is_some() && !draft.transports.contains(&Transport::Tls) {
            let message =
                "clients show certificates by tls, which is not among the `transports` of this entry";
            reader.at_key("client-ca", |reader| reader.error(node.spot_of("client-ca"), message));
        }
        if !draft.proxy_protocol.is_empty() && draft.transports == [Transport::Quic] {
            let message = "quic has no header of the PROXY protocol";
            reader.at_key("proxy-protocol", |reader| reader.error(node.spot_of("proxy-protocol"), message));
        }
        let addresses = match (draft.address, draft.interface) {
            (Some(AddressOrAll::Address(ScopedAddress { ip, scope })), _) => {
                ListenAddresses::One { ip, scope }
            }
            (Some(AddressOrAll::All), _) => ListenAddresses::EachOfHost,
            (None, interface) => ListenAddresses::EachOfInterface(interface?.0),
        };
        let is_ipv6 = matches!(addresses, ListenAddresses::One { ip: IpAddr::V6(_), .. });
        if draft.v6only && !is_ipv6 {
            let spot = node.spot_of("v6only");
            let message = match &addresses {
                ListenAddresses::One { ip, .. } => {
                    format!("{ip} is an IPv4 address; v6only is for IPv6 addresses only")
                }
                _ => "v6only is for `::`; here each address has a socket of its own".to_owned(),
            };
            reader.at_key("v6only", |reader| reader.error(spot, message));
        }
        let v6only = draft.v6only && addresses.is_wildcard();
        let place = reader.place(node.spot);
        let ListenDraft { port, ports, transports, client_ca, http, proxy_protocol, .. } = draft;
        Some(ListenEntry {
            addresses,
            port,
            ports,
            v6only,
            transports,
            certificates,
            client_ca,
            http,
            proxy_protocol,
            place,
        })
    }

    fn values(&self) -> ListenDraft {
        let (address, interface) = match &self.addresses {
            ListenAddresses::One { ip, scope } => {
                (Some(AddressOrAll::Address(ScopedAddress { ip: *ip, scope: scope.clone() })), None)
            }
            ListenAddresses::EachOfHost => (Some(AddressOrAll::All), None),
            ListenAddresses::EachOfInterface(name) => (None, Some(InterfaceName(name.clone()))),
        };
        let (certificate, key) = match self.certificates.first() {
            None => (None, None),
            Some(CertificateSource::SelfSigned) => (Some(NamedCertificate::SelfSigned), None),
            Some(CertificateSource::Files { certificate, key }) => {
                (Some(NamedCertificate::File(certificate.clone())), Some(key.clone()))
            }
        };
        let further = self.certificates.iter().skip(1).filter_map(CertificateSource::further).collect();
        ListenDraft {
            address,
            interface,
            port: self.port,
            ports: self.ports.clone(),
            v6only: self.v6only,
            transports: self.transports.clone(),
            certificate,
            key,
            further,
            client_ca: self.client_ca.clone(),
            http: self.http.clone(),
            proxy_protocol: self.proxy_protocol.clone(),
        }
    }
}

fn http_keys<K: KeyVisitor<ListenDraft>>(keys: &mut K) {
    keys.key(
        "paths",
        InForce::AtReload,
        "For https: the paths that queries come to.",
        ValueList { of: HttpPath, filled: true },
        |draft| &mut draft.http.paths,
    );
    keys.key("tls", InForce::AtReload,
            "For https: off leaves the encryption to a proxy in front of this server. Then the networks in `proxies` alone are served.",
            TLS,
            |draft| &mut draft.http.tls,
        );
    keys.key("proxies", InForce::AtReload,
            "For https: the networks of proxies, whose header Forwarded or X-Forwarded-For says which client asks.",
            ValueList { of: ParsedKind::<IpNetwork>::new("a network such as 192.0.2.0/24 or 2001:db8::/32, or an address"), filled: false },
            |draft| &mut draft.http.proxies,
        );
}

fn certificate_keys<K: KeyVisitor<ListenDraft>>(keys: &mut K) {
    keys.key("certificate", InForce::AtReload,
            "For tls, https and quic: the file of the certificate, followed by those of its issuers, in PEM. The file and that of the key are \
             followed. `self-signed` makes a certificate at the start that no client trusts, to try things out.",
            OptionalKind(CertificateFile),
            |draft| &mut draft.certificate,
        );
    keys.key("key", InForce::AtReload,
            "For tls, https and quic: the file of the certificate's private key, in PEM. It must not be readable by every user.",
            OptionalKind(FilePath),
            |draft| &mut draft.key,
        );
    keys.key("certificates", InForce::AtReload,
            "Further certificates, each with its key, for clients that ask for one of their names (SNI), or that cannot verify the first one.",
            ValueList { of: SectionKind::<FurtherCertificate>::new(), filled: false },
            |draft| &mut draft.further,
        );
    keys.key("client-ca", InForce::AtReload,
            "For tls: the file of the certificates, in PEM, of those who issue certificates to clients. The file is followed. Clients are asked for \
             one and may have none; `tls-name` of a rule in `update` goes by it. Without it they are not asked.",
            OptionalKind(FilePath),
            |draft| &mut draft.client_ca,
        );
}

fn proxy_keys<K: KeyVisitor<ListenDraft>>(keys: &mut K) {
    keys.key("proxy-protocol", InForce::AtReload,
            "Networks of proxies that say for which client they speak, by version 2 of the PROXY protocol: from them a header is needed, from \
             others it is refused. For tls and https it may stand before or inside of TLS. Not for quic.",
            ValueList { of: ParsedKind::<IpNetwork>::new("a network such as 192.0.2.0/24 or 2001:db8::/32, or an address"), filled: false },
            |draft| &mut draft.proxy_protocol,
        );
}
