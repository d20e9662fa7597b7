//! Dynamic update (RFC 2136, RFC 3007): what a message asks for, who may ask it, and what it makes of a zone.
//!
//! An [`UpdateMessage`] is read whole before anything is done. An [`UpdateBatch`] takes messages one after the other, each
//! of which sees what those before it did, and is carried out whole or not at all; all of them become one version.
//! A [`FileMerge`] brings in what the operator changes in the zone's file meanwhile.

mod apply;
mod batch;
mod file_merge;
mod grant;
mod message;
mod name_pattern;
mod operation;
mod prerequisite;
mod refusal;
mod summary;

pub use batch::{UpdateBatch, UpdateLimits, UpdatedZone};
pub use file_merge::{FileMerge, MergeConflict, MergedSerial};
pub use grant::{UpdateActions, UpdateGrant, UpdatePermission};
pub use message::UpdateMessage;
pub use name_pattern::UpdateNamePattern;
pub use operation::UpdateOperation;
pub use prerequisite::UpdatePrerequisite;
pub use refusal::UpdateRefusal;
pub use summary::{IgnoredOperation, IgnoredReason, UpdateSummary};
