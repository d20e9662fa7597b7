//! What session tickets are made and read with.

use std::io;
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
