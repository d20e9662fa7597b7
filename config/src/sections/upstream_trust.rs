//! What the certificates of encrypted upstreams are judged by.

use std::path::PathBuf;

use crate::key_pin::KeyPin;
use crate::kinds::WordKind;
use crate::node::YamlNode;
use crate::reader::ConfigReader;

/// What the certificates of the encrypted upstreams of an entry are judged by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamTrust {
    /// A file of certificates that are trusted in place of the system's.
    pub authorities: Option<PathBuf>,
    /// The keys that they may have; any where there are none.
    pub pins: Vec<KeyPin>,
    /// False takes any certificate.
    pub verified: bool,
}

/// The form of a pin, for messages.
pub(super) const PIN_FORM: &str = "sha256/ and the digest of a public key in Base64, as \
     `openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64` prints it";

pub(super) const VERIFY: WordKind<bool> = WordKind { words: &[("on", true), ("off", false)], later: &[] };

impl Default for UpstreamTrust {
    fn default() -> Self {
        Self { authorities: None, pins: Vec::new(), verified: true }
    }
}

impl UpstreamTrust {
    /// Refuses what contradicts itself, and warns of what protects nobody. `used`: some upstream may be encrypted.
    pub(super) fn check(&self, used: bool, node: &YamlNode, reader: &mut ConfigReader) {
        let judged = self.authorities.is_some() || !self.pins.is_empty();
        if *self != Self::default() && !used {
            for key in ["ca", "pins", "verify"].into_iter().filter(|key| node.entry(key).is_some()) {
                let message = "it has no effect: none of the upstreams is encrypted";
                reader.at_key(key, |reader| reader.warning(node.spot_of(key), message));
            }
            return;
        }
        if self.verified {
            return;
        }
        reader.at_key("verify", |reader| {
            let spot = node.spot_of("verify");
            if judged {
                reader.error(spot, "off contradicts `ca` and `pins`: leave it out, or leave them out");
            } else {
                let message = "the certificates of these upstreams are not verified: whoever is on the path to them can answer \
                               in their place; `ca` or `pins` say what to trust";
                reader.warning(spot, message);
            }
        });
    }
}
