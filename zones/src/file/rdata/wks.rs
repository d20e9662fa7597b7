//! WKS: the well-known services of an address (RFC 1035 section 3.4.2). The type is as good as dead; zones still have it.

use super::reader::RdataReader;
use crate::file::number::decimal;
use crate::file::scanner::SyntaxError;

/// Ports of services that have a name in WKS records (RFC 1010 and its successors).
const SERVICES: [(&str, u16); 37] = [
    ("echo", 7),
    ("discard", 9),
    ("systat", 11),
    ("daytime", 13),
    ("netstat", 15),
    ("qotd", 17),
    ("chargen", 19),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("rlp", 39),
    ("nameserver", 42),
    ("nicname", 43),
    ("whois", 43),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("kerberos", 88),
    ("hostname", 101),
    ("hostnames", 101),
    ("pop2", 109),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("sftp", 115),
    ("nntp", 119),
    ("ntp", 123),
    ("imap", 143),
    ("snmp", 161),
    ("https", 443),
];

impl RdataReader<'_, '_, '_> {
    /// Services, each by its name or its port: a bit for each port, the last byte not zero.
    pub(super) fn services(&mut self) -> Result<(), SyntaxError> {
        let start = self.out.len();
        while let Some(word) = self.scanner.word()? {
            let text = std::str::from_utf8(word.bytes).unwrap_or("");
            let named = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
            let port = named.map(|(_, port)| u64::from(*port)).or_else(|| decimal(word.bytes, 65_535));
            let port = port.ok_or_else(|| {
                word.wrong(format!("{} is no service known here; accepted: port numbers", word.shown()))
            })?;
            let at = start + (port / 8) as usize;
            if self.out.len() <= at {
                self.out.resize(at + 1, 0);
            }
            if let Some(byte) = self.out.get_mut(at) {
                *byte |= 0x80 >> (port % 8);
            }
        }
        Ok(())
    }
}

/// The ports of a bitmap; none where it is longer than they need.
pub(super) fn services_text(bitmap: &[u8]) -> Option<String> {
    if bitmap.last() == Some(&0) || bitmap.len() > 8192 {
        return None;
    }
    let bits = bitmap.iter().flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0));
    let ports = bits.zip(0u32..).filter(|(set, _)| *set).map(|(_, port)| port.to_string());
    Some(ports.collect::<Vec<_>>().join(" "))
}
