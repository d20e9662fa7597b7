//! The resolver's network, over real sockets.

use std::io;
use std::net::SocketAddr;

use rhumb_net::upstream::{self, Connection, Verdict as Take};
use rhumb_resolver::{ExchangeError, Network, Verdict};
use tokio::time::{Instant, timeout_at};

/// The largest datagram taken: a little above what upstreams are told that we take.
const DATAGRAM: usize = 4096;

/// Exchanges with upstreams, a socket for each.
#[derive(Debug, Default)]
pub struct Sockets;

impl Sockets {
    /// Ready to be used.
    pub const fn new() -> Self {
        Self
    }
}

impl Network for Sockets {
    async fn udp(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        judge: &mut (dyn FnMut(&[u8]) -> Verdict + Send),
    ) -> Result<Vec<u8>, ExchangeError> {
        let mut buffer = vec![0; DATAGRAM];
        let mut why = None;
        let received =
            upstream::exchange(to, query, &mut buffer, deadline, |datagram| match judge(datagram) {
                Verdict::Accept => Take::Accept,
                Verdict::Ignore => Take::Ignore,
                Verdict::GiveUp(reason) => {
                    why = Some(reason);
                    Take::Stop
                }
            })
            .await;
        match (received, why) {
            (Ok(length), _) => {
                buffer.truncate(length);
                Ok(buffer)
            }
            (Err(_), Some(why)) => Err(ExchangeError::GaveUp(why)),
            (Err(upstream::ExchangeError::Io(error)), None) => Err(told(error)),
            (Err(_), None) => Err(ExchangeError::Timeout),
        }
    }

    async fn tcp(&self, to: SocketAddr, query: &[u8], deadline: Instant) -> Result<Vec<u8>, ExchangeError> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let talk = async {
            let mut connection = Connection::connect(to, limit).await.map_err(told)?;
            connection.send(query).await.map_err(|error| told(io::Error::other(error)))?;
            match connection.recv().await {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(ExchangeError::Io(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => Err(told(io::Error::other(error))),
            }
        };
        timeout_at(deadline, talk).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    fn reachable(&self, to: SocketAddr) -> bool {
        rhumb_net::route::reachable(to)
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // Without the kernel's generator nothing may be sent at all: no port can be drawn either, so that the exchange fails.
        let _ = rhumb_net::random(&mut bytes);
        u64::from_ne_bytes(bytes)
    }
}

fn told(error: io::Error) -> ExchangeError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => ExchangeError::Refused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
            ExchangeError::Unreachable
        }
        io::ErrorKind::TimedOut => ExchangeError::Timeout,
        _ => ExchangeError::Io(error),
    }
}
