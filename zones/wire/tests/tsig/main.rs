//! TSIG against what other implementations made, and every way a signature can be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::sync::Arc;

use proptest::prelude::*;
use rhumb_wire::tsig::{
    RequestRejection, ResponseError, ResponseVerifier, TsigAlgorithm, TsigError, TsigFormatError, TsigKey,
    TsigKeyring, TsigRecord, TsigSigner, sign_request, verify_request, write_unsigned_error,
};
use rhumb_wire::{BufferFull, DomainName};
use zeroize::Zeroizing;

mod vectors;

/// When the messages of these tests are signed.
const NOW: u64 = 1_800_000_000;
/// A query for `www.example. SOA`.
const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x06\0\x01";

fn key(name: &str, algorithm: TsigAlgorithm, secret: &[u8]) -> TsigKey {
    let name: DomainName = name.parse().unwrap();
    TsigKey::new(name.as_ref(), algorithm, Zeroizing::new(secret.into())).unwrap()
}

fn sha256() -> Arc<TsigKey> {
    Arc::new(key("Key.Example", TsigAlgorithm::HmacSha256, b"a secret"))
}

fn ring(keys: &[&Arc<TsigKey>]) -> TsigKeyring {
    keys.iter().map(|key| Arc::clone(key)).collect()
}

/// The message of `message` as it was before its TSIG was added.
fn unsigned(message: &[u8]) -> Vec<u8> {
    let Some(record) = TsigRecord::find(message).unwrap() else { return message.to_vec() };
    let mut plain = message[..record.at].to_vec();
    plain[..2].copy_from_slice(&record.original_id.to_be_bytes());
    let count = u16::from_be_bytes([plain[10], plain[11]]) - 1;
    plain[10..12].copy_from_slice(&count.to_be_bytes());
    plain
}

/// `message` signed as a request.
fn signed(key: &Arc<TsigKey>, message: &[u8], now: u64) -> (Vec<u8>, ResponseVerifier) {
    let mut buffer = message.to_vec();
    buffer.resize(message.len() + key.signed_length(), 0xee);
    let (length, verifier) = sign_request(key, &mut buffer, message.len(), now).unwrap();
    assert_eq!(length, buffer.len(), "the length is known before");
    (buffer, verifier)
}

/// `message` signed as a message of a response.
fn answered(signer: &mut TsigSigner, message: &[u8], now: u64) -> Vec<u8> {
    let mut buffer = message.to_vec();
    buffer.resize(message.len() + signer.record_length(), 0xee);
    let length = signer.sign(&mut buffer, message.len(), now).unwrap();
    assert_eq!(length, buffer.len(), "the length is known before");
    buffer
}

fn verify(message: &[u8], keys: &TsigKeyring, now: u64) -> Result<TsigSigner, RequestRejection> {
    let record = TsigRecord::find(message).map_err(RequestRejection::Format)?.unwrap();
    verify_request(message, &record, keys, now)
}

fn error_of(result: &Result<TsigSigner, RequestRejection>) -> Result<(), Result<TsigError, TsigFormatError>> {
    match result {
        Ok(_) => Ok(()),
        Err(RequestRejection::Format(error)) => Err(Err(*error)),
        Err(RequestRejection::Unsigned(error) | RequestRejection::Signed(error, _)) => Err(Ok(*error)),
    }
}

#[test]
fn clocks_may_differ_by_the_fudge() {
    let key = sha256();
    let keys = ring(&[&key]);
    let (request, _) = signed(&key, QUERY, NOW);
    for (now, wanted) in [
        (NOW, Ok(())),
        (NOW + 299, Ok(())),
        (NOW + 300, Ok(())),
        (NOW - 300, Ok(())),
        (NOW + 301, Err(Ok(TsigError::BadTime))),
        (NOW - 301, Err(Ok(TsigError::BadTime))),
        (0, Err(Ok(TsigError::BadTime))),
        (u64::MAX, Err(Ok(TsigError::BadTime))),
    ] {
        assert_eq!(error_of(&verify(&request, &keys, now)), wanted, "{now}");
    }
    let mut signer = verify(&request, &keys, NOW).unwrap();
    let response = answered(&mut signer, QUERY, NOW + 200);
    for (now, wanted) in [(NOW + 500, true), (NOW - 100, true), (NOW + 501, false), (NOW - 101, false)] {
        let (_, mut verifier) = signed(&key, QUERY, NOW);
        let result = verifier.verify(&response, now);
        assert_eq!(result, if wanted { Ok(QUERY.len()) } else { Err(ResponseError::BadTime) }, "{now}");
    }
}

#[test]
fn keys_are_found_by_name_and_algorithm() {
    let key = sha256();
    let (request, _) = signed(&key, QUERY, NOW);
    let other_name = Arc::new(self::key("other.example", TsigAlgorithm::HmacSha256, b"a secret"));
    let other_algorithm = Arc::new(self::key("key.example", TsigAlgorithm::HmacSha512, b"a secret"));
    let other_secret = Arc::new(self::key("KEY.EXAMPLE", TsigAlgorithm::HmacSha256, b"another"));
    let longer = Arc::new(self::key("a.key.example", TsigAlgorithm::HmacSha256, b"a secret"));
    for (keys, wanted) in [
        (vec![&key], Ok(())),
        (vec![&other_name, &longer, &key], Ok(())),
        (vec![], Err(Ok(TsigError::BadKey))),
        (vec![&other_name, &longer], Err(Ok(TsigError::BadKey))),
        (vec![&other_algorithm], Err(Ok(TsigError::BadKey))),
        (vec![&other_secret], Err(Ok(TsigError::BadSignature))),
        // The first of a name counts.
        (vec![&key, &other_secret], Ok(())),
        (vec![&other_secret, &key], Err(Ok(TsigError::BadSignature))),
    ] {
        let keys = ring(&keys);
        assert_eq!(error_of(&verify(&request, &keys, NOW)), wanted, "{keys:?}");
    }
    for text in ["hmac-sha3", "", "sha256", "sig-alg.reg.int"] {
        assert!(text.parse::<TsigAlgorithm>().is_err(), "{text}");
    }
    assert_eq!("HMAC-SHA256.".parse(), Ok(TsigAlgorithm::HmacSha256));
    for text in ["hmac-md5", "HMAC-MD5.SIG-ALG.REG.INT."] {
        assert_eq!(text.parse(), Ok(TsigAlgorithm::HmacMd5), "{text}");
    }
    assert_ne!(key.as_ref(), other_secret.as_ref());
}

/// Requests with an algorithm that nobody knows get BADKEY.
#[test]
fn unknown_algorithms_are_bad_keys() {
    let key = sha256();
    let (request, _) = signed(&key, QUERY, NOW);
    let record = TsigRecord::find(&request).unwrap().unwrap();
    let at = record.at + key.name().len() + 10;
    for name in [&b"\x08hmac-md4\x07sig-alg\x03reg\x03int\0"[..], b"\0", b"\x0bhmac-sha999\0"] {
        let mut other = request[..at].to_vec();
        other.extend_from_slice(name);
        other.extend_from_slice(&request[at + 13..]);
        let length = u16::from_be_bytes([other[at - 2], other[at - 1]]) - 13 + name.len() as u16;
        other[at - 2..at].copy_from_slice(&length.to_be_bytes());
        assert_eq!(error_of(&verify(&other, &ring(&[&key]), NOW)), Err(Ok(TsigError::BadKey)), "{name:?}");
    }
}

/// A request whose MAC is cut to `length` bytes, or filled up to them.
fn truncated(request: &[u8], length: usize) -> Vec<u8> {
    let record = TsigRecord::find(request).unwrap().unwrap();
    let head = record.at + record.key_name().len() + 10;
    let mac_at = head + record.algorithm.len() + 10;
    let mut mac = record.mac.to_vec();
    mac.resize(length, 0);
    let mut cut = [&request[..mac_at], &mac[..], &request[mac_at + record.mac.len()..]].concat();
    cut[mac_at - 2..mac_at].copy_from_slice(&(length as u16).to_be_bytes());
    let rdata = (cut.len() - head) as u16;
    cut[head - 2..head].copy_from_slice(&rdata.to_be_bytes());
    cut
}

#[test]
fn macs_may_be_truncated_to_half() {
    for algorithm in TsigAlgorithm::ALL {
        let key = Arc::new(key("k", algorithm, b"secret"));
        let strict = Arc::new(self::key("k", algorithm, b"secret").with_least_mac(usize::MAX));
        let (request, _) = signed(&key, QUERY, NOW);
        let least =
            [10, 10, 14, 16, 24, 32][TsigAlgorithm::ALL.iter().position(|a| *a == algorithm).unwrap()];
        assert_eq!(algorithm.least_mac_length(), least);
        for length in 0..=algorithm.mac_length() + 1 {
            let cut = truncated(&request, length);
            let in_bounds = (least..=algorithm.mac_length()).contains(&length);
            let format = Err(Err(TsigFormatError::MacLength));
            let wanted = if in_bounds { Ok(()) } else { format };
            assert_eq!(error_of(&verify(&cut, &ring(&[&key]), NOW)), wanted, "{algorithm} {length}");
            let wanted = if !in_bounds {
                format
            } else if length < algorithm.mac_length() {
                Err(Ok(TsigError::BadTruncation))
            } else {
                Ok(())
            };
            assert_eq!(error_of(&verify(&cut, &ring(&[&strict]), NOW)), wanted, "{algorithm} {length}");
        }
        // The response to a truncated request begins with what was received.
        let mut signer = verify(&truncated(&request, least), &ring(&[&key]), NOW).unwrap();
        let response = answered(&mut signer, QUERY, NOW);
        let (_, mut verifier) = signed(&key, QUERY, NOW);
        assert_eq!(verifier.verify(&response, NOW), Err(ResponseError::BadSignature), "{algorithm}");
        // And a response may be truncated too.
        let mut signer = verify(&request, &ring(&[&key]), NOW).unwrap();
        let response = truncated(&answered(&mut signer, QUERY, NOW), least);
        let (_, mut verifier) = signed(&key, QUERY, NOW);
        assert_eq!(verifier.verify(&response, NOW), Ok(QUERY.len()), "{algorithm}");
        let (_, mut verifier) = signed(&strict, QUERY, NOW);
        assert_eq!(verifier.verify(&response, NOW), Err(ResponseError::BadTruncation), "{algorithm}");
        // BADTRUNC is signed.
        let result = verify(&truncated(&request, least), &ring(&[&strict]), NOW);
        let Err(RequestRejection::Signed(error, mut signer)) = result else { panic!("{algorithm}") };
        let response = answered(&mut signer, QUERY, NOW);
        let record = TsigRecord::find(&response).unwrap().unwrap();
        assert_eq!((error, record.error, record.other), (TsigError::BadTruncation, 22, &[][..]));
    }
}

#[test]
fn malformed_records_are_told_from_wrong_ones() {
    let key = sha256();
    let (request, _) = signed(&key, QUERY, NOW);
    let record = TsigRecord::find(&request).unwrap().unwrap();
    let at = record.at;
    let name = key.name().len();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut message = request.clone();
        change(&mut message);
        TsigRecord::find(&message).map(|found| found.is_some())
    };
    let tsig = request[at..].to_vec();
    let opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    for (what, change, wanted) in [
        ("as it was", &(|_: &mut Vec<u8>| {}) as &dyn Fn(&mut Vec<u8>), Ok(true)),
        ("none", &|m| (m.truncate(at), m[11] = 0).1, Ok(false)),
        ("twice", &|m| (m.extend(&tsig), m[11] = 2).1, Err(TsigFormatError::Position)),
        ("before OPT", &|m| (m.extend(opt), m[11] = 2).1, Err(TsigFormatError::Position)),
        ("in the answer section", &|m| (m[11] = 0, m[7] = 1).1, Err(TsigFormatError::Position)),
        ("in the authority section", &|m| (m[11] = 0, m[9] = 1).1, Err(TsigFormatError::Position)),
        ("with bytes behind it", &|m| m.push(0), Err(TsigFormatError::Position)),
        ("class IN", &|m| m[at + name + 3] = 1, Err(TsigFormatError::Fixed)),
        ("a TTL", &|m| m[at + name + 7] = 1, Err(TsigFormatError::Fixed)),
        ("a long MAC length", &|m| m[at + name + 10 + 13 + 9] = 33, Err(TsigFormatError::Rdata)),
        ("a short MAC length", &|m| m[at + name + 10 + 13 + 9] = 31, Err(TsigFormatError::Rdata)),
        ("other data that is not there", &|m| *m.last_mut().unwrap() = 1, Err(TsigFormatError::Rdata)),
        ("a compressed algorithm", &|m| m[at + name + 10] = 0xc0, Err(TsigFormatError::Rdata)),
    ] {
        assert_eq!(with(change), wanted, "{what}");
    }
    let cut =
        |length: usize| matches!(TsigRecord::find(&request[..length]), Err(TsigFormatError::Message(_)));
    assert!((0..request.len()).all(cut));
}

#[test]
fn there_is_room_or_nothing_is_written() {
    let key = sha256();
    let keys = ring(&[&key]);
    let (request, _) = signed(&key, QUERY, NOW);
    for room in 0..key.signed_length() {
        let mut buffer = QUERY.to_vec();
        buffer.resize(QUERY.len() + room, 0xee);
        let before = buffer.clone();
        assert!(matches!(sign_request(&key, &mut buffer, QUERY.len(), NOW), Err(BufferFull)));
        let mut signer = verify(&request, &keys, NOW).unwrap();
        assert_eq!(signer.sign(&mut buffer, QUERY.len(), NOW), Err(BufferFull));
        assert_eq!(buffer, before, "{room}");
    }
    assert!(matches!(sign_request(&key, &mut [0; 500], 501, NOW), Err(BufferFull)));
    assert!(matches!(sign_request(&key, &mut [0; 500], 11, NOW), Err(BufferFull)));
    assert!(matches!(sign_request(&key, &mut vec![0; 70_000], 65_500, NOW), Err(BufferFull)));
}

#[test]
fn a_response_begins_and_ends_with_a_signature() {
    let key = sha256();
    let (request, verifier) = signed(&key, QUERY, NOW);
    let signer = verify(&request, &ring(&[&key]), NOW).unwrap();
    let mut signer_of_first = signer.clone();
    let first = answered(&mut signer_of_first, QUERY, NOW);
    assert_eq!(verifier.clone().verify(QUERY, NOW), Err(ResponseError::NotSigned));
    for (gap, wanted) in [(0, true), (1, true), (99, true), (100, false)] {
        let (mut signer, mut verifier) = (signer.clone(), verifier.clone());
        assert!(!verifier.is_complete());
        verifier.verify(&answered(&mut signer, QUERY, NOW), NOW).unwrap();
        assert!(verifier.is_complete());
        let mut good = true;
        for number in 0..gap {
            let mut message = QUERY.to_vec();
            message[0] = number;
            signer.pass(&message);
            good &= verifier.verify(&message, NOW).is_ok();
        }
        assert_eq!((good, verifier.is_complete()), (wanted, gap == 0), "{gap}");
        if good {
            assert_eq!(verifier.verify(&answered(&mut signer, QUERY, NOW), NOW), Ok(QUERY.len()), "{gap}");
            assert!(verifier.is_complete());
        }
    }
    // A message that is left out, changed or repeated is noticed.
    let (mut sender, mut receiver) = (signer.clone(), verifier.clone());
    receiver.verify(&answered(&mut sender, QUERY, NOW), NOW).unwrap();
    sender.pass(QUERY);
    let last = answered(&mut sender, QUERY, NOW);
    assert_eq!(receiver.clone().verify(&last, NOW), Err(ResponseError::BadSignature));
    assert_eq!(receiver.clone().verify(&first, NOW), Err(ResponseError::BadSignature));
    let mut other = QUERY.to_vec();
    other[20] ^= 1;
    receiver.verify(&other, NOW).unwrap();
    assert_eq!(receiver.verify(&last, NOW), Err(ResponseError::BadSignature));
}

#[test]
fn responses_of_others_are_not_believed() {
    let key = sha256();
    let (request, verifier) = signed(&key, QUERY, NOW);
    let mut signer = verify(&request, &ring(&[&key]), NOW).unwrap();
    let response = answered(&mut signer, QUERY, NOW);
    let mut other_key = verifier.clone();
    let stranger = Arc::new(self::key("other.example", TsigAlgorithm::HmacSha256, b"a secret"));
    let (foreign, _) = signed(&stranger, QUERY, NOW);
    assert_eq!(other_key.verify(&foreign, NOW), Err(ResponseError::OtherKey));
    let weak = Arc::new(self::key("key.example", TsigAlgorithm::HmacSha1, b"a secret"));
    let (foreign, _) = signed(&weak, QUERY, NOW);
    assert_eq!(other_key.verify(&foreign, NOW), Err(ResponseError::OtherKey));
    // The response to another request, and the request itself sent back.
    let (_, mut of_another) = signed(&key, QUERY, NOW + 1);
    assert_eq!(of_another.verify(&response, NOW), Err(ResponseError::BadSignature));
    assert_eq!(verifier.clone().verify(&request, NOW), Err(ResponseError::BadSignature));
    assert_eq!(verifier.clone().verify(&response, NOW), Ok(QUERY.len()));
}

#[test]
fn a_secret_is_shown_nowhere() {
    let secret = b"Tr0ub4dor&3 is what it says";
    let key = Arc::new(key("key.example", TsigAlgorithm::HmacSha256, secret));
    let (request, verifier) = signed(&key, QUERY, NOW);
    let signer = verify(&request, &ring(&[&key]), NOW).unwrap();
    let shown = format!("{key:?} {:?} {signer:?} {verifier:?}", ring(&[&key]));
    let bytes = format!("{:?}", &secret[..4]);
    assert!(!shown.contains("Tr0ub") && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    assert!(shown.contains("key.example. hmac-sha256"), "{shown}");
}

proptest! {
    #[test]
    fn what_is_signed_is_verified_and_nothing_else(
        body in proptest::collection::vec(any::<u8>(), 0..40),
        number in 0usize..5,
        secret in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let key = Arc::new(key("a.key", TsigAlgorithm::ALL[number], &secret));
        // A record of unknown type with this as RDATA.
        let mut message = [QUERY, b"\0\xff\x01\0\x01\0\0\0\0\0", &[body.len() as u8], &body].concat();
        message[11] = 1;
        let (request, _) = signed(&key, &message, NOW);
        let keys = ring(&[&key]);
        prop_assert_eq!(error_of(&verify(&request, &keys, NOW)), Ok(()));
        prop_assert_eq!(unsigned(&request), message.clone());
        let mut changed = request.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        // The id is replaced by the original one; names of key and algorithm are compared without their case.
        let names = message.len()..message.len() + 43;
        let accepted = TsigRecord::find(&changed).ok().flatten().is_some_and(|record| {
            verify_request(&changed, &record, &keys, NOW).is_ok()
        });
        prop_assert!(!accepted || at < 2 || bit == 5 && names.contains(&at), "byte {} bit {}", at, bit);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), tail in any::<bool>()) {
        let key = sha256();
        let mut message = if tail { signed(&key, QUERY, NOW).0 } else { Vec::new() };
        message.extend(&bytes);
        if let Ok(Some(record)) = TsigRecord::find(&message) {
            let _ = verify_request(&message, &record, &ring(&[&key]), NOW);
        }
        let (_, mut verifier) = signed(&key, QUERY, NOW);
        prop_assert!(verifier.verify(&message, NOW).is_err());
    }
}
