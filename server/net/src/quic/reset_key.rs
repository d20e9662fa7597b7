//! What connections are reset by of which nothing is known any more (RFC 9000, section 10.3).

use aws_lc_rs::hmac::{HMAC_SHA256, sign, verify};
use quinn::crypto::{CryptoError, HmacKey};

use crate::tls::TlsTickets;

/// The key that is in force when a token is made.
pub(super) struct ResetKey(pub(super) TlsTickets);

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let tag = sign(&self.0.reset_key(), data);
        for (place, byte) in signature_out.iter_mut().zip(tag.as_ref()) {
            *place = *byte;
        }
    }

    fn signature_len(&self) -> usize {
        HMAC_SHA256.digest_algorithm().output_len()
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        verify(&self.0.reset_key(), data, signature).map_err(|_| CryptoError)
    }
}
