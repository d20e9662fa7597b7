//! What session tickets are made and read with.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;

use super::ticket_keys::DerivedTickets;

/// A secret of 256 bits that keys of tickets follow from. It is only looked at.
#[derive(Clone, Copy)]
pub struct TicketSecret<'a>(pub &'a [u8; 32]);

/// What session tickets are made and read with. With the same one, all acceptors take the tickets of each other.
#[derive(Debug, Clone)]
pub struct TlsTickets(Arc<SwitchedTickets>);

/// A way of making tickets that may be changed.
#[derive(Debug)]
struct SwitchedTickets(RwLock<Arc<dyn ProducesTickets>>);

impl TlsTickets {
    /// With a key of the process, another one every six hours, each good for twelve. Errors: the system gives no random bytes.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(SwitchedTickets(RwLock::new(random()?)))))
    }

    /// From now on with keys that follow from these secrets, another one every six hours: the first secret makes tickets, those of all
    /// are taken. Without any, with a new key of the process. Errors: the system gives no random bytes.
    pub fn set_secrets(&self, secrets: &[TicketSecret<'_>]) -> io::Result<()> {
        let secrets: Vec<&[u8; 32]> = secrets.iter().map(|secret| secret.0).collect();
        let tickets: Arc<dyn ProducesTickets> =
            if secrets.is_empty() { random()? } else { Arc::new(DerivedTickets::new(&secrets)) };
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = tickets;
        Ok(())
    }

    /// For the handshakes of a listener.
    pub(crate) fn produced(&self) -> Arc<dyn ProducesTickets> {
        Arc::clone(&self.0) as Arc<dyn ProducesTickets>
    }
}

fn random() -> io::Result<Arc<dyn ProducesTickets>> {
    Ticketer::new().map_err(io::Error::other)
}

impl SwitchedTickets {
    fn now(&self) -> Arc<dyn ProducesTickets> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ProducesTickets for SwitchedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.now().lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.now().encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.now().decrypt(cipher)
    }
}

/// Tickets of handshakes whose library does not say whether a session was resumed.
#[derive(Debug)]
pub(crate) struct CountedTickets {
    inner: Arc<dyn ProducesTickets>,
    taken: AtomicU64,
}

impl CountedTickets {
    pub(crate) fn new(inner: Arc<dyn ProducesTickets>) -> Arc<Self> {
        Arc::new(Self { inner, taken: AtomicU64::new(0) })
    }

    /// Whether a ticket was taken for a handshake that has ended: once for each. Of handshakes at the same time it may be another's, so
    /// that the sum is right.
    pub(crate) fn was_taken(&self) -> bool {
        self.taken.fetch_update(Relaxed, Relaxed, |taken| taken.checked_sub(1)).is_ok()
    }
}

impl ProducesTickets for CountedTickets {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let session = self.inner.decrypt(cipher)?;
        self.taken.fetch_add(1, Relaxed);
        Some(session)
    }
}
