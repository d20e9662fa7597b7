//! What a certificate says of itself.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::certificate_error::{CertificateError, MOST};

/// Names of a client that are looked at.
const MOST_NAMES: usize = 100;

/// What the first certificate of a chain says, and how the chain fits together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateDetails {
    /// The names and addresses that it is for (RFC 9525: those of the subject alternative name alone).
    pub names: Vec<String>,
    /// It is not valid before.
    pub not_before: SystemTime,
    /// It is not valid after.
    pub not_after: SystemTime,
    /// The number, from 1, of the first certificate that the one before it was not issued by. Many clients refuse such a chain.
    pub misplaced: Option<usize>,
}

/// The certificates of a file in PEM.
pub(super) fn read_chain(certificates: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .take(MOST + 1)
        .collect::<Result<_, _>>()
        .map_err(CertificateError::CertificatePem)?;
    if chain.len() > MOST { Err(CertificateError::TooMany) } else { Ok(chain) }
}

impl CertificateDetails {
    /// Reads a chain in PEM, the server's own certificate first.
    pub fn from_pem(certificates: &[u8]) -> Result<Self, CertificateError> {
        Self::of_chain(&read_chain(certificates)?)
    }

    pub(super) fn of_chain(chain: &[CertificateDer<'_>]) -> Result<Self, CertificateError> {
        let read = |(index, der): (usize, &CertificateDer<'_>)| {
            let unreadable =
                |error: x509_cert::der::Error| CertificateError::Certificate(index + 1, error.to_string());
            Certificate::from_der(der).map_err(unreadable)
        };
        let chain: Vec<Certificate> = chain.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let first = &chain.first().ok_or(CertificateError::NoCertificate)?.tbs_certificate;
        let follows = |(one, next): (&Certificate, &Certificate)| {
            one.tbs_certificate.issuer == next.tbs_certificate.subject
        };
        let misplaced = chain.iter().zip(chain.iter().skip(1)).position(|pair| !follows(pair));
        let time = |since: Duration| UNIX_EPOCH + since;
        Ok(Self {
            names: names(first).map_err(|error| CertificateError::Certificate(1, error.to_string()))?,
            not_before: time(first.validity.not_before.to_unix_duration()),
            not_after: time(first.validity.not_after.to_unix_duration()),
            misplaced: misplaced.map(|index| index + 2),
        })
    }

    /// Whether it is for a host of this name.
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| is_name_for(name, host))
    }

    /// Why clients refuse it at this time, apart from its names and its issuers.
    pub fn invalid_at(&self, now: SystemTime) -> Option<&'static str> {
        match () {
            () if now < self.not_before => Some("is not valid yet"),
            () if now > self.not_after => Some("has expired"),
            () => None,
        }
    }
}

/// Whether a name of a certificate is that of a host; `*.` stands for one label (RFC 9525, section 6.3).
pub fn is_name_for(name: &str, host: &str) -> bool {
    let below = |rest: &str| {
        host.split_once('.')
            .is_some_and(|(first, parent)| !first.is_empty() && parent.eq_ignore_ascii_case(rest))
    };
    name.eq_ignore_ascii_case(host) || name.strip_prefix("*.").is_some_and(below)
}

/// The DNS names of the subject alternative name of a certificate, some at most; none of one that cannot be read. Those with other
/// characters than names of hosts have are left out: elsewhere they could be read as another name, as `\046` is a dot in zone files.
pub(super) fn dns_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some((_, alternatives))) = certificate.tbs_certificate.get::<SubjectAltName>() else {
        return Vec::new();
    };
    let names = alternatives.0.iter().filter(|name| matches!(name, GeneralName::DnsName(_)));
    let is_plain =
        |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte));
    names.filter_map(name).filter(is_plain).take(MOST_NAMES).collect()
}

fn names(certificate: &x509_cert::TbsCertificate) -> Result<Vec<String>, x509_cert::der::Error> {
    let Some((_, alternatives)) = certificate.get::<SubjectAltName>()? else { return Ok(Vec::new()) };
    Ok(alternatives.0.iter().filter_map(name).collect())
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}
