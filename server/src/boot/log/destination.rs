//! What standard error is: a terminal, the journal of systemd, or anything else.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;

use nix::sys::stat::fstat;
use tracing::Level;

/// What reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::boot) enum LogDestination {
    /// A person.
    Terminal {
        /// Whether words are coloured.
        colours: bool,
    },
    /// The journal, which takes the priority of a line from its beginning.
    Journal,
    /// A file, a pipe.
    Other,
}

/// How lines look.
#[derive(Debug, Clone, Copy)]
pub(in crate::boot) struct LogForm {
    pub(in crate::boot) destination: LogDestination,
    pub(in crate::boot) json: bool,
}

impl LogDestination {
    /// Standard error, as this process was started with it.
    pub(super) fn of_stderr() -> Self {
        let stderr = io::stderr();
        if stderr.is_terminal() {
            return Self::Terminal { colours: takes_colours(env::var_os("NO_COLOR").as_deref()) };
        }
        let file = fstat(stderr.as_fd()).ok().map(|file| (file.st_dev, file.st_ino));
        if file.is_some_and(|file| is_journal(env::var_os("JOURNAL_STREAM").as_deref(), file)) {
            Self::Journal
        } else {
            Self::Other
        }
    }

    /// What stands before a line of this level.
    pub(in crate::boot) const fn prefix(self, level: Level) -> &'static str {
        match self {
            Self::Journal => priority(level),
            _ => "",
        }
    }
}

/// Colours are off where `NO_COLOR` is set to anything but the empty text (no-color.org).
fn takes_colours(no_color: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty)
}

/// Whether `JOURNAL_STREAM`, device and inode with a colon between, is this file (systemd.exec(5)).
fn is_journal(variable: Option<&OsStr>, (device, inode): (u64, u64)) -> bool {
    let stream = variable.and_then(OsStr::to_str).and_then(|text| text.split_once(':'));
    stream.is_some_and(|(dev, ino)| dev.parse() == Ok(device) && ino.parse() == Ok(inode))
}

/// The priority of syslog(3), as sd-daemon(3) wants it before a line.
const fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_the_stream_of_its_device_and_inode() {
        for (variable, journal) in [
            (None, false),
            (Some("9:1234"), true),
            (Some("9:1235"), false),
            (Some("8:1234"), false),
            (Some("1234"), false),
            (Some(":"), false),
            (Some("9:"), false),
            (Some("9:1234:5"), false),
        ] {
            assert_eq!(is_journal(variable.map(OsStr::new), (9, 1234)), journal, "{variable:?}");
        }
    }

    #[test]
    fn priorities_stand_before_lines_for_the_journal_alone() {
        let prefixes = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE]
            .map(|level| LogDestination::Journal.prefix(level));
        assert_eq!(prefixes, ["<3>", "<4>", "<6>", "<7>", "<7>"]);
        assert_eq!(LogDestination::Other.prefix(Level::ERROR), "");
        assert_eq!(LogDestination::Terminal { colours: true }.prefix(Level::ERROR), "");
    }

    #[test]
    fn colours_can_be_turned_off() {
        assert!(takes_colours(None) && takes_colours(Some(OsStr::new(""))));
        assert!(!takes_colours(Some(OsStr::new("1"))));
    }
}
