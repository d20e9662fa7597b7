//! A zone as a sequence of messages (AXFR, RFC 5936), written straight from the images of its contents.

mod page;

use std::sync::Arc;

use rhumb_wire::{MessageWriter, Type};

use super::outbound_message::{MESSAGE, TransferError};
use crate::contents::ZoneContents;
use crate::contents::order::{NodeOrder, OrderPosition};
use page::{SetPart, TransferMessage, WriteProgress};

/// The contents of one zone on their way to one client: all records, the SOA first and last (RFC 5936 section 2.2). It holds
/// the contents it began with, whatever is served meanwhile, and no copy of them.
#[derive(Debug)]
pub struct OutboundTransfer {
    contents: Arc<ZoneContents>,
    part: Part,
    /// The node at hand, in the order of `part`.
    position: OrderPosition,
    /// How many of its sets are written, and how many bytes of the images of the next one.
    sets: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    FirstSoa,
    Names,
    /// The owners of NSEC3 records.
    Hashed,
    LastSoa,
    Done,
}

impl OutboundTransfer {
    /// Begins with the first SOA.
    pub fn new(contents: Arc<ZoneContents>) -> Self {
        Self { contents, part: Part::FirstSoa, position: OrderPosition::default(), sets: 0, bytes: 0 }
    }

    /// The contents that it transfers.
    pub const fn contents(&self) -> &Arc<ZoneContents> {
        &self.contents
    }

    /// Whether every record is written.
    pub fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Writes the next records into the answer section of `w`, as many as make one message. There may be a question in `w`,
    /// that for the apex, and nothing else. The limit of `w` is the most that a message may have.
    ///
    /// Errors: `RecordSize`, and nothing more can be written.
    pub fn write(&mut self, w: &mut MessageWriter<'_, '_>) -> Result<(), TransferError> {
        let contents = Arc::clone(&self.contents);
        let longest = w.limit();
        w.set_limit(longest.min(MESSAGE));
        let mut page = TransferMessage::new(&contents, w);
        while self.part != Part::Done {
            let written = match self.part {
                Part::FirstSoa | Part::LastSoa => soa(&contents, &mut page)?,
                Part::Names => self.nodes(&contents, &contents.order, &mut page),
                Part::Hashed => self.nodes(&contents, &contents.hashed, &mut page),
                Part::Done => WriteProgress::Whole,
            };
            match written {
                WriteProgress::Whole => self.part = self.part.next(),
                // A single record that is too long for the usual size.
                WriteProgress::Nothing if page.is_empty() && page.limit() < longest => {
                    page.set_limit(longest);
                }
                WriteProgress::Nothing if page.is_empty() => return Err(TransferError::RecordSize),
                WriteProgress::Nothing => return Ok(()),
            }
        }
        Ok(())
    }

    /// Writes what is left of the nodes of `order`.
    fn nodes(
        &mut self,
        contents: &ZoneContents,
        order: &NodeOrder,
        page: &mut TransferMessage<'_, '_, '_, '_>,
    ) -> WriteProgress {
        while let Some(at) = order.get(self.position) {
            let node = contents.node(at);
            page.turn_to(node);
            for set in node.sets().skip(self.sets) {
                let is_soa = set.rtype == Type::SOA && node.name().is_empty();
                // Its record is the first and the last of all, its signatures stand between.
                let part = if is_soa { SetPart::Signatures } else { SetPart::All };
                if self.bytes == 0 && page.images(node, &set, part) == WriteProgress::Whole {
                    self.sets += 1;
                    continue;
                }
                if self.bytes == 0 && !page.is_empty() {
                    return WriteProgress::Nothing;
                }
                let from = if is_soa { set.image().len() } else { 0 };
                match page.records(node, &set, from.max(self.bytes)) {
                    Ok(()) => (self.sets, self.bytes) = (self.sets + 1, 0),
                    Err(reached) => {
                        self.bytes = reached;
                        return WriteProgress::Nothing;
                    }
                }
            }
            self.position = order.after(self.position);
            self.sets = 0;
        }
        self.position = OrderPosition::default();
        WriteProgress::Whole
    }
}

impl Part {
    const fn next(self) -> Self {
        match self {
            Self::FirstSoa => Self::Names,
            Self::Names => Self::Hashed,
            Self::Hashed => Self::LastSoa,
            Self::LastSoa | Self::Done => Self::Done,
        }
    }
}

fn soa(
    contents: &ZoneContents,
    page: &mut TransferMessage<'_, '_, '_, '_>,
) -> Result<WriteProgress, TransferError> {
    let node = contents.node(contents.root);
    let set = node.set(Type::SOA).filter(|set| set.records > 0).ok_or(TransferError::NoSoa)?;
    page.turn_to(node);
    Ok(page.images(node, &set, SetPart::Records))
}
