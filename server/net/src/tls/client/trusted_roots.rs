//! The certificates that are trusted, as their file has them.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

/// Where systems keep the certificates that they trust, all in one file: Debian and Alpine; Fedora; older ones of its family;
/// openSUSE; BSD.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// The environment's word for another file, as OpenSSL has it.
const VARIABLE: &str = "SSL_CERT_FILE";
/// The largest file that is read, in bytes; those in use have some hundred thousand.
const MOST: u64 = 16 << 20;

/// Why there are no trusted certificates.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The system has no such file at any of the usual places.
    #[error(
        "this system has no root certificates (looked for {list}); install them (ca-certificates), or give `ca:` or `pins:`",
        list = SYSTEM.join(", ")
    )]
    NoSystemRoots,
    /// The file cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is no PEM.
    #[error("`{}` is no PEM: {error}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },
    /// The file has no certificate that can be used.
    #[error("`{}` holds no certificate in PEM (-----BEGIN CERTIFICATE-----) that can be trusted", .0.display())]
    NoCertificate(PathBuf),
}

/// Looks whether there are trusted certificates in `file`, or in the system's where none is given: how many.
pub fn check_roots(file: Option<&Path>) -> Result<usize, RootsError> {
    let path = path_of(file)?;
    read(&path).map(|roots| roots.len())
}

/// Trusted certificates by their files, each read again once its file is another.
#[derive(Debug, Default)]
pub(super) struct TrustedRoots(HashMap<PathBuf, KnownRoots>);

#[derive(Debug)]
struct KnownRoots {
    mark: FileMark,
    roots: Arc<RootCertStore>,
}

/// Device, inode, size and the times of the last changes of content and inode.
type FileMark = (u64, u64, u64, Option<SystemTime>, (i64, i64));

impl TrustedRoots {
    /// Those in `file`, or the system's, as they are now; the last good ones where the file is of no use now.
    pub(super) fn current(&mut self, file: Option<&Path>) -> Result<Arc<RootCertStore>, RootsError> {
        let path = match path_of(file) {
            Ok(path) => path,
            // The system's have gone: those that were read stay.
            Err(error) => return self.any_of_system().ok_or(error),
        };
        let found = fs::metadata(&path).map(|found| mark(&found));
        let known = self.0.get(&path);
        if let (Some(known), Ok(found)) = (known, &found)
            && known.mark == *found
        {
            return Ok(Arc::clone(&known.roots));
        }
        match (read(&path), found, known) {
            (Ok(roots), Ok(mark), _) => {
                let roots = Arc::new(roots);
                self.0.insert(path, KnownRoots { mark, roots: Arc::clone(&roots) });
                Ok(roots)
            }
            (_, _, Some(known)) => Ok(Arc::clone(&known.roots)),
            (Ok(roots), Err(_), None) => Ok(Arc::new(roots)),
            (Err(error), _, None) => Err(error),
        }
    }

    fn any_of_system(&self) -> Option<Arc<RootCertStore>> {
        SYSTEM.iter().find_map(|path| self.0.get(Path::new(path))).map(|known| Arc::clone(&known.roots))
    }
}

fn mark(found: &Metadata) -> FileMark {
    let changed = (found.ctime(), found.ctime_nsec());
    (found.dev(), found.ino(), found.size(), found.modified().ok(), changed)
}

/// The file itself, or that of the system.
fn path_of(file: Option<&Path>) -> Result<PathBuf, RootsError> {
    if let Some(file) = file {
        return Ok(file.to_owned());
    }
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let usual = || SYSTEM.iter().map(PathBuf::from).find(|path| path.exists());
    named.or_else(usual).ok_or(RootsError::NoSystemRoots)
}

fn read(path: &Path) -> Result<RootCertStore, RootsError> {
    let unreadable = |error| RootsError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is no regular file")));
    }
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).map_err(unreadable)?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| RootsError::Pem { path: path.to_owned(), error })?;
    let mut roots = RootCertStore::empty();
    // One of many that is odd leaves the others.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(RootsError::NoCertificate(path.to_owned()));
    }
    Ok(roots)
}
