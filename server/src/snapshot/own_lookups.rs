//! What this server wants to know itself: its own resolver is asked as clients ask it.

use rhumb_wire::{DomainName, Type};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Questions that wait; whoever has another one waits before that.
const LENGTH: usize = 64;

/// A question, and who waits for the response.
#[derive(Debug)]
pub struct OwnQuestion {
    /// The name asked for.
    pub name: DomainName,
    /// The type asked for.
    pub rtype: Type,
    /// Takes the response message.
    pub reply: oneshot::Sender<Vec<u8>>,
}

/// The way to the resolver, for those who may not know of it.
#[derive(Debug)]
pub struct OwnLookups {
    sender: mpsc::Sender<OwnQuestion>,
    receiver: Mutex<mpsc::Receiver<OwnQuestion>>,
}

impl Default for OwnLookups {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(LENGTH);
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl OwnLookups {
    /// The response to a question, as a message; none where there is none, or the server is about to end.
    pub async fn ask(&self, name: DomainName, rtype: Type) -> Option<Vec<u8>> {
        let (reply, response) = oneshot::channel();
        self.sender.send(OwnQuestion { name, rtype, reply }).await.ok()?;
        response.await.ok()
    }

    /// The next question, as soon as there is one.
    pub async fn next(&self) -> Option<OwnQuestion> {
        self.receiver.lock().await.recv().await
    }
}
