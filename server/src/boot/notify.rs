//! Telling the service manager how we are: the protocol of `sd_notify(3)`, for `Type=notify` and for `notify-reload`.
//!
//! Without `NOTIFY_SOCKET` in the environment every call does nothing. A message that cannot be delivered is
//! dropped: nothing a manager does may hold or end the server.

#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The longest text of a status line that is sent, in bytes.
const MOST_STATUS: usize = 1024;

/// The way to the service manager. Cheap to share; to be made before threads are started, as it reads the
/// environment.
#[derive(Debug, Default)]
pub(crate) struct ServiceManager {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// As the environment says: `NOTIFY_SOCKET` (a path, or `@` and an abstract name), `WATCHDOG_USEC` and
    /// `WATCHDOG_PID`. An address of another kind is told in the log and not used.
    pub(crate) fn from_environment() -> Self {
        let variable = |name| env::var(name).ok();
        Self::new(
            env::var_os("NOTIFY_SOCKET").as_deref(),
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
        )
    }

    fn new(address: Option<&OsStr>, watchdog: Option<&str>, watched: Option<&str>) -> Self {
        let Some(address) = address.filter(|address| !address.is_empty()) else { return Self::default() };
        match open(address) {
            Ok(to) => Self { to: Some(to), watchdog: half(watchdog, watched) },
            Err(error) => {
                tracing::warn!(address = %address.to_string_lossy(), %error, "NOTIFY_SOCKET cannot be used");
                Self::default()
            }
        }
    }

    /// How often to call [`ServiceManager::alive`]: half the time after which the manager would restart us. `None`: it
    /// does not watch.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// All is set up, or a reload has ended, well or not.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// A reload begins; [`ServiceManager::ready`] has to follow.
    pub(crate) fn reloading(&self) {
        // The manager tells by this time that the reload is the one it asked for (CLOCK_MONOTONIC, microseconds).
        let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return };
        let now = Duration::from(now).as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The start goes on, and may take so much longer from now on.
    pub(crate) fn extend_start(&self, time: Duration) {
        self.send(&format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()));
    }

    /// The server ends of its own will or by a signal.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line for `systemctl status`.
    pub(crate) fn status(&self, text: &str) {
        let mut line = String::with_capacity(text.len().min(MOST_STATUS));
        for character in text.chars() {
            if line.len() + character.len_utf8() > MOST_STATUS {
                break;
            }
            // A new line would begin another message.
            line.push(if character.is_control() { ' ' } else { character });
        }
        self.send(&format!("STATUS={line}"));
    }

    /// A sign of life for the watchdog.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, message: &str) {
        let Some((socket, address)) = &self.to else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), address) {
            tracing::debug!(%error, "a message to the service manager was lost");
        }
    }
}

/// Not connected: the manager may replace its socket while we run.
fn open(address: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a path from / nor @ and a name",
            ));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Half the watchdog's time, if it is set for this process.
fn half(watchdog: Option<&str>, watched: Option<&str>) -> Option<Duration> {
    let time = Duration::from_micros(watchdog?.parse().ok()?) / 2;
    let ours = watched.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    (ours && !time.is_zero()).then_some(time)
}
