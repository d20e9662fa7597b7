//! Zone transfers.

mod outbound;

pub use outbound::{OutboundTransfer, TransferError};
