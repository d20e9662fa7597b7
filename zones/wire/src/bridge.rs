//! The one door to hickory-proto's types: whole messages, for control output and as the second codec of differential tests.

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;

use crate::message::{Message as View, ReadError};

/// Why bytes did not become a hickory-proto message.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The counts do not fit the length; asked first, since hickory-proto allocates by them.
    #[error(transparent)]
    Counts(#[from] ReadError),
    /// hickory-proto's own reason.
    #[error(transparent)]
    Decode(#[from] hickory_proto::serialize::binary::DecodeError),
}

/// Decodes `bytes`. Errors: see [`BridgeError`].
pub fn to_hickory(bytes: &[u8]) -> Result<Message, BridgeError> {
    View::parse(bytes)?;
    Ok(Message::from_bytes(bytes)?)
}
