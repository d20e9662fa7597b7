//! The command line: the commands that start or check a server stand here, those that ask a running one come from
//! [`operator::commands`](crate::operator::commands).

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;
use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigAlgorithm;
use serde_json::json;

use crate::boot::{self, CheckReport, StartError};
use crate::operator::show::AnswerStreams;

mod client;
mod exit;
mod key_text;
mod man;
mod profile;
mod rows;
mod server_target;

use exit::CommandExit;
use profile::ProfileTransport;
use server_target::{ServerTarget, TargetArguments};

/// A DNS server: serves zones, resolves from the root with DNSSEC validation, forwards and caches.
///
/// Without a command it serves, with the built-in default configuration. This version does not sign zones. Exit status: 0 good, 1 the operation failed, 2 wrong usage or bad configuration.
#[derive(Debug, Parser)]
#[command(name = "rhumb", version, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<LocalCommand>,
}

/// A command that needs no control socket.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum LocalCommand {
    /// Serve
    Run {
        /// The configuration; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Read everything a start would read and report every error
    Check {
        /// The configuration; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read a zone file and report every error
    CheckZone {
        /// The name of the zone
        origin: DomainName,
        /// The zone file
        file: PathBuf,
        /// A folder that $INCLUDE may read from too; may be given several times
        #[arg(long, value_name = "FOLDER")]
        include_folder: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keys of zones and of their transfers
    #[command(subcommand, display_order = rows::ORDER)]
    Keys(KeysCommand),
    /// Print a configuration profile by which Apple's devices use this server, encrypted
    ///
    /// What Android takes in its place is written to standard error.
    #[command(display_order = rows::ORDER)]
    Profile {
        /// The name of the server, which its certificate has to be for
        name: DomainName,
        /// tls or https; https without it, if there is such a listener
        #[arg(long, value_enum)]
        transport: Option<ProfileTransport>,
        /// The configuration that names the listeners; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Ask every local address through every listener: does the reply come from it?
    #[command(display_order = rows::ORDER + 1)]
    Selftest {
        /// The configuration that names the listeners; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Succeed if the running server is healthy, or at least answers a query; takes two seconds at most
    #[command(display_order = rows::ORDER + 1)]
    Healthcheck {
        #[command(flatten)]
        target: TargetArguments,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the completions for a shell
    #[command(display_order = rows::ORDER + 1)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(display_order = rows::ORDER + 1)]
    Man,
}

/// A command about keys.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum KeysCommand {
    /// Make a key for TSIG and print it as rhumb and other programs take it
    Tsig {
        /// The name of the key, which both sides have to use
        name: DomainName,
        /// hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1 or hmac-md5
        #[arg(long, default_value_t = TsigAlgorithm::HmacSha256)]
        algorithm: TsigAlgorithm,
    },
}

/// Does what the command line says. Wrong usage ends the process with status 2; `--help` and `--version` with 0.
pub fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut streams = AnswerStreams { out: &mut out, err: &mut err };
    run(&command().get_matches(), &mut streams).into()
}

/// The whole command line.
fn command() -> clap::Command {
    rows::add_to(CommandLine::command())
}

fn run(matches: &clap::ArgMatches, streams: &mut AnswerStreams<'_>) -> CommandExit {
    if let Some((row, matches)) = rows::find(matches) {
        return client::run(row, matches, streams);
    }
    match CommandLine::from_arg_matches(matches) {
        Ok(line) => line.command.unwrap_or(LocalCommand::Run { config: None }).run(streams),
        // It was checked as it was read.
        Err(error) => exit::fail(streams, [error.to_string()]),
    }
}

impl LocalCommand {
    fn run(self, streams: &mut AnswerStreams<'_>) -> CommandExit {
        match self {
            Self::Run { config } => match boot::run(config.as_deref()) {
                Ok(()) => CommandExit::Good,
                Err(error) => told(&error, streams),
            },
            Self::Check { config, json } => {
                let mut found = boot::check(config.as_deref());
                found.warnings.extend(client::default_socket_taken(config.as_deref()));
                verdict(&found, json, streams)
            }
            Self::CheckZone { origin, file, include_folder, json } => {
                verdict(&boot::check_zone(&origin, &file, include_folder), json, streams)
            }
            Self::Keys(KeysCommand::Tsig { name, algorithm }) => {
                print(streams.out, |text| text.write_all(key_text::new_key(&name, algorithm)?.as_bytes()))
            }
            Self::Profile { name, transport, config } => {
                match boot::encrypted_listeners(config.as_deref(), &name) {
                    Ok(listeners) => profile::run(&name, &listeners, transport, streams),
                    Err(error) => told(&error, streams),
                }
            }
            Self::Selftest { config, json } => {
                client::selftest(&ServerTarget { config, socket: None }, json, streams)
            }
            Self::Healthcheck { target, json } => {
                let exit = client::healthcheck(&target.into(), streams);
                if json {
                    exit.and_json(&json!({ "healthy": exit == CommandExit::Good }), streams)
                } else {
                    exit
                }
            }
            Self::Completions { shell } => print(streams.out, |text| {
                clap_complete::generate(shell, &mut command(), "rhumb", text);
                Ok(())
            }),
            Self::Man => print(streams.out, |text| man::write(command(), text)),
        }
    }
}

/// Writes what a check found: its verdict or every error, and its warnings.
fn verdict(found: &CheckReport, json: bool, streams: &mut AnswerStreams<'_>) -> CommandExit {
    let warnings = &found.warnings;
    match &found.verdict {
        Ok(verdict) if json => {
            exit::json(streams, &json!({ "good": true, "verdict": verdict, "warnings": warnings }))
        }
        Ok(verdict) => {
            exit::complain(streams, warnings);
            print(streams.out, |text| writeln!(text, "{verdict}"))
        }
        Err(error) => {
            let exit = told(error, streams);
            // Beside errors, which have their places in the same form, they are told apart.
            exit::complain(streams, warnings.iter().map(|warning| format!("warning: {warning}")));
            if json { refused(exit, error, warnings, streams) } else { exit }
        }
    }
}

/// Writes why something failed.
fn told(error: &StartError, streams: &mut AnswerStreams<'_>) -> CommandExit {
    // Each error has its line already.
    let text = error.to_string();
    let _ = writeln!(streams.err, "{text}");
    match error {
        StartError::Configuration(_) => CommandExit::Wrong,
        StartError::System(_) => CommandExit::Failed,
    }
}

/// Writes the same as JSON, to standard output.
fn refused(
    exit: CommandExit,
    error: &StartError,
    warnings: &[String],
    streams: &mut AnswerStreams<'_>,
) -> CommandExit {
    let text = error.to_string();
    let errors: Vec<&str> = text.lines().collect();
    exit.and_json(&json!({ "good": false, "errors": errors, "warnings": warnings }), streams)
}

/// Made whole first: the generators take a broken pipe badly.
fn print(out: &mut dyn Write, text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> CommandExit {
    let mut made = Vec::new();
    let written = text(&mut made).and_then(|()| out.write_all(&made)).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => CommandExit::Failed,
        _ => CommandExit::Good,
    }
}

#[cfg(test)]
mod tests;
