//! Domain names in uncompressed wire form (RFC 1035 section 3.1), their comparison (RFC 4343) and canonical
//! order (RFC 4034 section 6.1).

mod buffer;
mod decompress;
mod domain_name;
mod error;
mod limits;
mod text;

pub use buffer::NameBuf;
pub use decompress::{expand, skip};
pub use domain_name::{DomainName, LabelIter, NameRef};
pub use error::NameError;
pub use limits::{MAX_LABEL, MAX_LABELS, MAX_LENGTH};
pub use text::unescape;

#[cfg(test)]
mod tests;
