//! Answers for queries that waited: the message that was found, made into each client's own.

use rhumb_cache::Hit;
use rhumb_resolver::Question;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{MessageWriter, QueryMessage, Rcode, header};

use super::cached;
use super::outcome::Job;
use super::response::{ResponseHead, ResponseLimits, finish, question_only};

/// Writes the answer to `job` out of `message`, which has the cache's form. Gives its length; none if the query, which
/// was read once already, cannot be.
pub fn answer_waiting(job: &Job, message: &[u8], hit: Option<&Hit>, out: &mut [u8]) -> Option<usize> {
    let query = QueryMessage::parse(&job.query).ok()?;
    let settings = &job.snapshot.settings;
    let limits = ResponseLimits::of(&query, job.edns_context, job.transport, settings, out.len());
    let fresh = Hit {
        length: message.len(),
        truncated: message.len() > limits.message(),
        stale: false,
        prefetch: false,
        failure: false,
        origin: rhumb_cache::Origin::NONE,
        age: 0,
        left: 0,
    };
    let mut hit = hit.copied().unwrap_or(fresh);
    hit.truncated |= message.len() > limits.message();
    let wanted = if hit.truncated { header::LENGTH + job.key.len() } else { message.len() };
    out.get_mut(..wanted)?.copy_from_slice(message.get(..wanted)?);
    if hit.truncated {
        out.get_mut(6..header::LENGTH)?.fill(0);
    }
    let head = cached::complete(&query, &hit, out);
    Some(finish(&query, settings, &limits, head, wanted, out))
}

/// Writes a failure for `job` into `out`: SERVFAIL, or what the upstreams said, with the reason. Gives its length.
pub fn fail_waiting(
    job: &Job,
    rcode: Rcode,
    error: (ExtendedError, &'static str),
    out: &mut [u8],
) -> Option<usize> {
    let query = QueryMessage::parse(&job.query).ok()?;
    let settings = &job.snapshot.settings;
    let limits = ResponseLimits::of(&query, job.edns_context, job.transport, settings, out.len());
    let length = question_only(Some(&query), &mut NameCompression::default(), out);
    let flags = header::RA | (query.header.flags & header::CD);
    let head = ResponseHead { flags, error: Some(error), ..ResponseHead::of(rcode) };
    Some(finish(&query, settings, &limits, head, length, out))
}

/// A failure in the form that the cache keeps.
pub fn failure_message(question: &Question, rcode: Rcode) -> Vec<u8> {
    let mut buffer = vec![0; header::LENGTH + question.name.as_ref().len() + 4];
    let limit = buffer.len();
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    // The buffer was made for it.
    let _ = w.question(question.name.as_ref(), question.qtype, question.class);
    w.finish(0, header::QR | header::RD | header::RA | (rcode.0 & header::RCODE));
    buffer
}
