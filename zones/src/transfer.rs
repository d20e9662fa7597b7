//! Zone transfers.

mod inbound;
mod inbound_error;
mod outbound;
mod outbound_difference;
mod outbound_message;
mod received_record;

pub use inbound::{InboundLimits, InboundProgress, InboundResult, InboundTransfer};
pub use inbound_error::InboundError;
pub use outbound::OutboundTransfer;
pub use outbound_difference::OutboundDifference;
pub use outbound_message::TransferError;
