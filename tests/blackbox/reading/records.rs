//! Records of every type in current use, in the forms that zone files give them.

/// A type's number, and what stands behind the owner.
pub(super) type Form = (u16, &'static str);

/// What BIND and NSD of the distribution both read. Names in RDATA that a server may compress have nothing in common.
pub(super) const BOTH: &[Form] = &[
    (1, "A 192.0.2.1"),
    (1, "1h30m IN A 0.0.0.0"),
    (1, "IN 1d A 255.255.255.255"),
    (28, "AAAA 2001:DB8::c000:0201"),
    (28, "AAAA ::ffff:192.0.2.1"),
    (28, "AAAA 1:2:3:4:5:6:7::"),
    (28, "AAAA ::"),
    (2, "NS ns.other."),
    (5, r#"CNAME \097\.b\\c\"d\(e\).mixed."#),
    (12, r"PTR x\000\255y.aa."),
    (7, "MB mb.aa."),
    (8, "MG mg.aa."),
    (9, "MR mr.aa."),
    (14, "MINFO r.bb. e.cc."),
    (13, r#"HINFO "a \"quoted\" word" plain\;word"#),
    (16, r#"TXT "" "a;b" c\ d "\000\127\255" "e\"f" unquoted"#),
    (99, r#"SPF "v=spf1 -all""#),
    (17, "RP box.bb. text.cc."),
    (18, "AFSDB 1 afs.bb."),
    (19, r#"X25 "311061700956""#),
    (20, r#"ISDN "150862028003217" "004""#),
    (20, r#"ISDN "150862028003217""#),
    (21, "RT 10 relay.bb."),
    (22, "NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00"),
    (26, "PX 10 m.bb. x.cc."),
    (29, "LOC 42 21 54 N 71 06 18 W -24m 30m"),
    (29, "LOC 51 30 12.748 N 0 7 39.611 E 0.00m 1m 10000m 10m"),
    (29, "LOC 0 S 180 E -100000m 0m 90000000m 9m"),
    (33, "SRV 0 5 5060 sip.other."),
    (35, r#"NAPTR 100 50 "s" "http+I2L+I2C+I2R" "" _http._tcp.other."#),
    (35, r#"NAPTR 1 65535 "U" "E2U+sip" "!^(\\+44.*)$!sip:\\1@other!" ."#),
    (36, "KX 10 kx.bb."),
    (37, "CERT PGP 0 0 AQIDBA=="),
    (37, "CERT 65534 65535 RSASHA256 AQ ID BA =="),
    (39, "DNAME target.other."),
    (42, "APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0"),
    (43, "DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118"),
    (43, "DS 1 RSASHA256 2 ( D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B83 83F6A1E4469DA50A )"),
    (44, "SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
    (45, "IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    (45, "IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    (45, "IPSECKEY 10 2 2 2001:db8::1 AQIDBA=="),
    (45, "IPSECKEY 10 3 2 gw.bb. AQIDBA=="),
    (25, "KEY 256 3 5 AQIDBA=="),
    (49, "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    (51, "NSEC3PARAM 1 0 12 aabbccdd"),
    (51, "NSEC3PARAM 1 0 0 -"),
    (52, "TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"),
    (53, "SMIMEA 3 0 0 AABB CCDD"),
    (59, "CDS 0 0 0 00"),
    (59, "CDS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    (60, "CDNSKEY 0 3 0 AA=="),
    (61, "OPENPGPKEY AQIDBAUG BwgJ"),
    (62, "CSYNC 66 3 A NS AAAA TYPE1234"),
    (
        63,
        "ZONEMD 2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
    ),
    (64, "SVCB 0 alias.other."),
    (
        64,
        r#"SVCB 1 . mandatory=alpn,ipv4hint alpn="h2,h3-19" no-default-alpn port=53 ipv4hint=192.0.2.1,192.0.2.2 ech=AQIDBA== ipv6hint=2001:db8::1,2001:db8::2"#,
    ),
    (64, r#"SVCB 16 foo.other. key667="hello\210qoo" key65000"#),
    (64, r"SVCB 16 foo.other. alpn=f\\\092oo\092,bar,h2"),
    (65, r#"HTTPS 1 . alpn=h2 key7="/dns-query{?dns}""#),
    (104, "NID 10 0014:4fff:ff20:ee64"),
    (105, "L32 10 10.1.2.0"),
    (106, "L64 10 2001:0db8:1140:1000"),
    (107, "LP 10 l64.bb."),
    (108, "EUI48 00-00-5e-00-53-2a"),
    (109, "EUI64 00-00-5e-ef-10-00-00-2A"),
    (256, r#"URI 10 1 "ftp://ftp1.example.com/public\"x""#),
    (257, r#"CAA 0 issue "ca.example.net; policy=ev""#),
    (257, "CAA 128 tbs Unknown"),
    (258, r#"AVC "app-name:WOLFGANG|app-class:OAM""#),
    (32769, "DLV 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    (15, "MX 10 mail.other.\n MX 65535 ."),
    (16, "TXT ( \"one\" ; a comment ( \"\n\n \"two\"\n)"),
    (16, "TXT \"two lines\\010in one\" a\\ b\r"),
    (
        46,
        "( RRSIG A 5 3 86400 20300322173103 ; when\n 20290220173103 2642 other. oJB1W6WNGv+ldvQ3WDG0MQkg5IEh jRip8WTrPYGv07h108dUKGM= )",
    ),
    (47, "NSEC b.other. A MX RRSIG NSEC TYPE1234 TYPE65280"),
    (48, "DNSKEY 256 3 RSASHA256 ( AwEAAcNE\n AQID BA== )"),
    (1, "A \\# 4 c0000201"),
    (10, "NULL \\# 3 010203"),
    (28, "TYPE28 \\# 16 20010db8000000000000000000000001"),
    (15, "CLASS1 TYPE15 10 typed.other."),
    (65280, "TYPE65280 \\# 4 ( 0A0\n 00001 )"),
    (16, r#"TXT ef"gh""#),
    (16, r#"TXT ab"c d"ef"#),
    (16, r#"TXT a="b" "c""d""#),
    (731, "TYPE731 \\# 0"),
];

/// What NSD 4.6 does not read; names in RDATA it puts into lower case.
pub(super) const BIND_ALONE: &[Form] = &[
    (5, r#"CNAME \097\.b\\c\"d\(e\).Mixed."#),
    (23, "NSAP-PTR foo.bb."),
    (257, r#"CAA 0 issue"ca.example""#),
    (11, "WKS 192.0.2.1 TCP telnet smtp"),
    (11, "WKS 192.0.2.1 17 domain 69"),
    (43, "DS 370 ECDSAP256SHA256 SHA-256 BE74359954660069D5C63D200C39F5603827D7DD02B56F120EE9F3A86764247C"),
    (1, "2147483648 A 192.0.2.1"),
    (1, "4294967295 A 192.0.2.1"),
    (27, "GPOS -32.6882 116.8652 10.0"),
    (260, "AMTRELAY 10 0 1 203.0.113.15"),
    (260, "AMTRELAY 10 1 0 ."),
    (260, "AMTRELAY 128 1 3 relay.bb."),
    (66, "DSYNC CDS 1 5359 scan.bb."),
    (261, "RESINFO qnamemin exterr=15,16 infourl=https://x.example/"),
    (262, r#"WALLET "BTC" "abc""#),
    (32768, "TA 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    (
        55,
        "HIP ( 2 200100107B1A74DF365639CC39F1D578\n AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTd\n rvs1.bb. rvs2.cc. )",
    ),
];

/// Owners that take care to read, as they are written and as they are shown; each gets an address.
pub(super) const OWNERS: &[(&str, &str)] = &[
    ("a\\.b", "a\\.b"),
    ("\\000\\255", "\\000\\255"),
    ("\\@", "\\@"),
    ("\\$x", "\\$x"),
    ("UPPER.Case", "UPPER.Case"),
    ("*", "*"),
    ("*.w", "*.w"),
    ("_a._b", "_a._b"),
    ("63.\\(\\)\\;\\\"", "63.\\(\\)\\;\\\""),
    ("\\097bc.\\100", "abc.d"),
    ("\\032.x", "\\032.x"),
];

/// Lines that make several records, and questions for some of them.
pub(super) const GENERATED: &str = "\
$GENERATE 1-3 g$ A 192.0.2.$
$GENERATE 8-16/4 x${0,3,d} 60 IN CNAME h${-7}.other.
$GENERATE 10-11 ${0,3,x}.gen TXT v${0,4,o}-${5}
$GENERATE 18-18 ${0,4,n}rev PTR a.other.
$GENERATE 256-256 ${0,10,n}x TXT t
$GENERATE 1-3 q$ MX \"10 mail$.other.\"
$GENERATE 1-2 t$ TXT \"a $ b\"
$GENERATE 1-2 u$ TXT \"\\\"a $\\\" b\"
$GENERATE 0-1 m${-2,4} A 192.0.2.1
$GENERATE 0-0 z${-2,4,n} A 192.0.2.1
$GENERATE 1-1 s$$ A 192.0.2.1
";
/// The questions.
pub(super) const OF_GENERATED: &[(&str, u16)] = &[
    ("g1", 1),
    ("g3", 1),
    ("x012", 5),
    ("x016", 5),
    ("00a.gen", 16),
    ("00b.gen", 16),
    ("2.1.rev", 12),
    ("0.0.1.0.0.x", 16),
    ("q3", 15),
    ("t2", 16),
    ("u1", 16),
    ("m-002", 1),
    ("ze.f.f.f.f.f.f.f", 1),
    ("s\\$", 1),
];
