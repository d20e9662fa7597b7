//! Where the running server is, as the command line says it.

use std::path::PathBuf;

use clap::Args;

/// Where the running server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct ServerTarget {
    /// The configuration file that says where the control socket is; `None` for the built-in default.
    pub(in crate::cli) config: Option<PathBuf>,
    /// The control socket itself.
    pub(in crate::cli) socket: Option<PathBuf>,
}

/// Where the running server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(super) struct TargetArguments {
    /// The configuration that names the control socket; the usual places are tried without it
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
}

impl From<TargetArguments> for ServerTarget {
    fn from(arguments: TargetArguments) -> Self {
        Self { config: arguments.config, socket: arguments.socket }
    }
}
