//! The cryptography that handshakes are done with.

use rustls::SupportedCipherSuite;
use rustls::crypto::hash::HashAlgorithm;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// That of aws-lc-rs, cipher suites of SHA-256 first: with messages as short as those of DNS, the hashes of a handshake cost more than the
/// cipher, and processors compute SHA-256 five times as fast as SHA-384.
pub(in crate::tls) fn crypto_provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| hash_of(*suite) != HashAlgorithm::SHA256);
    provider
}

fn hash_of(suite: SupportedCipherSuite) -> HashAlgorithm {
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider.algorithm(),
        SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider.algorithm(),
    }
}
