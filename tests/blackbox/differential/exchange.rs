//! Many questions to one server over TCP, a few at a time.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::{Client, Message};
use rhumb_tests::{Context, Failure, ensure};

/// Questions under way at once.
const WINDOW: usize = 32;
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// An answer, and its length on the wire.
pub(super) struct Answered {
    pub(super) message: Message,
    pub(super) length: usize,
}

/// The answers of one server, in the order of the questions. Errors: one stays away or cannot be read.
pub(super) fn ask_all(
    client: &Client,
    to: SocketAddr,
    queries: &[Message],
) -> Result<Vec<Answered>, Failure> {
    let mut stream = client.tcp(to)?;
    let mut answers = Vec::with_capacity(queries.len());
    for window in queries.chunks(WINDOW) {
        let mut found: Vec<Option<Answered>> = window.iter().map(|_| None).collect();
        for (id, query) in window.iter().enumerate() {
            stream.send(&Message { id: id as u16, ..query.clone() }.to_wire())?;
        }
        for _ in window {
            let wire = stream.receive(TIME_LIMIT)?.context(format!("{to} leaves a question open"))?;
            let message = Message::from_wire(&wire).context(format!("an answer of {to}: {wire:02x?}"))?;
            let slot = found.get_mut(usize::from(message.id)).context("an id that was not asked")?;
            *slot = Some(Answered { message, length: wire.len() });
        }
        for (query, answered) in window.iter().zip(found) {
            let answered = answered.context("an id came twice")?;
            ensure!(
                answered.message.questions == query.questions,
                "{to}: another question in {:?}",
                answered.message
            );
            answers.push(answered);
        }
    }
    Ok(answers)
}
