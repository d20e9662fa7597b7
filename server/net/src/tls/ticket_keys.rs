//! Tickets made with keys that follow from secrets and the time, so that all servers with the same secrets have the same ones.
//!
//! A ticket is: the name of its key, 16 bytes; a salt, 16 bytes; the session, by AES-256-GCM with a key and nonce of its own, which
//! follow from the key of the period and the salt; its tag.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac::{HMAC_SHA256, Key as HmacKey};
use rustls::server::ProducesTickets;

/// How long a key makes tickets, in seconds: six hours, as rustls changes its random ones.
const PERIOD: u64 = 6 * 60 * 60;
/// How long a ticket is good at least.
const LIFETIME: u32 = PERIOD as u32;
const NAME: usize = 16;
const SALT: usize = 16;
const KEY: usize = 32;
/// The longest ticket that is looked at, in bytes; one with a chain of a client would have some thousand.
const LONGEST: usize = 16 << 10;

/// So many bytes of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    key.expand(info, Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}

/// The key of a period.
struct PeriodKey {
    name: [u8; NAME],
    key: Prk,
}

impl PeriodKey {
    /// RFC 5869: what follows from the secret is the same everywhere.
    fn new(secret: &Prk, period: u64) -> Result<Self, Unspecified> {
        let period = period.to_be_bytes();
        let key: [u8; KEY] = expand(secret, &[b"rhumb ticket key", &period])?;
        let name = expand(secret, &[b"rhumb ticket name", &period])?;
        Ok(Self { name, key: Prk::new_less_safe(HKDF_SHA256, &key) })
    }

    /// What one ticket is sealed with.
    fn seal(&self, salt: &[u8]) -> Result<(LessSafeKey, Nonce), Unspecified> {
        let key: [u8; KEY] = expand(&self.key, &[b"ticket", salt])?;
        let nonce: [u8; NONCE_LEN] = expand(&self.key, &[b"nonce", salt])?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        Ok((key, Nonce::assume_unique_for_key(nonce)))
    }
}

/// The keys that are good in a period: those of all secrets, of this period, the one before and the next. The first makes tickets.
type PeriodKeys = Arc<[PeriodKey]>;

/// Makes tickets with the first of some secrets, and takes those made with any.
pub(super) struct DerivedTickets {
    secrets: Vec<Prk>,
    keys: Mutex<Option<(u64, PeriodKeys)>>,
}

impl fmt::Debug for DerivedTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedTickets(..)")
    }
}

impl DerivedTickets {
    pub(super) fn new(secrets: &[&[u8; 32]]) -> Self {
        let salt = Salt::new(HKDF_SHA256, b"rhumb ticket-secrets");
        Self {
            secrets: secrets.iter().map(|secret| salt.extract(secret.as_slice())).collect(),
            keys: Mutex::default(),
        }
    }

    /// What a host of this name resets connections of QUIC by. It follows from the first secret, and is another one for each host:
    /// servers of a set that resets each other's connections could be made to end some that are well (RFC 9000, section 21.11).
    pub(super) fn reset_key(&self, host: &str) -> Result<HmacKey, Unspecified> {
        let secret = self.secrets.first().ok_or(Unspecified)?;
        let info = [b"rhumb quic reset".as_slice(), host.as_bytes()];
        Ok(secret.expand(&info, HMAC_SHA256)?.into())
    }

    fn keys(&self, period: u64) -> Result<PeriodKeys, Unspecified> {
        let mut kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, keys)) = &*kept
            && *of == period
        {
            return Ok(Arc::clone(keys));
        }
        // Clocks of other servers may be ahead.
        let periods = [period, period.saturating_sub(1), period + 1];
        let all = periods.iter().flat_map(|period| self.secrets.iter().map(|secret| (secret, *period)));
        let keys: PeriodKeys =
            all.map(|(secret, period)| PeriodKey::new(secret, period)).collect::<Result<_, _>>()?;
        *kept = Some((period, Arc::clone(&keys)));
        Ok(keys)
    }

    fn encrypt_at(&self, session: &[u8], period: u64) -> Result<Vec<u8>, Unspecified> {
        let keys = self.keys(period)?;
        let key = keys.first().ok_or(Unspecified)?;
        let mut salt = [0; SALT];
        aws_lc_rs::rand::fill(&mut salt)?;
        let (sealing, nonce) = key.seal(&salt)?;
        let mut sealed = session.to_vec();
        sealing.seal_in_place_append_tag(nonce, Aad::from(key.name), &mut sealed)?;
        Ok([&key.name, &salt, sealed.as_slice()].concat())
    }

    fn decrypt_at(&self, ticket: &[u8], period: u64) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (salt, sealed) = rest.split_first_chunk::<SALT>()?;
        let keys = self.keys(period).ok()?;
        // The name is no secret: it goes over the wire as it is.
        let key = keys.iter().find(|key| key.name == *name)?;
        let (opening, nonce) = key.seal(salt).ok()?;
        let mut session = sealed.to_vec();
        let length = opening.open_in_place(nonce, Aad::from(key.name), &mut session).ok()?.len();
        session.truncate(length);
        Some(session)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / PERIOD
}

impl ProducesTickets for DerivedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.encrypt_at(plain, now()).ok()
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        if cipher.len() > LONGEST {
            return None;
        }
        self.decrypt_at(cipher, now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: [u8; 32] = [1; 32];
    const SECOND: [u8; 32] = [2; 32];

    fn tickets(secrets: &[&[u8; 32]]) -> DerivedTickets {
        DerivedTickets::new(secrets)
    }

    #[test]
    fn servers_with_the_same_secrets_take_each_others() {
        let made = tickets(&[&FIRST, &SECOND]).encrypt_at(b"session", 1000).unwrap();
        for (secrets, period, expected) in [
            (&[&FIRST][..], 1000, true),
            (&[&SECOND, &FIRST], 1000, true),
            (&[&FIRST], 1001, true),
            // The clock of the one that made it is ahead.
            (&[&FIRST], 999, true),
            (&[&FIRST], 1002, false),
            (&[&FIRST], 998, false),
            (&[&SECOND], 1000, false),
        ] {
            let found = tickets(secrets).decrypt_at(&made, period);
            assert_eq!(found.as_deref() == Some(b"session"), expected, "{secrets:?} {period}");
        }
    }

    #[test]
    fn no_two_are_alike_and_none_shows_the_session() {
        let of = tickets(&[&FIRST]);
        let all = [(); 2].map(|()| of.encrypt_at(&[7; 64], 1000).unwrap());
        assert_ne!(all[0], all[1]);
        assert!(!all[0].windows(8).any(|window| window == [7; 8]));
        assert_eq!(all[0].len(), NAME + SALT + 64 + AES_256_GCM.tag_len());
    }

    #[test]
    fn what_was_changed_is_not_taken() {
        let of = tickets(&[&FIRST]);
        let made = of.encrypt_at(b"session", 1000).unwrap();
        for index in 0..made.len() {
            let mut changed = made.clone();
            changed[index] ^= 1;
            assert_eq!(of.decrypt_at(&changed, 1000), None, "byte {index}");
            assert_eq!(of.decrypt_at(&made[..index], 1000), None, "{index} bytes");
        }
        assert_eq!(of.decrypt(&vec![0; LONGEST + 1]), None);
        assert_eq!(format!("{of:?}"), "DerivedTickets(..)");
    }
}
