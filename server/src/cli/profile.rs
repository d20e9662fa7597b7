//! `rhumb profile`: what phones and laptops are given so that they use this server, encrypted.

mod apple_profile;

use std::net::IpAddr;

use rhumb_net::route;
use rhumb_wire::{DomainName, Transport};

use super::exit::{self, CommandExit};
use crate::operator::show::AnswerStreams;
use crate::snapshot::DesignatedResolver;
use apple_profile::{AppleProfile, ProfileServer};

/// What a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ProfileTransport {
    /// DNS over HTTPS
    Https,
    /// DNS over TLS
    Tls,
}

impl ProfileTransport {
    const fn transport(self) -> Transport {
        match self {
            Self::Https => Transport::Https,
            Self::Tls => Transport::Tls,
        }
    }
}

/// Writes the profile of one of `listeners`, which are all for `name`, to standard output.
pub(super) fn run(
    name: &DomainName,
    listeners: &[DesignatedResolver],
    asked: Option<ProfileTransport>,
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    let name = name.to_string().trim_end_matches('.').to_ascii_lowercase();
    // Of tls the profile has no port.
    let of = |wanted: Transport| {
        let is_usual =
            |one: &&DesignatedResolver| wanted != Transport::Tls || one.port == wanted.default_port();
        listeners.iter().filter(move |one| one.transport == wanted).find(is_usual)
    };
    let tls = of(Transport::Tls);
    let chosen = match asked {
        Some(asked) => of(asked.transport()),
        None => of(Transport::Https).or(tls),
    };
    let Some(chosen) = chosen else {
        exit::complain(streams, [missing(&name, asked)]);
        return CommandExit::Wrong;
    };
    let local = route::local_addresses().unwrap_or_default();
    let local: Vec<IpAddr> = local.into_iter().map(|(ip, ..)| ip).collect();
    let server = match &chosen.path {
        Some(path) => ProfileServer::Url(url(&name, chosen.port, path)),
        None => ProfileServer::Name(name.clone()),
    };
    let text = AppleProfile { name: &name, server, addresses: chosen.reached_at(&local) }.to_xml();
    let result = streams.out.write_all(text.as_bytes());
    let written = exit::written(streams, result);
    if written == CommandExit::Good {
        let android = match tls {
            Some(_) => format!("Android: Settings, Network, Private DNS: {name}"),
            None => format!("Android's Private DNS needs tls on port 853, and no listener for {name} has it"),
        };
        exit::complain(streams, [android]);
    }
    written
}

fn missing(name: &str, asked: Option<ProfileTransport>) -> String {
    match asked {
        Some(ProfileTransport::Https) => format!("no https listener has a certificate for {name}"),
        Some(ProfileTransport::Tls) => {
            format!("no tls listener on port 853 has a certificate for {name}; profiles know no other port")
        }
        None => {
            format!("neither an https listener nor a tls listener on port 853 has a certificate for {name}")
        }
    }
}

fn url(name: &str, port: u16, path: &str) -> String {
    if port == Transport::Https.default_port() {
        format!("https://{name}{path}")
    } else {
        format!("https://{name}:{port}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(transport: Transport, port: u16) -> DesignatedResolver {
        DesignatedResolver {
            name: "dns.example".parse().unwrap(),
            transport,
            port,
            path: (transport == Transport::Https).then(|| "/q&a".to_owned()),
            addresses: vec!["192.0.2.1".parse().unwrap()],
        }
    }

    fn made(
        listeners: &[(Transport, u16)],
        asked: Option<ProfileTransport>,
    ) -> (CommandExit, String, String) {
        let listeners: Vec<_> = listeners.iter().map(|(what, port)| listener(*what, *port)).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut streams = AnswerStreams { out: &mut out, err: &mut err };
        let exit = run(&"dns.example".parse().unwrap(), &listeners, asked, &mut streams);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn https_comes_first_and_tls_has_no_other_port() {
        use Transport::{Https, Quic, Tls};
        let (tls, https) = (Some(ProfileTransport::Tls), Some(ProfileTransport::Https));
        let url = "https://dns.example/q&amp;a";
        for (listeners, asked, expected) in [
            (&[(Tls, 853), (Https, 443)][..], None, url),
            (&[(Tls, 853), (Https, 443)], tls, "<key>ServerName</key>"),
            (&[(Tls, 853)], None, "<key>ServerName</key>"),
            (&[(Https, 8443)], None, "https://dns.example:8443/q&amp;a"),
            (&[(Tls, 8853), (Https, 443)], https, url),
        ] {
            let (exit, text, _) = made(listeners, asked);
            assert!(exit == CommandExit::Good && text.contains(expected), "{listeners:?} {asked:?}: {text}");
        }
        for (listeners, asked) in [
            (&[(Tls, 8853)][..], None),
            (&[(Quic, 853)], None),
            (&[(Tls, 853)], https),
            (&[(Https, 443)], tls),
        ] {
            let (exit, text, error) = made(listeners, asked);
            assert_eq!((exit, text.as_str()), (CommandExit::Wrong, ""));
            assert!(error.contains("dns.example"), "{error}");
        }
    }

    #[test]
    fn android_takes_the_name_where_tls_has_its_own_port() {
        assert!(made(&[(Transport::Tls, 853)], None).2.contains("Private DNS: dns.example"));
        assert!(made(&[(Transport::Https, 443)], None).2.contains("needs tls on port 853"));
    }
}
