//! A query on its way to its answer, and the ends that all ways share.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Query, Rcode, header};

use super::client::Client;
use super::finish::{Finish, Room, finish, question_only};
use super::limit::{self, From};
use super::moment::Moment;
use super::outcome::{Outcome, Scratch};
use crate::metrics::DropReason;
use crate::rate_limit::Verdict;

/// A query that may be answered, and what its answer keeps to.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a, 'm> {
    pub(super) query: &'a Query<'a>,
    pub(super) client: &'a Client<'a>,
    pub(super) moment: &'a Moment<'m>,
    pub(super) room: Room,
}

impl<'m> Asking<'_, 'm> {
    /// An answer of a response code and its reason.
    pub(super) fn refuse(
        &self,
        rcode: Rcode,
        error: (ExtendedError, &'static str),
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> Outcome {
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        let left = Finish { error: Some(error), ..Finish::of(rcode) };
        self.conclude(From::Nowhere, left, length, scratch, out)
    }

    /// The end of every answer that is at hand: held against the limits of its client, and completed.
    #[inline]
    pub(super) fn conclude(
        &self,
        from: From<'m>,
        left: Finish,
        length: usize,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> Outcome {
        let settings = &self.moment.snapshot.settings;
        if let Some(limit) = &settings.rate_limit
            && limit::applies(self.client, &self.room.extras, scratch)
        {
            match limit::judge(limit, self.query, self.client, self.moment, from, left.rcode) {
                Verdict::Pass => {}
                Verdict::Slip => return self.slip(scratch, out),
                Verdict::Drop => return Outcome::Drop(DropReason::RateLimited),
            }
        }
        Outcome::Reply(self.complete(left, length, scratch, out))
    }

    /// An answer that is of no use to a flood: empty, so that a real client asks by TCP, or again with the cookie it gets.
    #[cold]
    fn slip(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let left = match self.room.extras.cookie {
            Some(_) => Finish::of(Rcode::BADCOOKIE),
            None => Finish { flags: header::TC, ..Finish::of(Rcode::NOERROR) },
        };
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        scratch.tally.slipped = true;
        Outcome::Reply(self.complete(left, length, scratch, out))
    }

    /// Completes the message of `length` bytes, and notes what is counted of it.
    #[inline]
    pub(super) fn complete(
        &self,
        left: Finish,
        length: usize,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> usize {
        scratch.tally.rcode = left.rcode;
        scratch.tally.truncated = left.flags & header::TC != 0;
        finish(self.query, &self.moment.snapshot.settings, &self.room, left, length, out)
    }
}
