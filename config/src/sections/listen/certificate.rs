//! What encrypted listeners show to clients.

use std::path::PathBuf;

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use super::further_certificate::FurtherCertificate;
use crate::kind::ValueKind;
use crate::kinds::FilePath;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// Where a certificate and its key come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateSource {
    /// The server makes one at its start.
    SelfSigned,
    /// Two files in PEM.
    Files {
        /// The certificate, then those of its issuers.
        certificate: PathBuf,
        /// The key of the first certificate.
        key: PathBuf,
    },
}

/// In place of a file: the server makes a certificate.
const SELF_SIGNED: &str = "self-signed";

/// What stands behind `certificate`.
pub(crate) enum NamedCertificate {
    SelfSigned,
    File(PathBuf),
}

/// A path, or the word for a certificate that the server makes.
pub(super) struct CertificateFile;

impl ValueKind for CertificateFile {
    type Out = NamedCertificate;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<NamedCertificate> {
        match &node.value {
            YamlContent::Text(text) if text == SELF_SIGNED => Some(NamedCertificate::SelfSigned),
            _ => FilePath.read(node, reader).map(NamedCertificate::File),
        }
    }

    fn schema(&self) -> Json {
        FilePath.schema()
    }

    fn show(&self, value: &NamedCertificate) -> Option<Json> {
        match value {
            NamedCertificate::SelfSigned => Some(json!(SELF_SIGNED)),
            NamedCertificate::File(path) => FilePath.show(path),
        }
    }
}

impl CertificateSource {
    /// As an entry of `certificates`; none for one that has no files.
    pub(super) fn further(&self) -> Option<FurtherCertificate> {
        match self {
            Self::SelfSigned => None,
            Self::Files { certificate, key } => {
                Some(FurtherCertificate { certificate: certificate.clone(), key: key.clone() })
            }
        }
    }
}

/// What the keys `certificate`, `key` and `certificates` of an entry say.
pub(super) struct CertificateKeys<'a> {
    pub(super) certificate: Option<&'a NamedCertificate>,
    pub(super) key: Option<&'a PathBuf>,
    pub(super) further: &'a [FurtherCertificate],
    /// A transport of the entry that needs them.
    pub(super) needed_by: Option<Transport>,
}

impl CertificateKeys<'_> {
    /// What they say together. An error is recorded where they do not fit each other, or the transports.
    pub(super) fn sources(&self, node: &YamlNode, reader: &mut ConfigReader) -> Vec<CertificateSource> {
        let first = self.first(node, reader);
        if self.certificate.is_none() && !self.further.is_empty() {
            let message = "these stand beside `certificate`, which is missing";
            reader.at_key("certificates", |reader| reader.error(node.spot_of("certificates"), message));
        }
        let further = self.further.iter().map(|pair| CertificateSource::Files {
            certificate: pair.certificate.clone(),
            key: pair.key.clone(),
        });
        first.into_iter().chain(further).collect()
    }

    fn first(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<CertificateSource> {
        let mut wrong = |key: &str, message: String| {
            let spot = node.spot_of(key);
            reader.at_key(key, |reader| reader.error(spot, message));
            None
        };
        match (self.certificate, self.key, self.needed_by) {
            (None, None, None) => None,
            (None, None, Some(transport)) => wrong(
                "certificate",
                format!("missing; {transport} needs `certificate` and `key`, or `certificate: self-signed`"),
            ),
            (None, Some(_), _) => wrong("certificate", "missing; `key` stands alone".to_owned()),
            (Some(_), _, None) => wrong(
                "certificate",
                "no transport of this entry is encrypted; add tls to `transports`".to_owned(),
            ),
            (Some(NamedCertificate::SelfSigned), None, Some(_)) => Some(CertificateSource::SelfSigned),
            (Some(NamedCertificate::SelfSigned), Some(_), Some(_)) => wrong(
                "key",
                "a self-signed certificate has no file of its key; remove one of the two".to_owned(),
            ),
            (Some(NamedCertificate::File(_)), None, Some(_)) => {
                wrong("key", "missing; the certificate needs its key".to_owned())
            }
            (Some(NamedCertificate::File(certificate)), Some(key), Some(_)) => {
                Some(CertificateSource::Files { certificate: certificate.clone(), key: key.clone() })
            }
        }
    }
}
