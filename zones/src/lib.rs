//! Zone contents, zone files, lookup and answers.
//!
//! A [`ZoneBuilder`] takes the records of a zone in any order and makes its [`ZoneContents`], which never change: names and
//! RRsets as wire images in a few large chunks, found by hash and in canonical order. [`answer()`] looks a name up
//! once and copies images into a message; it waits for nothing and allocates nothing. A [`ZoneChange`] makes new contents
//! that share with the old ones what stays. A [`NameTable`] finds the zone that is responsible for a name.
//!
//! ```
//! use rhumb_wire::compress::NameCompression;
//! use rhumb_wire::{Class, DomainName, MessageWriter, Type, header};
//! use rhumb_zones::{AnswerKind, AnswerRequest, OneZone, ZoneBuilder, answer};
//!
//! let apex: DomainName = "example.".parse()?;
//! let mut builder = ZoneBuilder::new(apex.as_ref());
//! builder.add(apex.as_ref(), Type::SOA, 300, &[[0; 2].as_slice(), &[0; 20]].concat(), 1)?;
//! builder.add(apex.as_ref(), Type::NS, 300, b"\x02ns\x05other\0", 2)?;
//! builder.add(apex.as_ref(), Type::A, 300, &[192, 0, 2, 1], 3)?;
//! let (contents, warnings) = builder.finish().map_err(|faults| format!("{faults:?}"))?;
//! assert!(warnings.is_empty());
//!
//! let (mut buffer, mut compression) = ([0; 1232], NameCompression::default());
//! let mut w = MessageWriter::new(&mut buffer, 1232, &mut compression);
//! w.question(apex.as_ref(), Type::A, Class::IN)?;
//! let asked = AnswerRequest { name: apex.as_ref(), qtype: Type::A, dnssec_ok: false, minimal_any: true };
//! let reply = answer(&contents, &asked, &OneZone, &mut w);
//! assert_eq!(reply.kind, AnswerKind::Answer);
//! let length = w.finish(0x1234, header::QR | header::AA);
//! assert_eq!(buffer[length - 4..length], [192, 0, 2, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answer;
pub mod builder;
pub mod change;
pub mod contents;
pub mod difference;
pub mod fault;
pub mod file;
mod fold;
mod hash;
pub mod history;
pub mod journal;
pub mod lookup;
mod nsec3;
pub mod record_identity;
pub mod table;
pub mod transfer;
pub mod update;
pub mod verify;
pub mod version;

pub use answer::{AnswerKind, AnswerRequest, AnswerSummary, FoundZone, OneZone, ZoneFinder, answer};
pub use builder::ZoneBuilder;
pub use change::ZoneChange;
pub use contents::{SoaTimers, ZoneContents};
pub use difference::{DifferenceMisfit, DifferenceRecord, FittedChange, ZoneDifference};
pub use fault::{AddError, FaultKind, FaultSeverity, ZoneFault};
pub use history::{HistoryLimits, HistorySize, HistoryStart, ZoneHistory};
pub use lookup::{LookupPrefetch, MatchKind, NameMatch};
pub use record_identity::RecordIdentity;
pub use table::NameTable;
pub use transfer::{
    InboundError, InboundLimits, InboundProgress, InboundResult, InboundTransfer, OutboundDifference,
    OutboundTransfer, TransferError,
};
pub use update::{
    FileMerge, IgnoredOperation, IgnoredReason, MergeConflict, MergedSerial, UpdateActions, UpdateBatch,
    UpdateGrant, UpdateLimits, UpdateMessage, UpdateNamePattern, UpdateOperation, UpdatePermission,
    UpdatePrerequisite, UpdateRefusal, UpdateSummary, UpdatedZone,
};
pub use version::{VersionOrigin, ZoneVersion, last_additions};
