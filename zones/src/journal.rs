//! Versions of zones as bytes, to be kept on a disk: what one record holds, how records are found again in a log that was cut or
//! damaged, and how a zone comes out of its records. Nothing here opens a file.
//!
//! A version is a whole zone ([`RecordKind::Part`] and the [`RecordKind::Whole`] that ends them) or a difference to the one before
//! ([`RecordKind::Change`], with the number of the record that it follows). So a record that is lost is missed by the next one of its
//! zone. Name and length of each record stand at its end once more: also of a record whose head is damaged it is known whose it was.
//! Beside the changes stand the signatures of the messages that made them ([`RecordKind::Signatures`]).

mod checksum;
mod payload;
pub(crate) mod record;
mod segment;
mod signature;
mod zone_replay;

pub use checksum::crc32c;
pub use payload::{RecordPayload, ZonePayload};
pub use record::{ChangeCause, JournalRecord, RecordDamage, RecordKind};
pub use segment::{SEGMENT_START, SegmentItem, SegmentReader};
pub use signature::JournalSignature;
pub use zone_replay::{ReplayError, ReplayedZone, ZoneReplay};
