//! DNS messages as bytes: views that borrow what was received, and writing into a caller's buffer.
//!
//! Nothing here allocates on the way of a query, and nothing trusts a count, a length or a pointer that came from
//! outside. The formats are those of RFC 1035 section 4, RFC 3597, RFC 6891, RFC 8484, RFC 8945 and RFC 9250.

pub mod calendar;
pub mod compress;
pub mod doh;
pub mod doq;
pub mod edns;
pub mod header;
pub mod message;
pub mod name;
pub mod number;
pub mod proxy_header;
pub mod query;
pub mod rdata;
pub mod section;
pub mod serial;
pub mod transport;
pub mod tsig;
pub mod writer;

pub use edns::{EdnsOptions, ExtendedError, OptRecord};
pub use header::MessageHeader;
pub use message::{MessageRecord, MessageView};
pub use name::{DomainName, NameBuf, NameError, NameRef};
pub use number::{Class, Opcode, Rcode, Type};
pub use query::{QueryError, QueryMessage};
pub use section::MessageSection;
pub use transport::{MessageFraming, Transport, TransportCarrier, TransportFacts, UnknownTransport};
pub use writer::{BufferFull, MessageWriter};
