//! The configuration profile of Apple's devices with the payload `com.apple.dnsSettings.managed` (Apple's device
//! management reference, "DNS Settings").

use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::net::IpAddr;

use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// A profile with one server.
#[derive(Debug)]
pub(super) struct AppleProfile<'a> {
    /// What the server is called. Profiles for the same name take each other's place.
    pub(super) name: &'a str,
    pub(super) server: ProfileServer,
    /// Where it is found without asking others for its name; may be empty.
    pub(super) addresses: Vec<IpAddr>,
}

/// How the server is asked.
#[derive(Debug)]
pub(super) enum ProfileServer {
    /// By HTTPS, at this URL.
    Url(String),
    /// By TLS, with this name in its certificate.
    Name(String),
}

impl AppleProfile<'_> {
    /// The property list, a line for each element.
    pub(super) fn to_xml(&self) -> String {
        let mut text = PropertyList::new();
        text.entry("PayloadDisplayName", &format!("DNS by {}", self.name));
        text.entry("PayloadDescription", &format!("Asks {} for names, encrypted.", self.name));
        text.payload("Configuration", self.name, "");
        text.entry("PayloadScope", "System");
        text.line("<key>PayloadContent</key>");
        text.line("<array>");
        text.line("<dict>");
        text.entry("PayloadDisplayName", &format!("DNS by {}", self.name));
        text.payload("com.apple.dnsSettings.managed", self.name, ".dns");
        text.line("<key>DNSSettings</key>");
        text.line("<dict>");
        match &self.server {
            ProfileServer::Url(url) => {
                text.entry("DNSProtocol", "HTTPS");
                text.entry("ServerURL", url);
            }
            ProfileServer::Name(name) => {
                text.entry("DNSProtocol", "TLS");
                text.entry("ServerName", name);
            }
        }
        if !self.addresses.is_empty() {
            text.line("<key>ServerAddresses</key>");
            text.line("<array>");
            for ip in &self.addresses {
                text.line(&format!("<string>{ip}</string>"));
            }
            text.line("</array>");
        }
        text.end()
    }
}

/// The text of a property list, as far as it is written.
struct PropertyList(String);

impl PropertyList {
    fn new() -> Self {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
            <plist version=\"1.0\">\n<dict>\n";
        Self(head.to_owned())
    }

    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    fn entry(&mut self, key: &str, value: &str) {
        self.line(&format!("<key>{key}</key>"));
        self.line(&format!("<string>{}</string>", escaped(value)));
    }

    /// What tells payloads from each other: the same for the same name, so that a device puts a new one in the old one's place.
    fn payload(&mut self, kind: &str, name: &str, part: &str) {
        let identifier = format!("rhumb.{name}{part}");
        self.entry("PayloadType", kind);
        self.entry("PayloadUUID", &uuid(&identifier));
        self.entry("PayloadIdentifier", &identifier);
        self.line("<key>PayloadVersion</key>");
        self.line("<integer>1</integer>");
    }

    /// Closes what is open behind the last entry of the settings.
    fn end(mut self) -> String {
        for close in ["</dict>", "</dict>", "</array>", "</dict>", "</plist>"] {
            self.line(close);
        }
        self.0
    }
}

/// A UUID of version 8, made from a hash of the text (RFC 9562, section 5.8).
fn uuid(text: &str) -> String {
    let mut hasher = SipHasher24::new();
    hasher.write(text.as_bytes());
    let mut bytes = hasher.finish128().as_bytes();
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let digits = data_encoding::HEXUPPER.encode(&bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// Text between two tags (XML 1.0, section 2.4).
fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, addresses: &[&str]) -> String {
        let server = ProfileServer::Name(name.to_owned());
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        AppleProfile { name, server, addresses }.to_xml()
    }

    #[test]
    fn every_element_is_closed_in_its_turn() {
        for addresses in [&[][..], &["192.0.2.1", "2001:db8::1"]] {
            let text = profile("dns.example", addresses);
            let mut open = Vec::new();
            for tag in text.split('<').skip(3).filter_map(|rest| rest.split('>').next()) {
                match tag.strip_prefix('/') {
                    Some(name) => assert_eq!(open.pop(), Some(name), "{text}"),
                    None => open.push(tag.split(' ').next().unwrap()),
                }
            }
            assert!(open.is_empty(), "{open:?} in {text}");
            assert_eq!(
                text.matches("<key>ServerAddresses</key>").count(),
                usize::from(!addresses.is_empty())
            );
        }
    }

    #[test]
    fn the_same_name_has_the_same_identifiers_and_no_two_are_alike() {
        let identifiers = |name: &str| {
            let text = profile(name, &[]);
            let mut found: Vec<String> = text
                .split("<key>PayloadUUID</key>\n<string>")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap().to_owned())
                .collect();
            found.sort();
            found.dedup();
            found
        };
        let first = identifiers("dns.example");
        assert_eq!((first.len(), identifiers("dns.example")), (2, first.clone()));
        assert!(identifiers("other.example").iter().all(|one| !first.contains(one)));
        for one in &first {
            let lengths: Vec<usize> = one.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{one}");
            assert!(one.as_bytes()[14] == b'8' && b"89AB".contains(&one.as_bytes()[19]), "{one}");
        }
    }

    #[test]
    fn texts_are_escaped() {
        let server = ProfileServer::Url("https://a.example/q?<b>&c".to_owned());
        let text = AppleProfile { name: "a.example", server, addresses: Vec::new() }.to_xml();
        assert!(text.contains("<string>https://a.example/q?&lt;b&gt;&amp;c</string>"), "{text}");
    }
}
