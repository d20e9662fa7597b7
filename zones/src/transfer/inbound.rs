//! A zone or a difference out of the messages of a transfer (RFC 5936 section 3, RFC 1995 section 4): built aside and checked, so
//! that it is taken whole or not at all.

use std::sync::Arc;

use rhumb_wire::{
    Class, DomainName, MessageSection, MessageView, NameBuf, NameRef, Rcode, Type, header, serial,
};

use super::inbound_error::InboundError;
use super::received_record::ReceivedRecord;
use crate::builder::ZoneBuilder;
use crate::builder::denial::canonical;
use crate::contents::ZoneContents;
use crate::difference::{FittedChange, RecordList, ZoneDifference};
use crate::fault::ZoneFault;

/// How much a transfer may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundLimits {
    /// Records, those of the SOA included.
    pub records: u64,
    /// Bytes of messages.
    pub bytes: u64,
}

/// What a transfer has come to with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundProgress {
    /// There is more to come.
    More,
    /// That was the last message.
    Complete,
}

/// What a transfer brought.
#[derive(Debug)]
pub enum InboundResult {
    /// The primary has nothing newer.
    UpToDate,
    /// A new version, by a difference or as a whole zone.
    Contents {
        /// What is to be served.
        contents: Box<ZoneContents>,
        /// How they differ from what was served; none where it came as a whole zone.
        difference: Option<ZoneDifference>,
        /// Records that did not fit and were passed over.
        misfits: u64,
    },
}

/// One difference of a transfer: the SOA before, what is removed, the SOA after, what is added.
#[derive(Debug)]
struct InboundStep {
    old: RecordList,
    removed: RecordList,
    new: RecordList,
    added: RecordList,
}

/// Differences of one transfer, at most: ten times what a history has by default. Each takes some hundred bytes more than its records, and
/// the whole zone is the shorter way.
const MOST_STEPS: usize = 100_000;

/// What stands where in a transfer.
#[derive(Debug)]
enum InboundState {
    /// Nothing has come.
    Begin,
    /// The first SOA alone has come.
    FirstSoa,
    Whole(Box<ZoneBuilder>),
    Removing(Box<InboundStep>),
    Adding(Box<InboundStep>),
    Complete,
    /// A record was wrong.
    Failed,
}

/// A transfer under way.
#[derive(Debug)]
pub struct InboundTransfer {
    apex: DomainName,
    /// What is served now, for a difference.
    base: Option<Arc<ZoneContents>>,
    limits: InboundLimits,
    /// Whether records of differences that do not fit are passed over.
    passes_misfits: bool,
    state: InboundState,
    /// TTL and RDATA of the first SOA, and its serial.
    target: (u32, Vec<u8>),
    serial: u32,
    /// The serial that was reached by the differences so far.
    reached: u32,
    steps: Vec<ZoneDifference>,
    whole: Option<Box<ZoneBuilder>>,
    records: u64,
    bytes: u64,
}

impl InboundTransfer {
    /// For the answer to a request for the zone `apex`: for the difference to `base`, or without it for the whole zone.
    pub fn new(apex: NameRef<'_>, base: Option<Arc<ZoneContents>>, limits: InboundLimits) -> Self {
        Self {
            apex: apex.to_name(),
            base,
            limits,
            passes_misfits: false,
            state: InboundState::Begin,
            target: (0, Vec::new()),
            serial: 0,
            reached: 0,
            steps: Vec::new(),
            whole: None,
            records: 0,
            bytes: 0,
        }
    }

    /// From now on records of differences are passed over that would remove what is not there, or add what is.
    pub const fn pass_misfits(&mut self) {
        self.passes_misfits = true;
    }

    /// The serial of the primary, once a record has come.
    pub const fn serial(&self) -> u32 {
        self.serial
    }

    /// Takes the next message.
    ///
    /// Errors: see [`InboundError`]; nothing of the transfer can then be used.
    pub fn message(&mut self, message: &[u8]) -> Result<InboundProgress, InboundError> {
        let view = MessageView::parse(message).map_err(|_| InboundError::Message)?;
        let head = view.header();
        if !head.is_response() || head.flags & header::TC != 0 {
            return Err(InboundError::Message);
        }
        let rcode = view.rcode().map_err(|_| InboundError::Message)?;
        if rcode != Rcode::NOERROR {
            return Err(InboundError::Refused(rcode));
        }
        self.bytes += message.len() as u64;
        if self.bytes > self.limits.bytes {
            return Err(InboundError::TooLarge);
        }
        let (mut owner, mut rdata) = (NameBuf::new(), Vec::new());
        for record in view.records() {
            let record = record.map_err(|_| InboundError::Message)?;
            if record.section != MessageSection::Answer {
                break;
            }
            if record.class != Class::IN {
                return Err(InboundError::Malformed);
            }
            let received = ReceivedRecord::read(&record, &mut owner, &mut rdata)?;
            self.records += 1;
            if self.records > self.limits.records {
                return Err(InboundError::TooLarge);
            }
            self.take(&received)?;
        }
        match self.state {
            InboundState::Complete => Ok(InboundProgress::Complete),
            InboundState::Begin => Err(InboundError::FirstRecord),
            InboundState::FirstSoa if self.is_up_to_date() => Ok(InboundProgress::Complete),
            _ => Ok(InboundProgress::More),
        }
    }

    /// Whether the primary has nothing newer: its SOA alone is then all of the answer (RFC 1995 section 4).
    fn is_up_to_date(&self) -> bool {
        self.base.as_ref().is_some_and(|base| !serial::is_newer(self.serial, base.serial()))
    }

    fn take(&mut self, record: &ReceivedRecord<'_>) -> Result<(), InboundError> {
        let is_soa = record.rtype == Type::SOA && record.owner == self.apex.as_ref();
        match std::mem::replace(&mut self.state, InboundState::Failed) {
            InboundState::Begin => {
                if !is_soa {
                    return Err(InboundError::FirstRecord);
                }
                self.serial = serial::of_soa(record.rdata).ok_or(InboundError::Malformed)?;
                self.target = (record.ttl, record.rdata.to_vec());
                self.state = InboundState::FirstSoa;
            }
            InboundState::FirstSoa => self.second(record, is_soa)?,
            InboundState::Whole(builder) => self.whole(builder, record, is_soa)?,
            InboundState::Removing(mut step) => {
                self.state = if is_soa {
                    step.new.push(record.for_list());
                    InboundState::Adding(step)
                } else {
                    step.removed.push(record.for_list());
                    InboundState::Removing(step)
                };
            }
            InboundState::Adding(step) => self.adding(step, record, is_soa)?,
            InboundState::Complete | InboundState::Failed => return Err(InboundError::Surplus),
        }
        Ok(())
    }

    /// The second record tells a difference from a whole zone: it is the SOA that the client has (RFC 1995 section 4).
    fn second(&mut self, record: &ReceivedRecord<'_>, is_soa: bool) -> Result<(), InboundError> {
        if let (true, Some(base)) = (is_soa, &self.base)
            && !self.is_target(record)
        {
            self.reached = base.serial();
            return self.old_soa(record);
        }
        let mut builder = Box::new(ZoneBuilder::new(self.apex.as_ref()));
        let (ttl, soa) = &self.target;
        builder
            .add(self.apex.as_ref(), Type::SOA, *ttl, soa, 0)
            .map_err(|error| InboundError::Record(self.apex.clone(), error))?;
        self.whole(builder, record, is_soa)
    }

    /// Whether a SOA is the one that the transfer began with. The case of its names may be that of names that came before it in the
    /// message (RFC 4343 section 4.1).
    fn is_target(&self, record: &ReceivedRecord<'_>) -> bool {
        let (_, target) = &self.target;
        record.rdata == *target || canonical(Type::SOA, record.rdata) == canonical(Type::SOA, target)
    }

    fn whole(
        &mut self,
        mut builder: Box<ZoneBuilder>,
        record: &ReceivedRecord<'_>,
        is_soa: bool,
    ) -> Result<(), InboundError> {
        if is_soa {
            if !self.is_target(record) {
                return Err(InboundError::LastSoa);
            }
            (self.whole, self.state) = (Some(builder), InboundState::Complete);
            return Ok(());
        }
        builder
            .add(record.owner, record.rtype, record.ttl, record.rdata, 0)
            .map_err(|error| InboundError::Record(record.owner.to_name(), error))?;
        self.state = InboundState::Whole(builder);
        Ok(())
    }

    /// The SOA that a difference begins with.
    fn old_soa(&mut self, record: &ReceivedRecord<'_>) -> Result<(), InboundError> {
        let found = serial::of_soa(record.rdata).ok_or(InboundError::Malformed)?;
        if found != self.reached {
            return Err(InboundError::OutOfStep { expected: self.reached, found });
        }
        let mut old = RecordList::default();
        old.push(record.for_list());
        let (removed, new, added) = Default::default();
        self.state = InboundState::Removing(Box::new(InboundStep { old, removed, new, added }));
        Ok(())
    }

    fn adding(
        &mut self,
        mut step: Box<InboundStep>,
        record: &ReceivedRecord<'_>,
        is_soa: bool,
    ) -> Result<(), InboundError> {
        if !is_soa {
            step.added.push(record.for_list());
            self.state = InboundState::Adding(step);
            return Ok(());
        }
        let InboundStep { old, removed, new, added } = *step;
        let step = ZoneDifference::of_lists([old, new, removed, added]).ok_or(InboundError::Malformed)?;
        if self.steps.len() >= MOST_STEPS {
            return Err(InboundError::TooLarge);
        }
        self.reached = step.to;
        self.steps.push(step);
        if self.reached != self.serial {
            return self.old_soa(record);
        }
        // The first SOA once more ends it all.
        if !self.is_target(record) {
            return Err(InboundError::LastSoa);
        }
        self.state = InboundState::Complete;
        Ok(())
    }

    /// What the transfer brought.
    ///
    /// Errors: see [`InboundError`].
    pub fn finish(self) -> Result<InboundResult, InboundError> {
        if let (InboundState::FirstSoa, Some(base)) = (&self.state, &self.base) {
            let (theirs, ours) = (self.serial, base.serial());
            return match (theirs == ours, serial::is_newer(theirs, ours)) {
                (true, _) => Ok(InboundResult::UpToDate),
                (_, true) => Err(InboundError::SoaAlone),
                _ => Err(InboundError::OlderSerial { theirs, ours }),
            };
        }
        if !matches!(self.state, InboundState::Complete) {
            return Err(InboundError::Incomplete);
        }
        if let Some(builder) = self.whole {
            let contents = builder.finish_unwarned().map_err(first_fault)?;
            let contents = Box::new(contents);
            return Ok(InboundResult::Contents { contents, difference: None, misfits: 0 });
        }
        let base = self.base.as_deref().ok_or(InboundError::Incomplete)?;
        if self.passes_misfits {
            let FittedChange { contents, difference, misfits } = base.apply_fitting(&self.steps)?;
            let (contents, difference) = (Box::new(contents), Some(difference));
            return Ok(InboundResult::Contents { contents, difference, misfits });
        }
        // What the primary says in several steps may differ in what does not count, such as the case of names: what is kept is what
        // came of it.
        let (contents, difference) = base.apply_at_once(&self.steps)?;
        let (contents, difference) = (Box::new(contents), Some(difference));
        Ok(InboundResult::Contents { contents, difference, misfits: 0 })
    }
}

fn first_fault(faults: Vec<ZoneFault>) -> InboundError {
    faults.into_iter().next().map_or(InboundError::Malformed, |fault| InboundError::Zone(Box::new(fault)))
}
