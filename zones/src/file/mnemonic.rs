//! Types and classes by their mnemonics.

use rhumb_wire::{Class, Type};

/// A type by its mnemonic or its number; the frequent ones first.
#[inline]
pub(super) fn type_of(word: &[u8]) -> Option<Type> {
    match word {
        b"A" => Some(Type::A),
        b"NS" => Some(Type::NS),
        b"AAAA" => Some(Type::AAAA),
        b"CNAME" => Some(Type::CNAME),
        b"MX" => Some(Type::MX),
        b"TXT" => Some(Type::TXT),
        b"DS" => Some(Type::DS),
        b"RRSIG" => Some(Type::RRSIG),
        b"NSEC3" => Some(Type::NSEC3),
        b"IN" => None,
        [first, ..] if first.is_ascii_alphabetic() => std::str::from_utf8(word).ok()?.parse().ok(),
        _ => None,
    }
}

#[inline]
pub(super) fn class_of(word: &[u8]) -> Option<Class> {
    if word == b"IN" {
        return Some(Class::IN);
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}
