//! The start, in the order that privileges ask for: sockets while root, then the user, then the sandbox, then threads.

mod check;
mod encrypted;
mod ending;
mod log;
mod notify;
mod privilege;
mod query_lines;
mod sandbox;
mod serve;
mod signals;
mod start_error;
mod unreadable;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rhumb_config::ServerConfig;

use crate::cache_file::CacheFile;
use crate::control;
use crate::listen::OpenListeners;
use crate::metrics::ServerMetrics;
use crate::reload::PreloadedFiles;
use crate::snapshot::ServerState;
use crate::trust_anchors::restore_anchors;
use crate::zone_events::{StateFolder, StateStore};

pub use check::{CheckReport, check, check_zone};
pub use encrypted::encrypted_listeners;
pub use start_error::StartError;

use start_error::read_config;

use unreadable::unreadable;

/// What is bound before privileges are given up.
struct Sockets {
    listeners: OpenListeners,
    metrics: Option<TcpListener>,
    control: Option<control::ControlListener>,
}

/// Serves until a signal ends it.
///
/// Errors: the configuration, a socket that cannot be bound, privileges that cannot be given up.
pub fn run(path: Option<&Path>) -> Result<(), StartError> {
    let config = Arc::new(read_config(path, rhumb_config::load)?);
    let log::StartedLog { level, form } = log::start(config.log);
    let supervisor = notify::ServiceManager::from_environment();
    let successor = privilege::successor(config.user.as_deref())
        .map_err(|error| StartError::System(error.to_string()))?;
    if let Err(error) = rhumb_net::raise_descriptor_limit() {
        tracing::warn!(%error, "the limit of open files (RLIMIT_NOFILE) stays as it is");
    }
    let sockets = bind(&config, successor.as_ref())?;
    let state = prepare_state(&config, successor.as_ref())?;
    let (reads_all, preloaded) = closed_files(&config, successor.as_ref());
    let privileges = privilege::give_up(successor.as_ref(), reads_all)
        .map_err(|error| StartError::System(error.to_string()))?;
    let mut writable = writable(sockets.control.as_ref());
    writable.extend(state.as_ref().map(|state| state.path().to_owned()));
    let sandbox = sandbox::enter(&writable).map_err(|error| StartError::System(error.to_string()))?;
    tracing::info!("{privileges}; {sandbox}");
    let metrics = Arc::new(ServerMetrics::new(env!("CARGO_PKG_VERSION")));
    let live = Arc::new(ServerState::new(&config, metrics));
    if let Some(folder) = &state {
        restore_anchors(&live.anchors, folder.path());
    }
    let cache_file = match &state {
        Some(folder) => Some(cache_file(&live, folder)?),
        None => None,
    };
    let store = match state {
        Some(folder) => Some(StateStore::start(folder, &live.metrics).map_err(StartError::from)?),
        None => None,
    };
    let confinement = vec![privileges.to_string(), sandbox.to_string()];
    let server = serve::StartedServer {
        config,
        live,
        store,
        cache_file,
        supervisor,
        confinement,
        level,
        log_form: form,
    };
    server.run(sockets, preloaded)
}

/// Makes the folder of the state while that is allowed, and takes it as the later user.
fn prepare_state(
    config: &ServerConfig,
    successor: Option<&privilege::UserAccount>,
) -> Result<Option<StateFolder>, StartError> {
    let Some(path) = &config.state else { return Ok(None) };
    StateFolder::prepare(path, successor.map(|account| (account.uid, account.gid)))?;
    Ok(Some(privilege::as_user(successor, || StateFolder::open(path))?))
}

/// What looks after the file of the cache.
fn cache_file(live: &Arc<ServerState>, folder: &StateFolder) -> Result<CacheFile, StartError> {
    CacheFile::start(live, folder.path()).map_err(|error| StartError::System(format!("cache file: {error}")))
}

/// Binds everything while it is still allowed, but for the later user: sockets that share a port have to be of one user.
fn bind(config: &ServerConfig, successor: Option<&privilege::UserAccount>) -> Result<Sockets, StartError> {
    let listeners =
        privilege::as_user(successor, || OpenListeners::bind(config)).map_err(StartError::Configuration)?;
    let metrics = match config.metrics {
        None => None,
        Some(metrics) => Some(bind_metrics(config, metrics.listen)?),
    };
    let mut control = match control::place::bind_configured(config) {
        Ok(bound) => Some(bound),
        // The built-in default has to start anywhere.
        Err(error) if config.file.is_none() => {
            tracing::warn!("no control socket: {error}");
            None
        }
        Err(error) => return Err(StartError::System(format!("control socket: {error}"))),
    };
    if let (Some(listener), Some(account)) = (&control, successor) {
        listener
            .give_to(account.uid.as_raw(), account.gid.as_raw())
            .map_err(|error| StartError::System(format!("control socket: {error}")))?;
    }
    if let (Some(listener), Some(group)) = (&mut control, &config.control.read_group) {
        let failed = |error: String| StartError::System(format!("control.read-group: {error}"));
        let gid = privilege::find_group(group).map_err(|error| failed(error.to_string()))?;
        listener.admit_readers(gid).map_err(|error| {
            failed(format!(
                "the socket cannot be given to the group {group}: {error}; start as root or as a member"
            ))
        })?;
    }
    Ok(Sockets { listeners, metrics, control })
}

/// What is done about files that the later user cannot read. Whether reading them has to be kept, so that their changes can be
/// followed: root was started without saying whom to become. A user that is named is held to what it can read, and starts
/// from what root reads now. That is read by this thread alone: privileges belong to a thread, and are given up next.
fn closed_files(config: &ServerConfig, successor: Option<&privilege::UserAccount>) -> (bool, PreloadedFiles) {
    let closed = privilege::as_user(successor, || unreadable(config));
    let look = || successor.map_or_else(PreloadedFiles::default, |_| PreloadedFiles::look_at(config));
    match (closed, &config.user) {
        (None, _) => (false, look()),
        (Some(path), Some(user)) => {
            tracing::warn!(
                "{}: {user} cannot read it, so that its changes will not be followed",
                path.display()
            );
            (false, PreloadedFiles::read(config))
        }
        (Some(path), None) => {
            tracing::warn!(
                "{}: only root may read it: CAP_DAC_READ_SEARCH is kept to follow it",
                path.display()
            );
            (successor.is_some(), look())
        }
    }
}

/// The folders that files are made and removed in. One that the user cannot enter stays closed: the socket in it, made
/// while root, serves all the same and is replaced at the next start.
fn writable(control: Option<&control::ControlListener>) -> Vec<std::path::PathBuf> {
    let folder = control.map(|listener| sandbox::folder_of(listener.path()));
    let (open, closed): (Vec<_>, Vec<_>) =
        folder.into_iter().partition(|folder| std::fs::read_dir(folder).is_ok());
    for folder in closed {
        tracing::warn!(
            "{}: the server's user cannot enter it, so that the control socket will stay behind",
            folder.display()
        );
    }
    open
}

fn bind_metrics(config: &ServerConfig, address: std::net::SocketAddr) -> Result<TcpListener, StartError> {
    let v6only = address.is_ipv6() && !address.ip().is_unspecified();
    rhumb_net::tcp::bind(address, v6only, 128).map_err(|error| {
        let file =
            config.file.as_ref().map_or_else(|| "built-in default".into(), |file| file.display().to_string());
        StartError::Configuration(vec![format!("{file}: metrics.listen: {error}")])
    })
}
