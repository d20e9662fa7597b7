//! The command line.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use rhumb_wire::{Name, Type};

use crate::boot::{self, StartError};
use crate::control::Explain;

pub mod client;
mod man;

use client::{Exit, Order, Output, Target};

/// A nameserver: authoritative, recursive and forwarding in one.
///
/// Without a command it serves, with the built-in default configuration. Exit status: 0 good, 1 the operation failed, 2 wrong usage or bad configuration.
#[derive(Debug, Parser)]
#[command(name = "rhumb", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What rhumb is to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Command {
    /// Serve
    Run {
        /// The configuration; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Read everything a start would read and tell every error
    Check {
        /// The configuration; the built-in default without it
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Read a zone file and tell every error
    CheckZone {
        /// The name of the zone
        origin: Name,
        /// The zone file
        file: PathBuf,
    },
    /// One that does its work without being a server.
    #[command(flatten)]
    Client(Client),
}

/// A command that asks or tells the running server, or needs none at all.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Client {
    /// Tell what a reload would change in the running server
    Diff(ServerArgs),
    /// Have the running server follow its configuration; every change or every error is told
    Reload(ServerArgs),
    /// Show how the running server is
    Status(ServerArgs),
    /// Show the counters of the running server
    Stats(ServerArgs),
    /// Drop a name from the cache, or everything
    Flush(FlushArgs),
    /// Answer a question and tell where the answer comes from
    Explain(ExplainArgs),
    /// Show the zones of the running server
    #[command(subcommand)]
    Zone(Zone),
    /// Ask every local address through every listener: does the reply come from it?
    Selftest(SelftestArgs),
    /// Succeed if the running server is healthy, or at least answers a query; takes two seconds at most
    Healthcheck(PlaceArgs),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// A command about zones.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Zone {
    /// List the zones, one line each
    List(ServerArgs),
    /// Show all about a zone, or about every zone
    Status(ZoneStatusArgs),
}

/// Where the running server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
struct PlaceArgs {
    /// The configuration that names the control socket; the usual places are tried without it
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl From<PlaceArgs> for Target {
    fn from(args: PlaceArgs) -> Target {
        Target { config: args.config, socket: args.socket }
    }
}

/// Where the running server is, and how to show what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
struct ServerArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What to drop from the cache.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
struct FlushArgs {
    /// The name; everything without it
    name: Option<Name>,
    /// Drop what is below the name too
    #[arg(long, requires = "name")]
    subtree: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// The question to explain.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
struct ExplainArgs {
    /// The name to ask for
    name: Name,
    /// The type to ask for, such as A or TYPE65
    #[arg(value_name = "TYPE")]
    rtype: Type,
    /// Whose question it is taken for; one of this host without it
    #[arg(long, value_name = "ADDR")]
    from: Option<IpAddr>,
    /// The address it is taken to have been sent to
    #[arg(long, value_name = "ADDR")]
    to: Option<IpAddr>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Which zone to show.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
struct ZoneStatusArgs {
    /// The zone; every zone without it
    name: Option<Name>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Which listeners to ask.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
struct SelftestArgs {
    /// The configuration that names the listeners; the built-in default without it
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does what the command line says. Wrong usage ends the process with status 2; `--help` and `--version` with 0.
pub fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let output = Output { out: &mut out, err: &mut err };
    Cli::parse().command.unwrap_or(Command::Run { config: None }).carry_out(output).into()
}

impl Command {
    fn carry_out(self, output: Output<'_>) -> Exit {
        let done = match self {
            Command::Run { config } => boot::run(config.as_deref()).map(|()| None),
            Command::Check { config } => boot::check(config.as_deref()).map(Some),
            Command::CheckZone { origin, file } => boot::check_zone(&origin.to_string(), &file).map(Some),
            Command::Client(client) => return client.carry_out(output),
        };
        match done {
            Ok(None) => Exit::Good,
            Ok(Some((warnings, told))) => {
                for warning in warnings {
                    complain(output.err, &warning);
                }
                print(output.out, |text| writeln!(text, "{told}"))
            }
            Err(error) => {
                complain(output.err, &error.to_string());
                match error {
                    StartError::Configuration(_) => Exit::Wrong,
                    StartError::System(_) => Exit::Failed,
                }
            }
        }
    }
}

/// There is nobody to tell of a failing standard error.
fn complain(err: &mut dyn Write, what: &str) {
    let _ = writeln!(err, "{what}");
}

impl Client {
    fn carry_out(self, output: Output<'_>) -> Exit {
        let (order, server) = match self {
            Client::Diff(server) => (Order::Diff, server),
            Client::Reload(server) => (Order::Reload, server),
            Client::Status(server) => (Order::Status, server),
            Client::Stats(server) => (Order::Stats, server),
            Client::Flush(FlushArgs { name, subtree, server }) => (Order::Flush { name, subtree }, server),
            Client::Explain(ExplainArgs { name, rtype, from, to, server }) => {
                (Order::Explain(Explain { name, rtype, from, to }), server)
            }
            Client::Zone(Zone::List(server)) => (Order::ZoneList, server),
            Client::Zone(Zone::Status(ZoneStatusArgs { name, server })) => (Order::ZoneStatus(name), server),
            Client::Selftest(SelftestArgs { config, json }) => {
                return client::selftest(&Target { config, socket: None }, json, output);
            }
            Client::Healthcheck(place) => return client::healthcheck(&place.into(), output),
            Client::Completions { shell } => {
                return print(output.out, |text| {
                    clap_complete::generate(shell, &mut Cli::command(), "rhumb", text);
                    Ok(())
                });
            }
            Client::Man => return print(output.out, |text| man::write(Cli::command(), text)),
        };
        client::carry_out(&order, &server.place.into(), server.json, output)
    }
}

/// Made whole first: the generators take a broken pipe badly.
fn print(out: &mut dyn Write, text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Exit {
    let mut made = Vec::new();
    let written = text(&mut made).and_then(|()| out.write_all(&made)).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => Exit::Good,
    }
}

#[cfg(test)]
mod tests;
