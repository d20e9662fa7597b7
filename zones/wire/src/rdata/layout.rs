//! The fields of each type's RDATA, in order.

use super::error::RdataError;
use crate::number::Type;

/// How a name in RDATA is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// Compressed when written: the types of RFC 1035 alone (RFC 3597 section 4).
    pub compress: bool,
    /// Expanded when read.
    pub expand: bool,
    /// In lower case in the canonical form.
    pub lower: bool,
}

impl NameRule {
    /// The types of RFC 1035.
    pub const OLD: Self = Self { compress: true, expand: true, lower: true };
    /// Types between RFC 1035 and RFC 3597, whose names some senders compress.
    pub const MIDDLE: Self = Self { compress: false, expand: true, lower: true };
    /// RRSIG: never compressed, but in lower case in the canonical form.
    pub const SIGNER: Self = Self { compress: false, expand: false, lower: true };
    /// Every newer type.
    pub const PLAIN: Self = Self { compress: false, expand: false, lower: false };
}

/// A field of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdataField {
    /// A domain name.
    Name(NameRule),
    /// So many bytes.
    Fixed(u8),
    /// One character-string: a length byte and as many bytes.
    Text,
    /// One character-string or more, to the end.
    Texts,
    /// All that is left, perhaps nothing.
    Rest,
    /// All that is left, at least so many bytes.
    AtLeast(u8),
    /// A type bitmap to the end (RFC 4034 section 4.1.2).
    Bitmap,
    /// Service parameters to the end, keys rising (RFC 9460 section 2.2).
    ServiceParameters,
    /// Address prefixes to the end (RFC 3123 section 4).
    Prefixes,
    /// HIP's two lengths, algorithm, HIT and key (RFC 8005 section 5).
    HostIdentity,
    /// CAA's tag: a character-string of letters and digits, not empty (RFC 8659 section 4.1).
    Tag,
    /// Names to the end.
    Names,
    /// The bytes up to a gateway's type, which stands at `at` under `mask` (RFC 4025, RFC 8777); with mask ff an algorithm byte follows.
    Gateway {
        /// Offset of the byte.
        at: u8,
        /// Its bits.
        mask: u8,
    },
    /// The gateway: nothing, an address or a name.
    GatewayValue(NameRule),
}

use RdataField::{
    AtLeast, Bitmap, Fixed, Gateway, GatewayValue, HostIdentity, Name, Names, Prefixes, Rest,
    ServiceParameters, Tag, Text, Texts,
};

const OLD: RdataField = Name(NameRule::OLD);
const MIDDLE: RdataField = Name(NameRule::MIDDLE);
const PLAIN: RdataField = Name(NameRule::PLAIN);

/// The fields of `rtype`; a type that is not known holds bytes (RFC 3597 section 3).
pub const fn layout(rtype: Type) -> &'static [RdataField] {
    match rtype {
        Type::A => &[Fixed(4)],
        Type::L32 => &[Fixed(6)],
        Type::AAAA => &[Fixed(16)],
        Type::NS | Type::MD | Type::MF | Type::CNAME | Type::MB | Type::MG | Type::MR | Type::PTR => &[OLD],
        Type::SOA => &[OLD, OLD, Fixed(20)],
        Type::MINFO => &[OLD, OLD],
        Type::MX => &[Fixed(2), OLD],
        Type::DNAME | Type::NSAP_PTR => &[MIDDLE],
        Type::RP => &[MIDDLE, MIDDLE],
        Type::AFSDB | Type::RT | Type::KX => &[Fixed(2), MIDDLE],
        Type::PX => &[Fixed(2), MIDDLE, MIDDLE],
        Type::SRV => &[Fixed(6), MIDDLE],
        Type::NAPTR => &[Fixed(4), Text, Text, Text, MIDDLE],
        Type::SIG => &[Fixed(18), MIDDLE, Rest],
        Type::NXT => &[MIDDLE, Rest],
        Type::RRSIG => &[Fixed(18), Name(NameRule::SIGNER), AtLeast(1)],
        Type::NSEC => &[PLAIN, Bitmap],
        Type::NSEC3 => &[Fixed(4), Text, Text, Bitmap],
        Type::NSEC3PARAM => &[Fixed(4), Text],
        Type::CSYNC => &[Fixed(6), Bitmap],
        Type::LP => &[Fixed(2), PLAIN],
        Type::NID | Type::L64 => &[Fixed(10)],
        Type::SVCB | Type::HTTPS => &[Fixed(2), PLAIN, ServiceParameters],
        Type::DSYNC => &[Fixed(5), PLAIN],
        Type::HINFO => &[Text, Text],
        Type::X25 => &[Text],
        Type::ISDN | Type::TXT | Type::SPF | Type::AVC | Type::RESINFO | Type::WALLET | Type::NINFO => {
            &[Texts]
        }
        Type::GPOS => &[Text, Text, Text],
        Type::WKS => &[AtLeast(5)],
        Type::LOC => &[Fixed(16)],
        Type::EUI48 => &[Fixed(6)],
        Type::EUI64 => &[Fixed(8)],
        Type::KEY
        | Type::DNSKEY
        | Type::CDNSKEY
        | Type::RKEY
        | Type::DS
        | Type::CDS
        | Type::TA
        | Type::DLV => &[Fixed(4), AtLeast(1)],
        Type::SSHFP => &[Fixed(2), AtLeast(1)],
        Type::TLSA | Type::SMIMEA => &[Fixed(3), AtLeast(1)],
        Type::CERT => &[Fixed(5), AtLeast(1)],
        Type::OPENPGPKEY | Type::DHCID | Type::HHIT | Type::BRID | Type::EID | Type::NIMLOC => &[AtLeast(1)],
        Type::SINK => &[Fixed(3), AtLeast(1)],
        Type::TALINK => &[PLAIN, PLAIN],
        Type::DOA => &[Fixed(9), Text, Rest],
        Type::ZONEMD => &[Fixed(6), AtLeast(12)],
        Type::CAA => &[Fixed(1), Tag, Rest],
        Type::URI => &[Fixed(4), AtLeast(1)],
        Type::APL => &[Prefixes],
        Type::HIP => &[HostIdentity, Names],
        Type::IPSECKEY => &[Gateway { at: 1, mask: 0xff }, GatewayValue(NameRule::PLAIN), Rest],
        Type::AMTRELAY => &[Gateway { at: 1, mask: 0x7f }, GatewayValue(NameRule::PLAIN)],
        _ => &[Rest],
    }
}

/// Bytes that `field`, which is no name, takes at the start of `rest`. Errors: `Short`, `Field`.
pub(super) fn measure(field: RdataField, rest: &[u8]) -> Result<usize, RdataError> {
    match field {
        Fixed(length) => Ok(usize::from(length)),
        Text => text(rest),
        Tag => {
            let length = text(rest)?;
            let sound =
                rest.get(1..length).is_some_and(|t| !t.is_empty() && t.iter().all(u8::is_ascii_alphanumeric));
            if sound { Ok(length) } else { Err(RdataError::Field) }
        }
        Texts => whole(rest, text).and_then(|n| if n == 0 { Err(RdataError::Short) } else { Ok(n) }),
        AtLeast(least) if rest.len() < usize::from(least) => Err(RdataError::Short),
        Bitmap => bitmap(rest),
        ServiceParameters => service_parameters(rest),
        Prefixes => whole(rest, prefix),
        HostIdentity => match rest {
            &[hit, _, high, low, ..] => {
                Ok(4 + usize::from(hit) + usize::from(u16::from_be_bytes([high, low])))
            }
            _ => Err(RdataError::Short),
        },
        Rest | AtLeast(_) => Ok(rest.len()),
        Name(_) | Names | Gateway { .. } | GatewayValue(_) => Err(RdataError::Field),
    }
}

fn text(rest: &[u8]) -> Result<usize, RdataError> {
    let length = 1 + usize::from(*rest.first().ok_or(RdataError::Short)?);
    if rest.len() < length { Err(RdataError::Short) } else { Ok(length) }
}

/// Measures one item after the other to the end.
fn whole(rest: &[u8], item: impl Fn(&[u8]) -> Result<usize, RdataError>) -> Result<usize, RdataError> {
    let mut left = rest;
    while !left.is_empty() {
        left = left.get(item(left)?..).ok_or(RdataError::Short)?;
    }
    Ok(rest.len())
}

fn prefix(rest: &[u8]) -> Result<usize, RdataError> {
    match rest {
        &[_, _, _, length, ..] => Ok(4 + usize::from(length & 0x7f)),
        _ => Err(RdataError::Short),
    }
}

fn bitmap(rest: &[u8]) -> Result<usize, RdataError> {
    let mut left = rest;
    let mut last = None;
    while let Some((&[window, length], tail)) = left.split_first_chunk::<2>() {
        let bits = tail.get(..usize::from(length)).ok_or(RdataError::Short)?;
        if !(1..=32).contains(&length) || last.is_some_and(|last| window <= last) || bits.last() == Some(&0) {
            return Err(RdataError::Field);
        }
        last = Some(window);
        left = tail.get(usize::from(length)..).unwrap_or(&[]);
    }
    if left.is_empty() { Ok(rest.len()) } else { Err(RdataError::Short) }
}

fn service_parameters(rest: &[u8]) -> Result<usize, RdataError> {
    let mut left = rest;
    let mut last = None;
    while let Some((&[k0, k1, l0, l1], tail)) = left.split_first_chunk::<4>() {
        let key = u16::from_be_bytes([k0, k1]);
        if last.is_some_and(|last| key <= last) {
            return Err(RdataError::Field);
        }
        last = Some(key);
        left = tail.get(usize::from(u16::from_be_bytes([l0, l1]))..).ok_or(RdataError::Short)?;
    }
    if left.is_empty() { Ok(rest.len()) } else { Err(RdataError::Short) }
}
