//! A message with a transaction signature, as a request and as a response.

use std::sync::Arc;

use rhumb_wire::tsig::{
    RequestRejection, TsigAlgorithm, TsigError, TsigKey, TsigKeyring, TsigRecord, sign_request,
    verify_request, write_unsigned_error,
};
use rhumb_wire::{MessageView, NameRef};

use super::walk;

/// When the messages of the corpus were signed.
const NOW: u64 = 1_795_947_297;

/// A key of the corpus: `Bind.Key.` with the bytes from 1 to 32.
fn key() -> Option<Arc<TsigKey>> {
    let name = NameRef::parse(b"\x04bind\x03key\0").ok()?;
    let secret: Box<[u8]> = (1..=32).collect();
    TsigKey::new(name, TsigAlgorithm::HmacSha384, secret.into()).ok().map(Arc::new)
}

/// Whether all records can be read, no byte follows the last one, and one more can be counted.
fn ends_with_its_records(message: &[u8]) -> bool {
    let Ok(view) = MessageView::parse(message) else { return false };
    let mut records = view.records();
    records.by_ref().all(|record| record.is_ok())
        && records.offset() == message.len()
        && message.get(10..12) != Some(&[0xff, 0xff])
}

/// What is verified is signed again to the same bytes; what is refused is answered in words that fit; what is not signed
/// can be signed, and is then verified.
pub fn run(input: &[u8]) {
    let Some(key) = key() else { return };
    let keys: TsigKeyring = [Arc::clone(&key)].into_iter().collect();
    // Room for an input of libFuzzer's longest and a signature.
    let mut buffer = [0; 8192];
    let Some(room) = buffer.get_mut(..input.len()).filter(|room| room.len() >= 12) else { return };
    room.copy_from_slice(input);
    match TsigRecord::find(input) {
        Ok(Some(record)) => {
            walk::check_name(record.key_name());
            walk::check_name(record.algorithm);
            assert!(record.at < input.len(), "it ends before it begins");
            let length = record.at;
            let end = match verify_request(input, &record, &keys, NOW) {
                Ok(mut signer) | Err(RequestRejection::Signed(_, mut signer)) => {
                    signer.sign(&mut buffer, length, NOW)
                }
                Err(RequestRejection::Unsigned(error)) => {
                    assert!(matches!(error, TsigError::BadKey | TsigError::BadSignature), "{error}");
                    write_unsigned_error(&record, error, &mut buffer, length)
                }
                Err(RequestRejection::Format(_)) => return,
            };
            assert!(end.is_ok_and(|end| end > length), "there was room");
        }
        // Only a message that ends with its last record can be signed.
        Ok(None) if ends_with_its_records(input) => {
            let Ok((length, mut verifier)) = sign_request(&key, &mut buffer, input.len(), NOW) else {
                return;
            };
            assert_eq!(length, input.len() + key.signed_length());
            let signed = buffer.get(..length).unwrap_or(&[]);
            let found = TsigRecord::find(signed).ok().flatten();
            let Some(record) = found else { panic!("signed, and without a signature") };
            assert_eq!(record.at, input.len());
            assert!(verify_request(signed, &record, &keys, NOW).is_ok(), "signed, and not verified");
            assert!(verifier.verify(signed, NOW).is_err(), "a request is no response");
        }
        Ok(None) | Err(_) => {}
    }
}
