//! Zone transfers.

mod outbound;
mod outbound_difference;
mod outbound_message;

pub use outbound::OutboundTransfer;
pub use outbound_difference::OutboundDifference;
pub use outbound_message::TransferError;
