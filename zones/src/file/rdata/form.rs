//! The text forms of each type's fields, in order (the RFC of each type; RFC 9460 for SVCB).

use rhumb_wire::Type;

use super::registry::MnemonicTable;

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldForm {
    Name,
    /// A decimal number of so many bytes.
    Number(usize),
    /// Seconds, perhaps with units, in four bytes.
    Interval,
    Ipv4,
    Ipv6,
    /// A character-string with its length.
    Text,
    /// A text to the end of RDATA, without a length.
    LongText,
    Type,
    /// A time of RRSIG.
    Time,
    /// A number that may be given by a word.
    Mnemonic(MnemonicTable, usize),
    /// Hexadecimal with a length byte, `-` for nothing.
    Salt,
    /// Base 32 with a length byte.
    Hash,
    /// Groups of four hexadecimal digits with colons.
    Groups(usize),
    /// Bytes in hexadecimal with hyphens.
    Eui(usize),
    /// `0x` and hexadecimal digits with dots.
    Nsap,
    /// Everything to the end of the record.
    Rest(RestForm),
    /// LOC.
    Location,
    Parameters,
    /// HIP.
    Host,
    /// The fields around a gateway.
    Gateway(GatewayKind),
}

/// What stands to the end of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RestForm {
    /// Hexadecimal of at least one byte.
    Hex,
    /// Base 64 of at least one byte.
    Base64,
    /// Base 64, `-` for nothing.
    MaybeBase64,
    /// Character-strings, one at the least.
    Texts,
    Types,
    /// The types of NXT, up to 127.
    OldTypes,
    /// Services of WKS.
    Services,
    Prefixes,
}

/// The two types with a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GatewayKind {
    /// Precedence, gateway type, algorithm, gateway, key (RFC 4025).
    Ipsec,
    /// Precedence, discovery bit, relay type, relay (RFC 8777).
    Amt,
}

impl FieldForm {
    /// The field in a message.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Name => "the name",
            Self::Number(_) | Self::Mnemonic(..) => "the number",
            Self::Interval | Self::Time => "the time",
            Self::Ipv4 => "the IPv4 address",
            Self::Ipv6 => "the IPv6 address",
            Self::Text | Self::LongText => "the text",
            Self::Type => "the type covered",
            Self::Salt => "the salt",
            Self::Hash => "the hash",
            _ => "RDATA",
        }
    }
}

use FieldForm::{
    Eui, Groups, Hash, Interval, Ipv4, Ipv6, LongText, Mnemonic, Name, Nsap, Number, Parameters, Salt, Text,
    Time,
};

const HEX: FieldForm = FieldForm::Rest(RestForm::Hex);
const BASE64: FieldForm = FieldForm::Rest(RestForm::Base64);
const ALGORITHM: FieldForm = Mnemonic(MnemonicTable::Algorithm, 1);
const DIGEST: FieldForm = Mnemonic(MnemonicTable::Digest, 1);
const SCHEME: FieldForm = Mnemonic(MnemonicTable::Scheme, 1);
const PROTOCOL: FieldForm = Mnemonic(MnemonicTable::Protocol, 1);
const BYTE: FieldForm = Number(1);
const SHORT: FieldForm = Number(2);

/// The forms of a type; none where only the generic form is read.
pub(super) const fn forms(rtype: Type) -> Option<&'static [FieldForm]> {
    Some(match rtype {
        Type::A => &[Ipv4],
        Type::AAAA => &[Ipv6],
        Type::NS
        | Type::CNAME
        | Type::PTR
        | Type::DNAME
        | Type::MB
        | Type::MG
        | Type::MR
        | Type::MD
        | Type::MF => &[Name],
        Type::NSAP_PTR => &[Name],
        Type::SOA => &[Name, Name, Number(4), Interval, Interval, Interval, Interval],
        Type::MX | Type::AFSDB | Type::RT | Type::KX | Type::LP => &[SHORT, Name],
        Type::PX => &[SHORT, Name, Name],
        Type::MINFO | Type::RP | Type::TALINK => &[Name, Name],
        Type::TXT | Type::SPF | Type::AVC | Type::RESINFO | Type::WALLET | Type::ISDN | Type::NINFO => {
            &[FieldForm::Rest(RestForm::Texts)]
        }
        Type::HINFO => &[Text, Text],
        Type::X25 => &[Text],
        Type::GPOS => &[Text, Text, Text],
        Type::SRV => &[SHORT, SHORT, SHORT, Name],
        Type::NAPTR => &[SHORT, SHORT, Text, Text, Text, Name],
        Type::LOC => &[FieldForm::Location],
        Type::APL => &[FieldForm::Rest(RestForm::Prefixes)],
        Type::CERT => &[Mnemonic(MnemonicTable::Certificate, 2), SHORT, ALGORITHM, BASE64],
        Type::DS | Type::CDS | Type::DLV | Type::TA => &[SHORT, ALGORITHM, DIGEST, HEX],
        Type::DNSKEY | Type::CDNSKEY | Type::KEY | Type::RKEY => &[SHORT, BYTE, ALGORITHM, BASE64],
        Type::SSHFP => &[BYTE, BYTE, HEX],
        Type::TLSA | Type::SMIMEA => &[BYTE, BYTE, BYTE, HEX],
        Type::IPSECKEY => &[FieldForm::Gateway(GatewayKind::Ipsec)],
        Type::AMTRELAY => &[FieldForm::Gateway(GatewayKind::Amt)],
        Type::RRSIG | Type::SIG => {
            &[FieldForm::Type, ALGORITHM, BYTE, Interval, Time, Time, SHORT, Name, BASE64]
        }
        Type::NXT => &[Name, FieldForm::Rest(RestForm::OldTypes)],
        Type::NSEC => &[Name, FieldForm::Rest(RestForm::Types)],
        Type::NSEC3 => &[BYTE, BYTE, SHORT, Salt, Hash, FieldForm::Rest(RestForm::Types)],
        Type::NSEC3PARAM => &[BYTE, BYTE, SHORT, Salt],
        Type::CSYNC => &[Number(4), SHORT, FieldForm::Rest(RestForm::Types)],
        Type::DHCID | Type::OPENPGPKEY | Type::HHIT | Type::BRID => &[BASE64],
        Type::EID | Type::NIMLOC => &[HEX],
        Type::SINK => &[BYTE, BYTE, BYTE, BASE64],
        Type::DOA => &[Number(4), Number(4), BYTE, Text, FieldForm::Rest(RestForm::MaybeBase64)],
        Type::WKS => &[Ipv4, PROTOCOL, FieldForm::Rest(RestForm::Services)],
        Type::HIP => &[FieldForm::Host],
        Type::ZONEMD => &[Number(4), BYTE, BYTE, HEX],
        Type::SVCB | Type::HTTPS => &[SHORT, Name, Parameters],
        Type::DSYNC => &[FieldForm::Type, SCHEME, SHORT, Name],
        Type::NID | Type::L64 => &[SHORT, Groups(4)],
        Type::L32 => &[SHORT, Ipv4],
        Type::EUI48 => &[Eui(6)],
        Type::EUI64 => &[Eui(8)],
        Type::NSAP => &[Nsap],
        Type::URI => &[SHORT, SHORT, LongText],
        Type::CAA => &[BYTE, Text, LongText],
        _ => return None,
    })
}
