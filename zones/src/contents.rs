//! The contents of one zone: immutable, shared by reference count.
//!
//! Nodes are images in chunks (`arena`); they are found by the hash of their name below the apex (`index`) and in canonical
//! order (`order`). No node refers to another: what belongs together is found by name. So changed contents can share every
//! chunk and page that the change did not touch.

pub(crate) mod arena;
pub(crate) mod hashed;
pub(crate) mod index;
mod iter;
pub(crate) mod names;
pub(crate) mod node;
pub(crate) mod order;
pub(crate) mod rdata;
mod ready;
mod rrset;
mod seek;
pub(crate) mod set;
mod soa_timers;
mod zone;

pub use iter::ZoneRrsets;
pub use rrset::{RrsetRecords, ZoneRecord, ZoneRrset};
pub use soa_timers::SoaTimers;
pub use zone::ZoneContents;

pub(crate) use names::{below_apex, below_bytes, canonical, full_name, label_offsets};
pub(crate) use zone::{DenialChain, Nsec3Chain, ReadyProofs};
