//! What is done for the requests of a connection in one go.

use std::cell::RefCell;
use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_http2::{Http2Event, RequestHead};
use rhumb_net::stream::is_long_output;
use rhumb_wire::Transport;
use rhumb_wire::doh::{DohRejection, DohRequest, DohTarget};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::open_request::{NeededRoom, OpenRequest};
use super::replies::{RepliedRequest, ReplyTarget};
use super::request_work::{HeldRequest, LateAnswer, RequestWork};
use crate::listen::answer::MessageAnswer;
use crate::listen::answer_batch::AnswerBatch;
use crate::listen::https::bounds::{BODY_TIMEOUT, LARGE, LONGEST};
use crate::listen::https::connection::{AskedQuery, HttpConnection, HttpHead, fault_of};
use crate::listen::https::forwarded::ForwardedLines;
use crate::listen::https::http_date::HttpDate;
use crate::listen::stream::StreamServices;
use crate::metrics::StreamFault;
use crate::query::QueryClient;
use crate::recursion::ReplyPath;

/// How long an answer that waits for others may take: longer than any look-up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// What one thread uses for one connection at a time.
pub(super) struct RequestRoom {
    head: RequestHead,
    query: Vec<u8>,
    answer: Vec<u8>,
    date: HttpDate,
}

thread_local! {
    pub(super) static REQUEST_ROOM: RefCell<RequestRoom> = RefCell::new(RequestRoom {
        head: RequestHead::default(),
        query: Vec::new(),
        answer: vec![0; LONGEST],
        date: HttpDate::new(),
    });
}

/// The requests of a connection, and what answering them needs.
pub(super) struct RequestBatch<'a> {
    connection: &'a HttpConnection,
    streams: &'a StreamServices,
    work: &'a mut RequestWork,
    room: &'a mut RequestRoom,
    out: &'a mut Vec<u8>,
    answers: AnswerBatch<'a>,
    /// How many requests began.
    begun: u64,
    now: Instant,
}

impl<'a> RequestBatch<'a> {
    pub(super) fn new(
        (connection, streams): (&'a HttpConnection, &'a StreamServices),
        work: &'a mut RequestWork,
        room: &'a mut RequestRoom,
        out: &'a mut Vec<u8>,
    ) -> Self {
        room.date.renew();
        let answers = AnswerBatch::new(&streams.live, &streams.queue, Transport::Https);
        Self { connection, streams, work, room, out, answers, begun: 0, now: Instant::now() }
    }

    /// Takes what has come. Whether there is more to do once the answers to it are sent.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> bool {
        let now = self.now.into_std();
        loop {
            if is_long_output(self.out) {
                return true;
            }
            self.take_held();
            match self.work.http.next_event(input, &mut self.room.head, now, self.out) {
                Ok(Some(Http2Event::Head { stream, ended })) => self.begin(stream, ended),
                Ok(Some(Http2Event::Data { stream, content, ended })) => {
                    self.take_body(stream, content, ended);
                }
                Ok(Some(Http2Event::Reset { stream })) => self.forget(stream),
                Ok(None) => return false,
                Err(_) => {
                    self.work.has_failed = true;
                    return false;
                }
            }
        }
    }

    /// Answers those that were held, as long as there is room.
    pub(super) fn take_held(&mut self) {
        while !self.work.is_full()
            && !is_long_output(self.out)
            && let Some(held) = self.work.held.pop_front()
        {
            self.answer(held.request, &held.client, &held.query);
        }
    }

    /// Passes on the answers that were waited for. A client that does not take the others loses them: nothing holds them for it.
    pub(super) fn take_late(&mut self, cx: &mut Context<'_>) {
        let mut at = 0;
        while let Some(late) = self.work.late.get_mut(at) {
            let Poll::Ready(answer) = late.receiver.poll_recv(cx) else {
                at += 1;
                continue;
            };
            let request = self.work.late.swap_remove(at).request;
            match answer {
                Some(message) if !message.is_empty() && !self.work.is_full() => {
                    self.target().answer(request, &message);
                }
                _ => self.reject(request, DohRejection::Unanswered),
            }
        }
    }

    /// Ends what has waited for too long.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(place) = self.work.open.iter().position(|request| request.due <= now)
            && let Some(late) = self.work.remove(place, self.out)
        {
            self.reject(late.request, DohRejection::Late);
        }
        while let Some(place) = self.work.late.iter().position(|late| late.due <= now) {
            let late = self.work.late.swap_remove(place);
            self.reject(late.request, DohRejection::Unanswered);
        }
    }

    /// Counts requests, and how long they took, to be called when the answers are written.
    pub(super) fn end(self, idle: Duration) {
        self.streams.live.metrics.clients().streams(Transport::Https, self.begun);
        self.answers.end();
        self.work.settle(self.now, idle);
    }

    /// A request begins, and mostly is whole.
    fn begin(&mut self, stream: u32, ended: bool) {
        self.begun += 1;
        self.work.begin(self.now);
        let mut query = mem::take(&mut self.room.query);
        query.clear();
        let head = &self.room.head;
        let request = RepliedRequest { stream, is_head: head.method() == b"HEAD" };
        let found = read_head(self.connection, head, &mut query);
        if ended {
            let query = if matches!(found, Ok((_, DohRequest::Target))) { query.as_slice() } else { &[] };
            self.conclude(request, &found, query);
        } else {
            let query = if found.is_ok() { query.clone() } else { Vec::new() };
            self.work.open.push(OpenRequest::new(request, found, query, self.now + BODY_TIMEOUT));
        }
        self.room.query = query;
    }

    /// Some of the body of a request.
    fn take_body(&mut self, stream: u32, content: &[u8], ended: bool) {
        let Some(place) = self.work.place(stream) else { return };
        let Some(open) = self.work.open.get_mut(place) else { return };
        let is_whole = ended && open.has_body() && open.query.is_empty() && content.len() <= LONGEST;
        if !is_whole {
            open.take(content);
            if !ended && open.needs() != NeededRoom::Enough {
                return self.work.give_room(place, self.out);
            }
        }
        if let Some(open) = self.work.remove(place, self.out) {
            let query = if is_whole { content } else { &open.query };
            self.conclude(open.request, &open.found, query);
        }
    }

    /// The client wants no answer any more, or has broken its request.
    fn forget(&mut self, stream: u32) {
        self.streams.live.metrics.clients().stream_failed(Transport::Https, StreamFault::Gone);
        self.work.forget(stream, self.out);
    }

    /// A request is whole, or will not be.
    fn conclude(&mut self, request: RepliedRequest, found: &Result<AskedQuery, DohRejection>, query: &[u8]) {
        match *found {
            // What is held is bounded by this: the room of a large query is given to the next one once it is whole.
            Ok(_) if self.work.is_full() && query.len() >= LARGE => {
                self.reject(request, DohRejection::Unanswered);
            }
            Ok((client, _)) if self.work.is_full() => {
                self.work.held.push_back(HeldRequest { request, client, query: query.to_vec() });
            }
            Ok((ref client, _)) => self.answer(request, client, query),
            Err(why) => self.reject(request, why),
        }
    }

    fn answer(&mut self, request: RepliedRequest, client: &QueryClient<'static>, query: &[u8]) {
        self.connection.among.asks();
        let mut later = None;
        let reply_to = || {
            let (sender, receiver) = mpsc::channel(1);
            later = Some(receiver);
            ReplyPath::Stream(sender)
        };
        match self.answers.answer(query, client, &mut self.room.answer, reply_to) {
            MessageAnswer::Reply(length) => {
                let RequestRoom { answer, date, .. } = &*self.room;
                let message = answer.get(..length).unwrap_or_default();
                let mut target =
                    ReplyTarget { http: &mut self.work.http, date: date.text(), out: &mut *self.out };
                target.answer(request, message);
            }
            MessageAnswer::Pending => {
                let due = self.now + ANSWER_TIMEOUT;
                self.work.late.extend(later.map(|receiver| LateAnswer { request, receiver, due }));
            }
            // More than one message is for transports that have room for them, and refused before it comes to this.
            MessageAnswer::Nothing | MessageAnswer::Messages(_) => self.reject(request, DohRejection::Query),
        }
    }

    fn reject(&mut self, request: RepliedRequest, why: DohRejection) {
        self.streams.live.metrics.clients().stream_failed(Transport::Https, fault_of(why));
        self.target().reject(request, why);
    }

    fn target(&mut self) -> ReplyTarget<'_> {
        ReplyTarget { http: &mut self.work.http, date: self.room.date.text(), out: &mut *self.out }
    }
}

/// Who asks, and where the query stands. Errors: there is none.
fn read_head(
    connection: &HttpConnection,
    head: &RequestHead,
    query: &mut Vec<u8>,
) -> Result<AskedQuery, DohRejection> {
    let mut parts = head.target().splitn(2, |byte| *byte == b'?');
    let target = DohTarget {
        method: head.method(),
        path: parts.next().unwrap_or_default(),
        variables: parts.next(),
        content_type: head.content_type(),
    };
    let forwarded = ForwardedLines {
        forwarded: head.forwarded().map(Into::into),
        forwarded_for: head.forwarded_for().map(Into::into),
    };
    connection.read_head(&HttpHead { target, content_encoding: head.content_encoding(), forwarded }, query)
}
