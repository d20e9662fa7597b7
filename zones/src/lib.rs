//! Zone contents, zone files, lookup and answers.

pub mod builder;
pub mod contents;
pub mod fault;

pub use builder::Builder;
pub use contents::Contents;
pub use fault::{AddError, Fault, FaultKind, Severity};
