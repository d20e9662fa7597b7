//! Transaction signatures (RFC 8945): keys, and signing and verifying messages as bytes. The time is an argument.
//!
//! A server finds the record with [`TsigRecord::find`], verifies it with [`verify_request`], and signs its response, or each
//! message of it, with the [`TsigSigner`] that it got. A client signs with [`sign_request`] and verifies what comes back with
//! the [`ResponseVerifier`] that it got.

mod algorithm;
mod error;
mod hmac_state;
mod key;
mod record;
mod request;
mod response;
mod signer;

pub use algorithm::{TsigAlgorithm, UnknownAlgorithm};
pub use error::{ResponseError, TsigError, TsigFormatError};
pub use key::{TsigKey, TsigKeyring};
pub use record::{FUDGE, TsigRecord, write_unsigned_error};
pub use request::{RequestRejection, sign_request, verify_request};
pub use response::ResponseVerifier;
pub use signer::TsigSigner;
