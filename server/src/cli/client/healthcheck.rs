//! `rhumb healthcheck`: is the server well? For containers, within two seconds.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rhumb_config::ServerConfig;
use rhumb_wire::Transport;

use super::listeners::{self, AskedListener};
use super::question::ProbeQuestion;
use super::target::{self, AskError};
use crate::cli::exit::{self, CommandExit};
use crate::cli::server_target::ServerTarget;
use crate::operator::show::AnswerStreams;

/// For all of it; what remains of the two seconds is for starting the process.
const TIME: Duration = Duration::from_millis(1800);
/// How long to wait for an answer before the next question.
const REPLY_WITHIN: Duration = Duration::from_millis(300);

/// Asks the running server on its control socket whether it is healthy. If no control socket can be reached, sends a DNS
/// query to the first listener: any response counts.
///
/// Says nothing if all is well, and else why it is not.
pub(crate) fn healthcheck(target: &ServerTarget, streams: &mut AnswerStreams<'_>) -> CommandExit {
    let deadline = Instant::now() + TIME;
    let channel = match target::channel(target) {
        Ok(channel) => channel,
        Err(errors) => {
            exit::complain(streams, errors);
            return CommandExit::Wrong;
        }
    };
    match channel.ask("GET", "/healthy", b"", TIME) {
        Ok(reply) if reply.status == 200 => CommandExit::Good,
        Ok(reply) => exit::fail(streams, reply.errors()),
        Err(error @ AskError::NoReply(_)) => exit::fail(streams, error.lines(&channel, TIME)),
        // A socket that was named is the one to ask.
        Err(error @ AskError::Unreachable(_)) if target.socket.is_some() => {
            exit::fail(streams, error.lines(&channel, TIME))
        }
        Err(AskError::Unreachable(_)) => match target::listeners(target.config.as_deref()) {
            Ok(config) => by_query(&config, deadline, streams),
            Err(errors) => {
                exit::complain(streams, errors);
                CommandExit::Wrong
            }
        },
    }
}

fn by_query(config: &ServerConfig, deadline: Instant, streams: &mut AnswerStreams<'_>) -> CommandExit {
    let by = |transport| config.listen.iter().find(|listen| listen.transports.contains(&transport));
    let Some(listen) = by(Transport::Udp).or_else(|| by(Transport::Tcp)) else {
        return exit::fail(streams, ["the configuration has no listener over udp or tcp to ask"]);
    };
    let mut destinations = listeners::near(listen);
    let asked: Vec<String> = destinations.iter().map(|to| to.address.to_string()).collect();
    // Those that say that nobody listens are left out, until none remains.
    while !destinations.is_empty() && Instant::now() < deadline {
        let mut answered = false;
        destinations.retain(|to| {
            answered || {
                let outcome = ask(to, REPLY_WITHIN.min(deadline.saturating_duration_since(Instant::now())));
                answered = outcome.is_ok();
                answered || outcome.is_err_and(|error| is_silence(&error))
            }
        });
        if answered {
            return CommandExit::Good;
        }
    }
    exit::fail(
        streams,
        [format!("no answer on the control socket, nor to a DNS query on {}", asked.join(" or "))],
    )
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn ask(to: &AskedListener, within: Duration) -> io::Result<()> {
    let within = within.max(Duration::from_millis(1));
    if to.transports.contains(&Transport::Udp) {
        by_udp(to.address, within)
    } else {
        by_tcp(to.address, within)
    }
}

/// A connected socket, so that only the server's datagrams arrive, and its refusals.
fn by_udp(to: SocketAddr, within: Duration) -> io::Result<()> {
    let own: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((own, 0))?;
    socket.connect(to)?;
    let question = ProbeQuestion::new()?;
    socket.send(&question.message())?;
    reply(&socket, question, within).map(drop)
}

/// Waits for the response to `question`. Gives the address that it came from.
pub(super) fn reply(socket: &UdpSocket, question: ProbeQuestion, within: Duration) -> io::Result<SocketAddr> {
    let deadline = Instant::now() + within;
    // What does not fit is cut off; the header is enough.
    let mut room = [0; 512];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let (count, from) = socket.recv_from(&mut room)?;
        if room.get(..count).is_some_and(|message| question.is_answered_by(message)) {
            return Ok(from);
        }
    }
}

/// Asks over a stream; each of connecting, writing and reading may take this long.
pub(super) fn by_tcp(to: SocketAddr, within: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&to, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    let question = ProbeQuestion::new()?;
    stream.write_all(&question.framed())?;
    // The length of the message and its header; the rest may stay where it is.
    let mut start = [0; 2 + 12];
    stream.read_exact(&mut start)?;
    let (_, header) = start.split_at(2);
    if question.is_answered_by(header) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests;
