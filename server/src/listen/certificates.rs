//! Certificates of listeners: read at the start, at reloads, and when their files change.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_config::{CertificateSource, ServerConfig, SessionSecret, read_regular_file};
use rhumb_net::tls::{CertificateDetails, CertificatePair, TicketSecret, TlsTickets};

use super::client_authorities::{KnownAuthorities, check_authorities};
use super::open_listener::TlsTerms;
use super::self_signed::{own_name, self_signed_names};
use crate::metrics::{CertificateFigures, ServerMetrics};

/// The largest file of a certificate or key, in bytes; those in use have some thousand.
const MOST: usize = 1 << 20;
/// What a certificate of our own making is called in messages, metrics and `status`.
const SELF_SIGNED: &str = "self-signed";

/// A certificate, as `status` shows it.
#[derive(Debug, Clone)]
pub struct CertificateState {
    /// Its file, or `self-signed`.
    pub name: String,
    /// The names and addresses that it is for.
    pub subjects: Vec<String>,
    /// When it expires.
    pub not_after: SystemTime,
    /// Why the last good pair was kept, if it was.
    pub kept: Option<String>,
}

/// The certificates that are shown to clients.
#[derive(Debug, Default)]
pub(super) struct ServerCertificates {
    known: HashMap<CertificateSource, KnownCertificate>,
    authorities: KnownAuthorities,
    tickets: Option<TlsTickets>,
    ticket_secrets: Vec<SessionSecret>,
    /// What the one of our own making is for.
    self_signed_names: Vec<String>,
}

#[derive(Debug)]
struct KnownCertificate {
    pair: CertificatePair,
    /// Why this is not what the files hold now.
    kept: Option<String>,
    figures: Option<Arc<CertificateFigures>>,
}

impl ServerCertificates {
    /// Reads every certificate that `config` names. Errors: those that cannot be used and never could, in words.
    pub(super) fn read(&mut self, config: &ServerConfig) -> Vec<String> {
        let mut errors = self.authorities.read(config);
        for (place, source) in sources(config) {
            if self.tickets.is_none() {
                match TlsTickets::new() {
                    Ok(tickets) => self.tickets = Some(tickets),
                    Err(error) => errors.push(format!("{place}: {error}")),
                }
            }
            if *source == CertificateSource::SelfSigned {
                self.self_signed_names = self_signed_names(config);
                // One of our own making is made once, and again for names that are new.
                let covers = |known: &KnownCertificate| {
                    self.self_signed_names.iter().all(|name| known.pair.details().names.contains(name))
                };
                if self.known.get(source).is_some_and(covers) {
                    continue;
                }
            }
            if let Err(error) = self.refresh(source) {
                errors.push(format!("{place}: {error}"));
            }
        }
        errors
    }

    /// Reads the pairs and issuers again that this file is part of. Whether there are any.
    pub(super) fn file_changed(&mut self, path: &Path) -> bool {
        let concerned: Vec<_> = self.known.keys().filter(|source| is_of(source, path)).cloned().collect();
        for source in &concerned {
            // A pair that was good before is kept, so that there is no error.
            let _ = self.refresh(source);
        }
        self.authorities.file_changed(path) || !concerned.is_empty()
    }

    /// Forgets those that `config` does not name, and counts the others.
    pub(super) fn publish(&mut self, config: &ServerConfig, metrics: &ServerMetrics) {
        self.known.retain(|source, _| sources(config).any(|(_, named)| named == source));
        self.authorities.publish(config, metrics);
        self.set_ticket_secrets(&config.server.ticket_secrets);
        for (source, known) in &mut self.known {
            let figures = known.figures.get_or_insert_with(|| metrics.certificate(&name(source)));
            figures.set(Some(unix_seconds(known.pair.details().not_after)), known.kept.is_none());
        }
    }

    /// Tickets are made by other secrets from now on, if they are others.
    fn set_ticket_secrets(&mut self, secrets: &[SessionSecret]) {
        let Some(tickets) = self.tickets.as_ref().filter(|_| self.ticket_secrets != secrets) else { return };
        let keys: Vec<_> = secrets.iter().map(|secret| TicketSecret(secret.key())).collect();
        match tickets.set_secrets(&keys, own_name().trim()) {
            Ok(()) => self.ticket_secrets = secrets.to_vec(),
            Err(error) => tracing::error!("session tickets: {error}; those of before go on"),
        }
    }

    /// What handshakes of a listener are done with; none where none of its certificates was read.
    pub(super) fn terms(
        &self,
        sources: &[CertificateSource],
        client_ca: Option<&PathBuf>,
    ) -> Option<TlsTerms<'_>> {
        let known = sources.iter().filter_map(|source| self.known.get(source));
        let certificates: Vec<CertificatePair> = known.map(|known| known.pair.clone()).collect();
        let tickets = self.tickets.as_ref().filter(|_| !certificates.is_empty())?;
        Some(TlsTerms { certificates, tickets, authorities: self.authorities.of(client_ca) })
    }

    /// The names and addresses of the first that was read and that clients can verify: none of one of our own making.
    pub(super) fn verified_names(&self, sources: &[CertificateSource]) -> Vec<String> {
        let mut signed = sources.iter().filter(|source| **source != CertificateSource::SelfSigned);
        let known = signed.find_map(|source| self.known.get(source));
        known.map(|known| known.pair.details().names.clone()).unwrap_or_default()
    }

    /// Which files of issuers cannot be used, a sentence each.
    pub(super) fn troubles_of_authorities(&self) -> Vec<String> {
        self.authorities.troubles()
    }

    /// How each is, by name.
    pub(super) fn states(&self) -> Vec<CertificateState> {
        let state = |(source, known): (&CertificateSource, &KnownCertificate)| CertificateState {
            name: name(source),
            subjects: known.pair.details().names.clone(),
            not_after: known.pair.details().not_after,
            kept: known.kept.clone(),
        };
        let mut states: Vec<_> = self.known.iter().map(state).collect();
        states.sort_by(|one, other| one.name.cmp(&other.name));
        states
    }

    /// Reads a pair and puts it in the place of the one before. Errors: it cannot be used, and there is none before it.
    fn refresh(&mut self, source: &CertificateSource) -> Result<(), String> {
        match (read_pair(source, &self.self_signed_names), self.known.get_mut(source)) {
            (Ok(pair), Some(known)) => {
                if known.pair != pair || known.kept.is_some() {
                    tracing::info!("certificate {}: a new one is in use", name(source));
                }
                (known.pair, known.kept) = (pair, None);
            }
            (Ok(pair), None) => {
                self.known.insert(source.clone(), KnownCertificate { pair, kept: None, figures: None });
            }
            (Err(why), Some(known)) => {
                if known.kept.as_ref() != Some(&why) {
                    tracing::warn!("{why}: the last good certificate stays");
                }
                known.kept = Some(why);
            }
            (Err(why), None) => return Err(why),
        }
        Ok(())
    }
}

/// Reads every certificate that `config` names: warnings, and what is wrong, in words.
pub fn check_certificates(config: &ServerConfig) -> (Vec<String>, Vec<String>) {
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    for (place, source) in sources(config).filter(|(_, source)| **source != CertificateSource::SelfSigned) {
        if seen.contains(&source) {
            continue;
        }
        seen.push(source);
        match read_pair(source, &[]) {
            Err(error) => errors.push(format!("{place}: {error}")),
            Ok(pair) => warnings
                .extend(doubts(&pair).into_iter().map(|doubt| format!("{place}: {}: {doubt}", name(source)))),
        }
    }
    errors.extend(check_authorities(config));
    (warnings, errors)
}

/// Why clients may refuse a certificate.
fn doubts(pair: &CertificatePair) -> Vec<String> {
    let details = pair.details();
    let invalid = details.invalid_at(SystemTime::now()).map(|why| format!("the certificate {why}"));
    let nameless =
        details.names.is_empty().then(|| "the certificate is for no name and no address".to_owned());
    let misplaced = details.misplaced.map(|number| {
        format!("certificate {number} of the file is not that of the issuer of the one before it; clients may refuse the chain")
    });
    [invalid, nameless, misplaced].into_iter().flatten().collect()
}

/// The pair of these files, or one of our own making for `own_names`.
fn read_pair(source: &CertificateSource, own_names: &[String]) -> Result<CertificatePair, String> {
    match source {
        CertificateSource::SelfSigned => {
            CertificatePair::self_signed(own_names.to_vec()).map_err(|error| error.to_string())
        }
        CertificateSource::Files { certificate, key } => {
            let (chain, _) = read(certificate)?;
            let (secret, found) = read(key)?;
            let mode = found.permissions().mode() & 0o7777;
            if mode & 0o004 != 0 {
                let key = key.display();
                return Err(format!(
                    "`{key}` is a private key that every user can read (mode {mode:04o}); chmod o-r {key}"
                ));
            }
            CertificatePair::from_pem(&chain, &secret).map_err(|error| {
                format!("`{}` with the key `{}`: {error}", certificate.display(), key.display())
            })
        }
    }
}

/// The names and addresses that a certificate is for. Its key need not be readable.
pub(super) fn certificate_names(
    source: &CertificateSource,
    config: &ServerConfig,
) -> Result<Vec<String>, String> {
    match source {
        CertificateSource::SelfSigned => Ok(self_signed_names(config)),
        CertificateSource::Files { certificate, .. } => {
            let details = CertificateDetails::from_pem(&read(certificate)?.0);
            details
                .map(|details| details.names)
                .map_err(|error| format!("`{}`: {error}", certificate.display()))
        }
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, Metadata), String> {
    read_regular_file(path, MOST).map_err(|error| format!("`{}` {error}", path.display()))
}

/// The certificates that are named, with the places of the entries.
fn sources(config: &ServerConfig) -> impl Iterator<Item = (&rhumb_config::FilePlace, &CertificateSource)> {
    config.listen.iter().flat_map(|listen| listen.certificates.iter().map(|source| (&listen.place, source)))
}

fn is_of(source: &CertificateSource, path: &Path) -> bool {
    match source {
        CertificateSource::SelfSigned => false,
        CertificateSource::Files { certificate, key } => certificate == path || key == path,
    }
}

fn name(source: &CertificateSource) -> String {
    match source {
        CertificateSource::SelfSigned => SELF_SIGNED.to_owned(),
        CertificateSource::Files { certificate, .. } => certificate.display().to_string(),
    }
}

fn unix_seconds(when: SystemTime) -> u64 {
    when.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
