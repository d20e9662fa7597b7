//! RDATA back to text.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use rhumb_wire::{NameRef, Type, rdata};

use super::base::{base32_text, base64_text, hex_text};
use super::form::{FieldForm, GatewayKind, RestForm, forms};
use super::location::location_text;
use super::prefixes::prefixes_text;
use super::service::parameters_text;
use super::text::quoted;
use super::types::{old_types_of, types_of};
use super::wks::services_text;
use crate::file::number::signature_time_text;

/// The text form of uncompressed RDATA, as a zone file takes it: the type's own, or that of RFC 3597 where the type is unknown or
/// RDATA does not fit it.
pub fn rdata_text(rtype: Type, rdata: &[u8]) -> String {
    let known = forms(rtype).filter(|_| rdata::check(rtype, rdata).is_ok());
    known.and_then(|forms| text_of(forms, rdata)).unwrap_or_else(|| {
        let hex = hex_text(rdata);
        format!("\\# {} {hex}", rdata.len()).trim_end().to_owned()
    })
}

fn text_of(forms: &[FieldForm], rdata: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = rdata;
    for &form in forms {
        let (field, after) = field_text(form, rest)?;
        if !field.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&field);
        }
        rest = after;
    }
    rest.is_empty().then_some(text)
}

/// The text of one field at the start of `rest`, and what is left behind it.
fn field_text(form: FieldForm, rest: &[u8]) -> Option<(String, &[u8])> {
    let number = |bytes: usize| {
        let (field, after) = rest.split_at_checked(bytes)?;
        Some((field.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)), after))
    };
    let counted = || {
        let (&length, tail) = rest.split_first()?;
        tail.split_at_checked(usize::from(length))
    };
    Some(match form {
        FieldForm::Name => {
            let name = NameRef::parse(rest).ok()?;
            (name.to_string(), rest.get(name.len()..)?)
        }
        FieldForm::Number(bytes) | FieldForm::Mnemonic(_, bytes) => {
            number(bytes).map(|(v, after)| (v.to_string(), after))?
        }
        FieldForm::Interval => number(4).map(|(value, after)| (value.to_string(), after))?,
        FieldForm::Type => number(2).map(|(value, after)| (Type(value as u16).to_string(), after))?,
        FieldForm::Time => number(4).map(|(value, after)| (signature_time_text(value as u32), after))?,
        FieldForm::Ipv4 => {
            rest.split_first_chunk::<4>().map(|(a, after)| (Ipv4Addr::from(*a).to_string(), after))?
        }
        FieldForm::Ipv6 => {
            rest.split_first_chunk::<16>().map(|(a, after)| (Ipv6Addr::from(*a).to_string(), after))?
        }
        FieldForm::Text => counted().map(|(field, after)| (quoted(field), after))?,
        FieldForm::LongText => (quoted(rest), &[]),
        FieldForm::Salt => counted()
            .map(|(salt, after)| (if salt.is_empty() { "-".to_owned() } else { hex_text(salt) }, after))?,
        FieldForm::Hash => {
            counted().filter(|(hash, _)| !hash.is_empty()).map(|(hash, after)| (base32_text(hash), after))?
        }
        FieldForm::Groups(groups) => {
            let (field, after) = rest.split_at_checked(groups * 2)?;
            (joined(field.chunks(2).map(hex_text), ":"), after)
        }
        FieldForm::Eui(bytes) => {
            let (field, after) = rest.split_at_checked(bytes)?;
            (joined(field.chunks(1).map(hex_text), "-"), after)
        }
        FieldForm::Nsap if rest.is_empty() => return None,
        FieldForm::Nsap => (format!("0x{}", hex_text(rest)), &[]),
        FieldForm::Rest(what) => (rest_text(what, rest)?, &[]),
        FieldForm::Location => (location_text(rest)?, &[]),
        FieldForm::Parameters => (parameters_text(rest)?, &[]),
        FieldForm::Host => (host_text(rest)?, &[]),
        FieldForm::Gateway(kind) => (gateway_text(kind, rest)?, &[]),
    })
}

fn rest_text(what: RestForm, rest: &[u8]) -> Option<String> {
    Some(match what {
        RestForm::Hex => hex_text(rest),
        RestForm::Base64 => base64_text(rest),
        RestForm::MaybeBase64 if rest.is_empty() => "-".to_owned(),
        RestForm::MaybeBase64 => base64_text(rest),
        RestForm::OldTypes => joined(old_types_of(rest)?.iter().map(ToString::to_string), " "),
        RestForm::Types => joined(types_of(rest)?.iter().map(ToString::to_string), " "),
        RestForm::Prefixes => prefixes_text(rest)?,
        RestForm::Services => services_text(rest)?,
        RestForm::Texts => {
            let mut texts = Vec::new();
            let mut left = rest;
            while let Some((&length, tail)) = left.split_first() {
                let (text, after) = tail.split_at_checked(usize::from(length))?;
                texts.push(quoted(text));
                left = after;
            }
            texts.join(" ")
        }
    })
}

fn gateway_text(kind: GatewayKind, rdata: &[u8]) -> Option<String> {
    let (head, gateway, rest) = match kind {
        GatewayKind::Ipsec => {
            let (&[precedence, gateway, algorithm], rest) = rdata.split_first_chunk::<3>()?;
            (format!("{precedence} {gateway} {algorithm}"), gateway, rest)
        }
        GatewayKind::Amt => {
            let (&[precedence, relay], rest) = rdata.split_first_chunk::<2>()?;
            (format!("{precedence} {} {}", relay >> 7, relay & 0x7f), relay & 0x7f, rest)
        }
    };
    let (gateway, key) = match gateway {
        0 => (".".to_owned(), rest),
        1 => field_text(FieldForm::Ipv4, rest)?,
        2 => field_text(FieldForm::Ipv6, rest)?,
        3 => field_text(FieldForm::Name, rest)?,
        _ => return None,
    };
    Some(format!("{head} {gateway} {}", base64_text(key)).trim_end().to_owned())
}

fn host_text(rdata: &[u8]) -> Option<String> {
    let (&[tag, algorithm, high, low], rest) = rdata.split_first_chunk::<4>()?;
    let (tag, rest) = rest.split_at_checked(usize::from(tag)).filter(|(tag, _)| !tag.is_empty())?;
    let key = usize::from(u16::from_be_bytes([high, low]));
    let (key, mut rest) = rest.split_at_checked(key).filter(|(key, _)| !key.is_empty())?;
    let mut text = format!("{algorithm} {} {}", hex_text(tag), base64_text(key));
    while !rest.is_empty() {
        let name = NameRef::parse(rest).ok()?;
        // Writing to a String does not fail.
        let _ = write!(text, " {name}");
        rest = rest.get(name.len()..)?;
    }
    Some(text)
}

fn joined(items: impl Iterator<Item = String>, between: &str) -> String {
    items.collect::<Vec<_>>().join(between)
}
