//! What session tickets are made and read with.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac::{HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;

use super::ticket_keys::DerivedTickets;

/// A secret of 256 bits that keys of tickets follow from. It is only looked at.
#[derive(Clone, Copy)]
pub struct TicketSecret<'a>(pub &'a [u8; 32]);

/// What session tickets are made and read with, and connections of QUIC reset by. With the same one, all acceptors take the tickets of
/// each other.
#[derive(Debug, Clone)]
pub struct TlsTickets(Arc<SwitchedTickets>);

/// A way of making tickets that may be changed.
#[derive(Debug)]
struct SwitchedTickets(RwLock<SessionKeys>);

#[derive(Debug)]
struct SessionKeys {
    tickets: Arc<dyn ProducesTickets>,
    reset: Key,
}

impl TlsTickets {
    /// With keys of the process. That of tickets is another one every six hours, each good for twelve. Errors: the system gives no
    /// random bytes.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(SwitchedTickets(RwLock::new(SessionKeys::random()?)))))
    }

    /// From now on with keys that follow from these secrets, that of tickets another one every six hours: the first secret makes
    /// tickets, those of all are taken. Connections of QUIC are reset by a key that follows from the first secret and the name of the
    /// `host`. Without any secret, with new keys of the process. Errors: the system gives no random bytes.
    pub fn set_secrets(&self, secrets: &[TicketSecret<'_>], host: &str) -> io::Result<()> {
        let secrets: Vec<&[u8; 32]> = secrets.iter().map(|secret| secret.0).collect();
        let keys =
            if secrets.is_empty() { SessionKeys::random() } else { SessionKeys::derived(&secrets, host) };
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = keys?;
        Ok(())
    }

    /// For the handshakes of a listener.
    pub(crate) fn produced(&self) -> Arc<dyn ProducesTickets> {
        Arc::clone(&self.0) as Arc<dyn ProducesTickets>
    }

    /// What connections of QUIC are reset by now.
    pub(crate) fn reset_key(&self) -> Key {
        self.0.0.read().unwrap_or_else(PoisonError::into_inner).reset.clone()
    }
}

impl SessionKeys {
    fn random() -> io::Result<Self> {
        let reset = Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(io::Error::other)?;
        Ok(Self { tickets: Ticketer::new().map_err(io::Error::other)?, reset })
    }

    fn derived(secrets: &[&[u8; 32]], host: &str) -> io::Result<Self> {
        let tickets = DerivedTickets::new(secrets);
        let reset = tickets.reset_key(host).map_err(io::Error::other)?;
        Ok(Self { tickets: Arc::new(tickets), reset })
    }
}

impl SwitchedTickets {
    fn now(&self) -> Arc<dyn ProducesTickets> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).tickets)
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

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac::sign;

    use super::*;

    #[test]
    fn hosts_have_the_reset_key_of_their_first_secret_and_name() {
        let token = |secrets: &[u8], host: &str| {
            let secrets: Vec<[u8; 32]> = secrets.iter().map(|byte| [*byte; 32]).collect();
            let secrets: Vec<_> = secrets.iter().map(TicketSecret).collect();
            let tickets = TlsTickets::new().unwrap();
            tickets.set_secrets(&secrets, host).unwrap();
            sign(&tickets.reset_key(), b"connection").as_ref().to_vec()
        };
        let known = token(&[1], "one");
        for (secrets, host, is_same) in [
            (&[1][..], "one", true),
            (&[1, 2], "one", true),
            (&[2, 1], "one", false),
            (&[1], "other", false),
            (&[1], "", false),
            (&[], "one", false),
        ] {
            assert_eq!(token(secrets, host) == known, is_same, "{secrets:?} {host}");
        }
        assert_ne!(token(&[], "one"), token(&[], "one"));
    }
}
