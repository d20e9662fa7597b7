//! The numbers of the protocol and their names (the IANA "DNS Parameters" registry).

use std::fmt;
use std::str::FromStr;

/// What `FromStr` says of a word that names no number of its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a known mnemonic nor a number in the generic form")]
pub struct UnknownMnemonic;

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident($int:ty), $generic:literal, { $($value:literal $constant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            $(#[doc = concat!("`", $text, "`, ", stringify!($value), ".")] pub const $constant: Self = Self($value);)*

            /// The mnemonic, where the number has one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.mnemonic() {
                    Some(text) => f.pad(text),
                    None => write!(f, concat!($generic, "{}"), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = UnknownMnemonic;

            /// A mnemonic in any case, or the generic form with a number (RFC 3597 section 5).
            fn from_str(text: &str) -> Result<Self, UnknownMnemonic> {
                $(if text.eq_ignore_ascii_case($text) { return Ok(Self($value)); })*
                match text.split_at_checked($generic.len()) {
                    Some((word, digits)) if word.eq_ignore_ascii_case($generic)
                        && digits.bytes().all(|b| b.is_ascii_digit()) =>
                        digits.parse().map(Self).map_err(|_| UnknownMnemonic),
                    _ => Err(UnknownMnemonic),
                }
            }
        }
    };
}

numbers! {
    /// A record or query type.
    Type(u16), "TYPE", {
        1 A "A", 2 NS "NS", 3 MD "MD", 4 MF "MF", 5 CNAME "CNAME", 6 SOA "SOA", 7 MB "MB", 8 MG "MG", 9 MR "MR",
        10 NULL "NULL", 11 WKS "WKS", 12 PTR "PTR", 13 HINFO "HINFO", 14 MINFO "MINFO", 15 MX "MX", 16 TXT "TXT",
        17 RP "RP", 18 AFSDB "AFSDB", 19 X25 "X25", 20 ISDN "ISDN", 21 RT "RT", 22 NSAP "NSAP",
        23 NSAP_PTR "NSAP-PTR", 24 SIG "SIG", 25 KEY "KEY", 26 PX "PX", 27 GPOS "GPOS", 28 AAAA "AAAA", 29 LOC "LOC",
        30 NXT "NXT", 31 EID "EID", 32 NIMLOC "NIMLOC", 33 SRV "SRV", 34 ATMA "ATMA", 35 NAPTR "NAPTR", 36 KX "KX",
        37 CERT "CERT", 38 A6 "A6", 39 DNAME "DNAME", 40 SINK "SINK", 41 OPT "OPT", 42 APL "APL", 43 DS "DS", 44 SSHFP "SSHFP", 45 IPSECKEY "IPSECKEY", 46 RRSIG "RRSIG",
        47 NSEC "NSEC", 48 DNSKEY "DNSKEY", 49 DHCID "DHCID", 50 NSEC3 "NSEC3", 51 NSEC3PARAM "NSEC3PARAM",
        52 TLSA "TLSA", 53 SMIMEA "SMIMEA", 55 HIP "HIP", 56 NINFO "NINFO", 57 RKEY "RKEY", 58 TALINK "TALINK", 59 CDS "CDS", 60 CDNSKEY "CDNSKEY",
        61 OPENPGPKEY "OPENPGPKEY", 62 CSYNC "CSYNC", 63 ZONEMD "ZONEMD", 64 SVCB "SVCB", 65 HTTPS "HTTPS",
        66 DSYNC "DSYNC", 67 HHIT "HHIT", 68 BRID "BRID", 99 SPF "SPF", 100 UINFO "UINFO", 101 UID "UID", 102 GID "GID",
        103 UNSPEC "UNSPEC", 104 NID "NID", 105 L32 "L32", 106 L64 "L64", 107 LP "LP", 108 EUI48 "EUI48",
        109 EUI64 "EUI64", 249 TKEY "TKEY", 250 TSIG "TSIG", 251 IXFR "IXFR", 252 AXFR "AXFR", 253 MAILB "MAILB",
        254 MAILA "MAILA", 255 ANY "ANY", 256 URI "URI", 257 CAA "CAA", 258 AVC "AVC", 259 DOA "DOA", 260 AMTRELAY "AMTRELAY",
        261 RESINFO "RESINFO", 262 WALLET "WALLET", 32768 TA "TA", 32769 DLV "DLV",
    }
}

impl Type {
    /// Types that only stand in questions or in one hop's envelope, never in a zone: OPT and 128 to 255
    /// (RFC 6895 section 3.1).
    pub const fn is_meta(self) -> bool {
        self.0 == Self::OPT.0 || (self.0 >= 128 && self.0 <= 255)
    }
}

numbers! {
    /// A record or query class.
    Class(u16), "CLASS", { 1 IN "IN", 3 CH "CH", 4 HS "HS", 254 NONE "NONE", 255 ANY "ANY", }
}

numbers! {
    /// The kind of request (RFC 1035 section 4.1.1, RFC 6895 section 2.2).
    Opcode(u8), "OPCODE", {
        0 QUERY "QUERY", 1 IQUERY "IQUERY", 2 STATUS "STATUS", 4 NOTIFY "NOTIFY", 5 UPDATE "UPDATE", 6 DSO "DSO",
    }
}

numbers! {
    /// A response code, with the eight upper bits that travel in OPT (RFC 6891 section 6.1.3).
    Rcode(u16), "RCODE", {
        0 NOERROR "NOERROR", 1 FORMERR "FORMERR", 2 SERVFAIL "SERVFAIL", 3 NXDOMAIN "NXDOMAIN", 4 NOTIMP "NOTIMP",
        5 REFUSED "REFUSED", 6 YXDOMAIN "YXDOMAIN", 7 YXRRSET "YXRRSET", 8 NXRRSET "NXRRSET", 9 NOTAUTH "NOTAUTH",
        10 NOTZONE "NOTZONE", 11 DSOTYPENI "DSOTYPENI", 16 BADVERS "BADVERS", 17 BADKEY "BADKEY",
        18 BADTIME "BADTIME", 19 BADMODE "BADMODE", 20 BADNAME "BADNAME", 21 BADALG "BADALG",
        22 BADTRUNC "BADTRUNC", 23 BADCOOKIE "BADCOOKIE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_questions_and_envelopes_are_told_apart() {
        let meta: Vec<u16> = (0..=u16::MAX).filter(|&number| Type(number).is_meta()).collect();
        assert_eq!(meta, [41].into_iter().chain(128..=255).collect::<Vec<u16>>());
    }

    #[test]
    fn mnemonics_and_generic_forms_are_read_back() {
        for n in 0..=u16::MAX {
            assert_eq!(Type(n).to_string().parse(), Ok(Type(n)));
        }
        assert_eq!("type65280".parse(), Ok(Type(65280)));
        assert_eq!("aaaa".parse(), Ok(Type::AAAA));
        for bad in ["TYPE", "TYPE65536", "TYPE-1", "TYPE+1", "AAAAA", ""] {
            assert!(bad.parse::<Type>().is_err(), "{bad}");
        }
    }
}
