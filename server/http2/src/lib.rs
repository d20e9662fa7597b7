//! HTTP/2 as servers speak it (RFC 9113), without sockets: [`Http2Connection`] takes the bytes that came, gives out requests, and
//! appends what is to be sent.
//!
//! It allocates nothing for a request that is answered at once. It bounds what a client may have it hold, and how much it may send
//! that brings no answered query: see `frame_budget.rs`.

mod connection;
mod error_code;
mod field;
mod frame;
mod frame_budget;
mod header_decoder;
mod header_table;
mod huffman;
mod open_stream;
mod request_head;
mod response_encoder;
mod settings;
mod static_table;

pub use connection::{Http2Connection, Http2Event, Http2Response};
pub use error_code::Http2ErrorCode;
pub use frame_budget::MOST_USELESS;
pub use request_head::RequestHead;
pub use response_encoder::ResponseField;
pub use settings::STREAM_WINDOW;
