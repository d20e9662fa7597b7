//! RDATA as text: read into wire form and written back, both by one table of forms.

mod address;
mod base;
mod form;
mod location;
mod mnemonic;
mod prefixes;
mod reader;
mod registry;
mod service;
mod shown;
mod special;
mod text;
mod types;
mod wks;

pub(super) use address::{ipv4, ipv6};
pub(super) use reader::RdataReader;
pub use shown::rdata_text;

#[cfg(test)]
mod tests;
