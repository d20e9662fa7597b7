//! Signatures of responses (TSIG, RFC 8945), by HMAC-SHA256.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;

use crate::failure::{Context, Failure};
use crate::rig::message::Message;
use crate::rig::name;
use crate::rig::record::Record;

/// The type TSIG.
const TSIG: u16 = 250;
/// The class ANY.
const ANY: u16 = 255;
const ALGORITHM: &str = "hmac-sha256.";
/// Seconds by which clocks may differ.
const FUDGE: u16 = 300;

/// Signs the messages of one response, or leaves some of them unsigned.
pub struct ResponseSigner {
    key: hmac::Key,
    name: String,
    /// The MAC before, with its length.
    previous: Vec<u8>,
    /// The messages since that were not signed.
    unsigned: Vec<u8>,
    is_first: bool,
    /// Seconds by which the clock is ahead.
    ahead: i64,
}

impl ResponseSigner {
    /// For the response to a request that was signed; by a key of this name and secret, and a clock that is so many seconds ahead.
    pub fn new(request: &Message, name: &str, secret: &[u8], ahead: i64) -> Result<Self, Failure> {
        let tsig = request.additional.last().filter(|record| record.kind == TSIG).context("no TSIG")?;
        // The algorithm's name, the time and the fudge stand before the MAC and its length.
        let start = name::to_wire(ALGORITHM).len() + 8;
        let length = tsig.rdata.get(start..start + 2).context("TSIG is cut")?;
        let end = start + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        let previous = tsig.rdata.get(start..end).context("TSIG is cut")?.to_vec();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Ok(Self { key, name: name.to_owned(), previous, unsigned: Vec::new(), is_first: true, ahead })
    }

    /// The next message, signed.
    pub fn sign(&mut self, message: &Message) -> Vec<u8> {
        let message = Message { edns: None, ..message.clone() };
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let time = time.saturating_add_signed(self.ahead).to_be_bytes();
        let timers = [&time[2..], &FUDGE.to_be_bytes()].concat();
        let mut data = [self.previous.as_slice(), &self.unsigned, &message.to_wire()].concat();
        if self.is_first {
            data.extend(name::to_wire(&self.name));
            data.extend(ANY.to_be_bytes());
            data.extend([0; 4]);
            data.extend(name::to_wire(ALGORITHM));
            data.extend(&timers);
            // No error, and nothing more.
            data.extend([0; 4]);
        } else {
            data.extend(&timers);
        }
        let mac = hmac::sign(&self.key, &data);
        let sized = [&(mac.as_ref().len() as u16).to_be_bytes(), mac.as_ref()].concat();
        let rdata =
            [&name::to_wire(ALGORITHM)[..], &timers, &sized, &message.id.to_be_bytes(), &[0; 4][..]].concat();
        self.previous = sized;
        self.unsigned.clear();
        self.is_first = false;
        let tsig = Record { owner: self.name.clone(), kind: TSIG, class: ANY, ttl: 0, rdata };
        let mut signed = message;
        signed.additional.push(tsig);
        signed.to_wire()
    }

    /// The next message, not signed.
    pub fn pass(&mut self, message: &Message) -> Vec<u8> {
        let wire = Message { edns: None, ..message.clone() }.to_wire();
        self.unsigned.extend(&wire);
        wire
    }
}
