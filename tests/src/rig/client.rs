//! A client that is not the host it asks, and looks at where each reply came from.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure};
use crate::rig::host::Host;
use crate::rig::message::Message;
use crate::rig::rng;
use crate::rig::script::Transport;
use crate::rig::stream::Stream;
use crate::{ensure, ensure_eq, fail};

/// One reply and its circumstances.
#[derive(Debug)]
pub struct Reply {
    /// What was said.
    pub message: Message,
    /// The bytes of it.
    pub wire: Vec<u8>,
    /// Where it came from.
    pub from: SocketAddr,
    /// From sending the query to receiving the reply.
    pub took: Duration,
}

/// A client on a host.
#[derive(Clone)]
pub struct Client {
    host: Host,
    from: Option<IpAddr>,
    time_limit: Duration,
}

impl Client {
    /// A client whose own address the host's routing chooses; it waits five seconds for a reply.
    pub fn new(host: &Host) -> Self {
        Self { host: host.clone(), from: None, time_limit: Duration::from_secs(5) }
    }

    /// The same client, with this address of its own.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// The same client, waiting this long for a reply.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// The host it runs on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    fn own_address(&self, to: SocketAddr) -> SocketAddr {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        SocketAddr::new(self.from.unwrap_or(any), 0)
    }

    /// A UDP socket on the host, bound to the client's address but not connected: it hears replies from everyone.
    pub fn udp_socket(&self, to: SocketAddr) -> Result<UdpSocket, Failure> {
        let own = self.own_address(to);
        let socket = self.host.within(|| UdpSocket::bind(own))?.context("binding the client")?;
        let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20));
        Ok(socket)
    }

    /// A TCP connection to `to`.
    pub fn tcp(&self, to: SocketAddr) -> Result<Stream, Failure> {
        let (own, time_limit) = (self.own_address(to), self.time_limit);
        let socket = self.host.within(|| connect(own, to, time_limit))??;
        Stream::new(socket)
    }

    /// Sends bytes and gives the first datagram that comes back to that socket, from wherever; `None` for silence.
    pub fn exchange_raw(
        &self,
        to: SocketAddr,
        wire: &[u8],
    ) -> Result<Option<(Vec<u8>, SocketAddr)>, Failure> {
        let socket = self.udp_socket(to)?;
        socket.send_to(wire, to).context(format!("sending to {to}"))?;
        receive(&socket, self.time_limit)
    }

    /// Asks over UDP and checks id, question and where the reply came from.
    pub fn udp(&self, to: SocketAddr, query: &Message) -> Result<Reply, Failure> {
        let query = Message { id: rng::id(), ..query.clone() };
        let begun = Instant::now();
        let answer = self.exchange_raw(to, &query.to_wire())?;
        let (wire, from) = answer.context(format!("no answer from {to} to {} over UDP", query.name()))?;
        ensure_eq!(from, to, "the reply to {} over UDP came from another address", query.name());
        check(&query, wire, from, begun)
    }

    /// Asks over a TCP connection of its own and checks id and question.
    pub fn stream(&self, to: SocketAddr, query: &Message) -> Result<Reply, Failure> {
        let query = Message { id: rng::id(), ..query.clone() };
        let begun = Instant::now();
        let mut stream = self.tcp(to)?;
        stream.send(&query.to_wire())?;
        let answer = stream.receive(self.time_limit)?;
        let wire = answer.context(format!("no answer from {to} to {} over TCP", query.name()))?;
        check(&query, wire, to, begun)
    }

    /// Asks over the given transport.
    pub fn over(&self, transport: Transport, to: SocketAddr, query: &Message) -> Result<Reply, Failure> {
        match transport {
            Transport::Udp => self.udp(to, query),
            Transport::Tcp => self.stream(to, query),
        }
    }

    /// Asks over UDP for a name and type and gives the message alone.
    pub fn ask(&self, to: SocketAddr, name: &str, kind: &str) -> Result<Message, Failure> {
        Ok(self.udp(to, &Message::query(name, kind))?.message)
    }
}

fn connect(own: SocketAddr, to: SocketAddr, time_limit: Duration) -> Result<TcpStream, Failure> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, socket};
    if own.ip().is_unspecified() {
        return TcpStream::connect_timeout(&to, time_limit).context(format!("connecting to {to}"));
    }
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let descriptor = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let number = descriptor.as_raw_fd();
    // On Linux the time-out for sending is that of connecting too (socket(7)).
    let seconds = nix::sys::time::TimeVal::new(time_limit.as_secs().cast_signed(), 0);
    nix::sys::socket::setsockopt(&descriptor, nix::sys::socket::sockopt::SendTimeout, &seconds)?;
    bind(number, &SockaddrStorage::from(own)).context(format!("binding {own}"))?;
    nix::sys::socket::connect(number, &SockaddrStorage::from(to))
        .context(format!("connecting from {own} to {to}"))?;
    let stream = TcpStream::from(descriptor);
    stream.set_write_timeout(None)?;
    Ok(stream)
}

/// The next datagram within `time_limit`.
pub fn receive(socket: &UdpSocket, time_limit: Duration) -> Result<Option<(Vec<u8>, SocketAddr)>, Failure> {
    if time_limit.is_zero() {
        return Ok(None);
    }
    socket.set_read_timeout(Some(time_limit))?;
    let mut buffer = vec![0; 65536];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => return Ok(Some((buffer[..length].to_vec(), from))),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionRefused) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn check(query: &Message, wire: Vec<u8>, from: SocketAddr, begun: Instant) -> Result<Reply, Failure> {
    let took = begun.elapsed();
    let message = Message::from_wire(&wire).context(format!("answer to {} cannot be read", query.name()))?;
    ensure_eq!(message.id, query.id, "message id of the answer to {}", query.name());
    ensure!(message.has(crate::rig::message::QR), "the answer to {} has no QR bit", query.name());
    if message.questions != query.questions {
        fail!("question of the answer: {:?}, asked {:?}", message.questions, query.questions);
    }
    Ok(Reply { message, wire, from, took })
}
