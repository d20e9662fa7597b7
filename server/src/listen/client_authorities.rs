//! Issuers of the certificates that clients show: read at the start, at reloads, and when their files change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{ServerConfig, read_regular_file};
use rhumb_net::tls::ClientAuthorities;

use crate::metrics::{CertificateFigures, ServerMetrics};

/// The largest file, in bytes.
const MOST: usize = 1 << 20;

/// Issuers by their files.
#[derive(Debug, Default)]
pub(super) struct KnownAuthorities(HashMap<PathBuf, KnownFile>);

#[derive(Debug)]
struct KnownFile {
    authorities: ClientAuthorities,
    /// Why these are not what the file holds now.
    kept: Option<String>,
    figures: Option<Arc<CertificateFigures>>,
}

impl KnownAuthorities {
    /// Reads every file that `config` names. Errors: those that cannot be used and never could, in words.
    pub(super) fn read(&mut self, config: &ServerConfig) -> Vec<String> {
        let refresh = |(place, file): (&rhumb_config::FilePlace, &PathBuf)| {
            self.refresh(file).err().map(|error| format!("{place}: {error}"))
        };
        files(config).filter_map(refresh).collect()
    }

    /// Reads the file again if it is one of them. Whether it is.
    pub(super) fn file_changed(&mut self, path: &Path) -> bool {
        let is_known = self.0.contains_key(path);
        if is_known {
            // Those that were good before are kept, so that there is no error.
            let _ = self.refresh(path);
        }
        is_known
    }

    /// Forgets those that `config` does not name, and counts the others.
    pub(super) fn publish(&mut self, config: &ServerConfig, metrics: &ServerMetrics) {
        self.0.retain(|path, _| files(config).any(|(_, file)| file == path));
        for (path, known) in &mut self.0 {
            let new = || metrics.certificate(&path.display().to_string());
            known.figures.get_or_insert_with(new).set(None, known.kept.is_none());
        }
    }

    /// Why the last good ones were kept, a sentence for each file that this is so of.
    pub(super) fn troubles(&self) -> Vec<String> {
        let kept = self.0.values().filter_map(|known| known.kept.as_ref());
        let mut troubles: Vec<String> =
            kept.map(|why| format!("client-ca {why}: the last good one stays")).collect();
        troubles.sort();
        troubles
    }

    /// Those of this file, if it was read.
    pub(super) fn of(&self, file: Option<&PathBuf>) -> Option<ClientAuthorities> {
        self.0.get(file?).map(|known| known.authorities.clone())
    }

    fn refresh(&mut self, file: &Path) -> Result<(), String> {
        match (read(file), self.0.get_mut(file)) {
            (Ok(authorities), Some(known)) => {
                if known.authorities != authorities || known.kept.is_some() {
                    tracing::info!("client-ca {}: a new one is in use", file.display());
                }
                (known.authorities, known.kept) = (authorities, None);
            }
            (Ok(authorities), None) => {
                self.0.insert(file.to_owned(), KnownFile { authorities, kept: None, figures: None });
            }
            (Err(why), Some(known)) => {
                if known.kept.as_ref() != Some(&why) {
                    tracing::warn!("client-ca {why}: the last good one stays");
                }
                known.kept = Some(why);
            }
            (Err(why), None) => return Err(why),
        }
        Ok(())
    }
}

/// Reads every file that `config` names: what is wrong, in words.
pub(super) fn check_authorities(config: &ServerConfig) -> Vec<String> {
    KnownAuthorities::default().read(config)
}

/// The files that are named, with the places of the entries.
fn files(config: &ServerConfig) -> impl Iterator<Item = (&rhumb_config::FilePlace, &PathBuf)> {
    config.listen.iter().filter_map(|listen| Some((&listen.place, listen.client_ca.as_ref()?)))
}

fn read(file: &Path) -> Result<ClientAuthorities, String> {
    let text = read_regular_file(file, MOST).map_err(|error| format!("`{}` {error}", file.display()))?.0;
    ClientAuthorities::from_pem(&text).map_err(|error| format!("`{}`: {error}", file.display()))
}
