//! Zone contents, zone files, lookup and answers.

pub mod answer;
pub mod builder;
pub mod contents;
pub mod fault;
mod fold;
mod hash;
pub mod lookup;
mod nsec3;
pub mod table;

pub use answer::{Asked, Found, OneZone, Reply, ReplyKind, Zones, answer};
pub use builder::Builder;
pub use contents::Contents;
pub use fault::{AddError, Fault, FaultKind, Severity};
pub use lookup::{Match, MatchKind};
pub use table::Table;
