//! `listen:`: the sockets that queries arrive on.

use std::net::IpAddr;
use std::path::PathBuf;

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use crate::address::{AddressOrAll, InterfaceName, ListenAddresses, ScopedAddress};
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{FilePath, FlagKind, NumberKind, OptionalKind, ParsedKind, ValueList, WordKind};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A listening socket for each transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenEntry {
    /// The addresses to bind.
    pub addresses: ListenAddresses,
    /// The port of all its transports, never 0; that of each where it is none.
    pub port: Option<u16>,
    /// `IPV6_V6ONLY` (ipv6(7)): whether `::` leaves IPv4 to others. Always false for other addresses than `::`.
    pub v6only: bool,
    /// What is spoken there, each once, at least one.
    pub transports: Vec<Transport>,
    /// What the server shows on its encrypted transports; there if and only if there are any.
    pub certificate: Option<CertificateSource>,
    /// Where the entry stands.
    pub place: FilePlace,
}

/// Where a certificate and its key come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateSource {
    /// The server makes one at its start.
    SelfSigned,
    /// Two files in PEM.
    Files {
        /// The certificate, then those of its issuers.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

impl ListenEntry {
    /// The port of one transport.
    pub fn port_of(&self, transport: Transport) -> u16 {
        self.port.unwrap_or(transport.default_port())
    }

    /// What is used when the configuration has no `listen:`: `::` port 53, IPv4 too, UDP and TCP.
    pub(crate) fn everywhere(place: FilePlace) -> Self {
        let ip = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        ListenEntry {
            addresses: ListenAddresses::One { ip, scope: None },
            port: None,
            v6only: false,
            transports: USUAL.to_vec(),
            certificate: None,
            place,
        }
    }
}

/// What a listener speaks where the configuration does not say.
const USUAL: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// What a listener may speak.
const WORDS: WordKind<Transport> = WordKind {
    words: &[named(Transport::Udp), named(Transport::Tcp), named(Transport::Tls)],
    later: &Transport::NAMES,
};

const fn named(transport: Transport) -> (&'static str, Transport) {
    (transport.name(), transport)
}

/// In place of a file: the server makes a certificate.
const SELF_SIGNED: &str = "self-signed";

/// What stands behind `certificate`.
pub(crate) enum NamedCertificate {
    SelfSigned,
    File(PathBuf),
}

/// A path, or the word for a certificate that the server makes.
struct CertificateFile;

impl ValueKind for CertificateFile {
    type Out = NamedCertificate;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<NamedCertificate> {
        match &node.value {
            YamlContent::Text(text) if text == SELF_SIGNED => Some(NamedCertificate::SelfSigned),
            _ => FilePath.read(node, reader).map(NamedCertificate::File),
        }
    }

    fn schema(&self) -> Json {
        FilePath.schema()
    }

    fn show(&self, value: &NamedCertificate) -> Option<Json> {
        match value {
            NamedCertificate::SelfSigned => Some(json!(SELF_SIGNED)),
            NamedCertificate::File(path) => FilePath.show(path),
        }
    }
}

/// A list of transports, each at most once, in the order of [`Transport::ALL`].
struct TransportList;

impl ValueKind for TransportList {
    type Out = Vec<Transport>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Vec<Transport>> {
        let mut transports = ValueList { of: WORDS, filled: true }.read(node, reader)?;
        let given = transports.len();
        transports.sort();
        transports.dedup();
        if transports.len() < given {
            reader.error(node.spot, "a transport is named twice");
        }
        Some(transports)
    }

    fn schema(&self) -> Json {
        let list = json!({ "type": "array", "items": WORDS.schema(), "minItems": 1, "uniqueItems": true });
        json!({ "anyOf": [list, WORDS.schema()] })
    }

    fn show(&self, value: &Vec<Transport>) -> Option<Json> {
        Some(value.iter().map(|transport| transport.name()).collect())
    }
}

pub(crate) struct ListenDraft {
    address: Option<AddressOrAll>,
    interface: Option<InterfaceName>,
    port: Option<u16>,
    v6only: bool,
    transports: Vec<Transport>,
    certificate: Option<NamedCertificate>,
    key: Option<PathBuf>,
}

impl ConfigSection for ListenEntry {
    type Draft = ListenDraft;

    const ABOUT: &'static str = "One address and port to answer on.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["address"], &["interface"]];
    const IDENTITY: &'static [&'static str] = &["address", "interface", "port"];

    fn draft() -> ListenDraft {
        ListenDraft {
            address: None,
            interface: None,
            port: None,
            v6only: false,
            transports: USUAL.to_vec(),
            certificate: None,
            key: None,
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
            "The port. Without it 53 for udp and tcp, 853 for tls.",
            OptionalKind(NumberKind::new(1, 65_535)),
            |draft| &mut draft.port,
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
            "What is spoken on this address. tls needs a certificate.",
            TransportList,
            |draft| &mut draft.transports,
        );
        keys.key("certificate", InForce::AtReload,
            "For tls: the file of the certificate, followed by those of its issuers, in PEM. The file and that of the key are \
             followed. `self-signed` makes a certificate at the start that no client trusts, to try things out.",
            OptionalKind(CertificateFile),
            |draft| &mut draft.certificate,
        );
        keys.key("key", InForce::AtReload,
            "For tls: the file of the certificate's private key, in PEM. It must not be readable by every user.",
            OptionalKind(FilePath),
            |draft| &mut draft.key,
        );
    }

    fn finish(draft: ListenDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        let certificate = certificate(&draft, node, reader);
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
        let ListenDraft { port, transports, .. } = draft;
        Some(ListenEntry { addresses, port, v6only, transports, certificate, place })
    }

    fn values(&self) -> ListenDraft {
        let (address, interface) = match &self.addresses {
            ListenAddresses::One { ip, scope } => {
                (Some(AddressOrAll::Address(ScopedAddress { ip: *ip, scope: scope.clone() })), None)
            }
            ListenAddresses::EachOfHost => (Some(AddressOrAll::All), None),
            ListenAddresses::EachOfInterface(name) => (None, Some(InterfaceName(name.clone()))),
        };
        let (certificate, key) = match &self.certificate {
            None => (None, None),
            Some(CertificateSource::SelfSigned) => (Some(NamedCertificate::SelfSigned), None),
            Some(CertificateSource::Files { certificate, key }) => {
                (Some(NamedCertificate::File(certificate.clone())), Some(key.clone()))
            }
        };
        ListenDraft {
            address,
            interface,
            port: self.port,
            v6only: self.v6only,
            transports: self.transports.clone(),
            certificate,
            key,
        }
    }
}

/// What the keys `certificate` and `key` say together. An error is recorded where they do not fit each other, or the transports.
fn certificate(draft: &ListenDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<CertificateSource> {
    let encrypted = draft.transports.iter().find(|transport| transport.is_encrypted());
    let mut wrong = |key: &str, message: String| {
        let spot = node.spot_of(key);
        reader.at_key(key, |reader| reader.error(spot, message));
        None
    };
    match (&draft.certificate, &draft.key, encrypted) {
        (None, None, None) => None,
        (None, None, Some(transport)) => wrong(
            "certificate",
            format!("missing; {transport} needs `certificate` and `key`, or `certificate: self-signed`"),
        ),
        (None, Some(_), _) => wrong("certificate", "missing; `key` stands alone".to_owned()),
        (Some(_), _, None) => wrong(
            "certificate",
            "no transport of this entry is encrypted; add tls to `transports`".to_owned(),
        ),
        (Some(NamedCertificate::SelfSigned), None, Some(_)) => Some(CertificateSource::SelfSigned),
        (Some(NamedCertificate::SelfSigned), Some(_), Some(_)) => {
            wrong("key", "a self-signed certificate has no file of its key; remove one of the two".to_owned())
        }
        (Some(NamedCertificate::File(_)), None, Some(_)) => {
            wrong("key", "missing; the certificate needs its key".to_owned())
        }
        (Some(NamedCertificate::File(certificate)), Some(key), Some(_)) => {
            Some(CertificateSource::Files { certificate: certificate.clone(), key: key.clone() })
        }
    }
}
