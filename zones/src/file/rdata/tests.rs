use rhumb_wire::{NameBuf, Type, rdata};

use super::*;
use crate::file::scanner::WordScanner;

fn read(rtype: Type, text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let (mut scanner, mut name) = (WordScanner::new(text.as_bytes()), NameBuf::new());
    let origin: rhumb_wire::DomainName = "example".parse().unwrap();
    let done = RdataReader::new(&mut scanner, origin.as_ref(), &mut out, &mut name).read(rtype);
    done.map(|()| out).map_err(|wrong| wrong.message)
}

/// Texts that come back as they are.
const SAME: &[(Type, &str)] = &[
    (Type::A, "192.0.2.1"),
    (Type::AAAA, "2001:db8::1"),
    (Type::NS, "ns.other."),
    (Type::SOA, "ns.example. host.example. 1 3600 900 604800 300"),
    (Type::MX, "10 mail.example."),
    (Type::TXT, "\"a b\" \"q\\\"\\\\\" \"\\007\\255\" \"\""),
    (Type::HINFO, "\"PC\" \"Linux\""),
    (Type::RP, "a.example. b.example."),
    (Type::AFSDB, "1 a.example."),
    (Type::X25, "\"311061700956\""),
    (Type::ISDN, "\"150862028003217\" \"004\""),
    (Type::PX, "10 a.example. b.example."),
    (Type::GPOS, "\"-32.6882\" \"116.8652\" \"10.0\""),
    (Type::SRV, "1 2 443 host.example."),
    (Type::NAPTR, "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:x@example!\" ."),
    (Type::LOC, "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
    (Type::APL, "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0"),
    (Type::WKS, "192.0.2.1 6 23 25"),
    (Type::WKS, "192.0.2.1 17 0 7 8 65535"),
    (Type::WKS, "192.0.2.1 6"),
    (Type::CERT, "1 2 8 AQID"),
    (Type::DS, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    (Type::DNSKEY, "256 3 8 AQIDBA=="),
    (Type::SSHFP, "4 2 0102"),
    (Type::TLSA, "3 1 1 00ff"),
    (Type::SMIMEA, "3 1 1 00ff"),
    (Type::IPSECKEY, "10 1 2 192.0.2.38 AQID"),
    (Type::IPSECKEY, "10 0 2 . AQID"),
    (Type::IPSECKEY, "10 3 2 gw.example. AQID"),
    (Type::IPSECKEY, "10 2 2 2001:db8::1 AQID"),
    (Type::AMTRELAY, "10 1 3 relay.example."),
    (Type::AMTRELAY, "10 0 0 ."),
    (Type::RRSIG, "A 8 2 3600 20380119031407 20240101000000 12345 example. AQID"),
    (Type::NSEC, "b.example. A MX RRSIG NSEC TYPE1234"),
    (Type::NSEC3, "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS"),
    (Type::NSEC3PARAM, "1 0 0 -"),
    (Type::CSYNC, "66 3 A NS AAAA"),
    (Type::DHCID, "AQID"),
    (Type::OPENPGPKEY, "AQID"),
    (Type::HIP, "2 200100107b1a74df365639cc39f1d578 AQID rvs.example."),
    (Type::ZONEMD, "2018031500 1 1 000102030405060708090a0b0c0d0e0f"),
    (Type::SVCB, "0 svc.example."),
    (Type::HTTPS, "1 . mandatory=alpn alpn=\"h2,h3\" no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2"),
    (Type::HTTPS, "1 . ech=AQID ipv6hint=2001:db8::1 dohpath=\"/q{?dns}\" ohttp tls-supported-groups=29,23"),
    (Type::SVCB, "16 foo.example. alpn=\"f\\\\\\\\oo\\\\,bar,h2\""),
    (Type::SVCB, "1 foo.example. key667=\"hello\\210qoo\""),
    (Type::DSYNC, "CDS 1 5300 scanner.example."),
    (Type::DSYNC, "CDNSKEY 0 0 ."),
    (Type::NXT, "b.example. A NS SOA MX RRSIG"),
    (Type::NXT, "b.example."),
    (Type::EID, "e32c6f78163a9348"),
    (Type::NIMLOC, "32251a030067"),
    (Type::SINK, "4 8 64 AQID"),
    (Type::NINFO, "\"a b\" \"c\""),
    (Type::RKEY, "0 255 1 AQID"),
    (Type::TALINK, "a.example. b.example."),
    (Type::HHIT, "AQID"),
    (Type::BRID, "AQID"),
    (Type::DOA, "0 1 2 \"\" aHR0cHM6Ly93d3cuZXhhbXBsZS8="),
    (Type::DOA, "1234567890 1234567890 1 \"image/gif\" -"),
    (Type::NID, "10 0014:4fff:ff20:ee64"),
    (Type::L32, "10 10.1.2.0"),
    (Type::L64, "10 2001:0db8:1140:1000"),
    (Type::LP, "10 l64.example."),
    (Type::EUI48, "00-00-5e-00-53-2a"),
    (Type::EUI64, "00-00-5e-ef-10-00-00-2a"),
    (Type::NSAP, "0x47000580005a0000000001e133ffffff00016100"),
    (Type::URI, "10 1 \"ftp://ftp1.example.com/public\""),
    (Type::CAA, "0 \"issue\" \"ca.example; policy=ev\""),
    (Type(65280), "\\# 3 0102ff"),
    (Type(65281), "\\# 0"),
];

#[test]
fn every_type_comes_back_as_it_was() {
    for (rtype, text) in SAME {
        let wire = read(*rtype, text).unwrap_or_else(|error| panic!("{rtype} {text}: {error}"));
        let shown = rdata_text(*rtype, &wire);
        // Types of a bitmap are shown in the order of their numbers.
        if *rtype != Type::NSEC3 {
            assert_eq!(&shown, text, "{rtype}");
        }
        assert_eq!(read(*rtype, &shown).as_ref(), Ok(&wire), "{rtype} {shown}");
        let generic = format!("\\# {} {}", wire.len(), base::hex_text(&wire));
        assert_eq!(read(*rtype, &generic), Ok(wire), "{rtype} {generic}");
    }
}

#[test]
fn other_forms_of_the_same() {
    for (rtype, text, same) in [
        (Type::NS, "ns", "ns.example."),
        (Type::NS, "@", "example."),
        (Type::NXT, "b MX A A", "b.example. A MX"),
        (Type::DSYNC, "CDS notify 5300 scanner", "CDS 1 5300 scanner.example."),
        (Type::TXT, "plain words", "\"plain\" \"words\""),
        (Type::SOA, "ns host 1 1h 15m 1w 5m", "ns.example. host.example. 1 3600 900 604800 300"),
        (
            Type::LOC,
            "42 21 54 N 71 06 18 W -24m 30m",
            "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
        ),
        (Type::DNSKEY, "256 3 RSASHA256 AQ ID BA ==", "256 3 8 AQIDBA=="),
        (Type::DNSKEY, "256 3 8 AQIDBAUG BwgJ CgsMDQ4P/+8=", "256 3 8 AQIDBAUGBwgJCgsMDQ4P/+8="),
        (Type::DNSKEY, "256 3 8 AQIDB AUGBwgJCgs=", "256 3 8 AQIDBAUGBwgJCgs="),
        (
            Type::DS,
            "60485 5 1 2BB183AF5F22588179A5 3B0A98631FAD1A292118",
            "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
        ),
        (Type::CERT, "PKIX 0 0 AQID", "1 0 0 AQID"),
        (Type::WKS, "192.0.2.1 TCP telnet SMTP", "192.0.2.1 6 23 25"),
        (Type::WKS, "192.0.2.1 udp ( domain tftp 53 )", "192.0.2.1 17 53 69"),
        (Type::DS, "1 8 SHA-256 0a", "1 8 2 0a"),
        (Type::DS, "1 ECDSAP256SHA256 sha1 0a", "1 13 1 0a"),
        (Type::CDS, "1 8 SHA-384 0a", "1 8 4 0a"),
        (Type::CDS, "0 0 0 0", "0 0 0 00"),
        (Type::CDNSKEY, "0 3 0 0", "0 3 0 AA=="),
        (Type::TXT, "ab\"c d\"ef \"g\"\"h\"", "\"ab\" \"c d\" \"ef\" \"g\" \"h\""),
        (Type::TXT, "\"one\ntwo\"", "\"one\\010two\""),
        (Type::CAA, "0 issue\"ca.example\"", "0 \"issue\" \"ca.example\""),
        (Type::HTTPS, "1 . alpn=\"h2\" key667=\"a b\"", "1 . alpn=h2 key667=\"a b\""),
        (
            Type::SVCB,
            "16 foo alpn=f\\\\\\092oo\\\\,bar,h2",
            "16 foo.example. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
        ),
        (Type::HTTPS, "1 . port=\"53\" alpn=h2", "1 . alpn=\"h2\" port=53"),
    ] {
        assert_eq!(read(rtype, text), read(rtype, same), "{rtype} {text}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (rtype, text, part) in [
        (Type::A, "192.0.2", "no IPv4 address"),
        (Type::A, "", "missing"),
        (Type::A, "192.0.2.1 x", "more than the type takes"),
        (Type::AAAA, "192.0.2.1", "no IPv6 address"),
        (Type::MX, "65536 x", "no number from 0 to 65535"),
        (Type::NS, "a..b", "label is empty"),
        (Type::TXT, "\"open", "never closed"),
        (Type::TXT, "\\300", "backslash"),
        (Type::DS, "1 8 2 0", "hexadecimal digits in pairs"),
        (Type::DS, "1 8 2", "hexadecimal"),
        (Type::DNSKEY, "256 3 8 AQIDB", "base 64"),
        (Type::DNSKEY, "256 3 8 AQIDBAU=AQID", "base 64"),
        (Type::DNSKEY, "256 3 8 AQIDBA== AQID", "base 64"),
        (Type::DNSKEY, "256 3 8 AQIDBAUGB-gJ", "base 64"),
        (Type::DNSKEY, "256 3 NOPE AQID", "no number"),
        (Type::RRSIG, "NOPE 8 2 1 2 3 4 e. AQID", "no type"),
        (Type::NSEC3PARAM, "1 0 0 abc", "no salt"),
        (Type::HTTPS, "1 . port=x", "does not fit the key"),
        (Type::HTTPS, "1 . nope=1", "no such key"),
        (Type::HTTPS, "1 . port=1 port=2", "there already"),
        (Type::HTTPS, "1 . mandatory=alpn", "mandatory key is missing"),
        (Type::HTTPS, "1 . no-default-alpn", "needs alpn"),
        (Type::CAA, "0 \"is-sue\" \"x\"", "rules of its type"),
        (Type::LOC, "91 N 0 E 0m", "accepted"),
        (Type::EUI48, "00-00-5e-00-53", "6 pairs"),
        (Type::NULL, "x", "no text form"),
        (Type::A6, "0 2001:db8::1", "no text form"),
        (Type::NXT, "b A CAA", "from 1 to 127"),
        (Type::NXT, "b TYPE0", "from 1 to 127"),
        (Type::DSYNC, "CDS NOTE 1 b", "no number"),
        (Type::DOA, "0 1 2 \"\"", "missing"),
        (Type::WKS, "192.0.2.1 TCP nosuch", "no service known here"),
        (Type::WKS, "192.0.2.1 TCP 65536", "no service known here"),
        (Type::WKS, "192.0.2.1 SCTP 1", "no number"),
        (Type::DS, "1 8 SHA-3 00", "no number"),
        (Type::CDS, "0 0 0 0 0 0", "hexadecimal digits in pairs"),
        (Type::CDS, "1 0 0 0", "hexadecimal digits in pairs"),
        (Type(65280), "\\# 2 01", "announced"),
        (Type::A, "\\# 3 010203", "too short"),
    ] {
        let error = read(rtype, text).expect_err(text);
        assert!(error.contains(part), "{rtype} {text}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn any_rdata_is_shown_and_read_back(number in 1u16..300, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
        let rtype = Type(number);
        let text = rdata_text(rtype, &bytes);
        let back = read(rtype, &text);
        if rdata::check(rtype, &bytes).is_ok() {
            assert_eq!(back, Ok(bytes), "{rtype} {text}");
        }
    }

    #[test]
    fn any_text_is_survived(number in 1u16..300, text in "[ -~\\\\\"()]{0,60}") {
        if let Ok(wire) = read(Type(number), &text) {
            assert!(rdata::check(Type(number), &wire).is_ok());
        }
    }
}
