//! How long a server has a query, as its network interface sees it.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use rhumb_tests::rig::{Host, LoadReport};
use rhumb_tests::{Context as _, Failure};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// All protocols, in the order of the network (packet(7)).
const ALL_PROTOCOLS: u16 = 0x0003_u16.to_be();
/// Room for what is not read before the end, in bytes.
const ROOM: usize = 64 << 20;
/// The codes of a filter's instructions: load four bytes, go on if they are equal, end.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const END: u16 = 0x06;
/// Bytes that are kept of a packet: its headers, and the ID of its message.
const KEPT: u32 = 128;
const UDP: u8 = 17;

/// Notes the datagrams between a host and one of its clients, with the time at which the kernel had them at the interface. It holds whoever
/// runs on the processors meanwhile: nothing is read before the end.
pub(crate) struct InterfaceTap {
    socket: Socket,
    client: Ipv4Addr,
}

impl InterfaceTap {
    pub(crate) fn start(host: &Host, client: Ipv4Addr) -> Result<Self, Failure> {
        let socket = host.within(|| {
            Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(i32::from(ALL_PROTOCOLS))))
        })??;
        let wanted = client.to_bits();
        // Source and destination of an IPv4 header.
        socket.attach_filter(&[
            SockFilter::new(LOAD, 0, 0, 12),
            SockFilter::new(IF_EQUAL, 2, 0, wanted),
            SockFilter::new(LOAD, 0, 0, 16),
            SockFilter::new(IF_EQUAL, 0, 1, wanted),
            SockFilter::new(END, 0, 0, KEPT),
            SockFilter::new(END, 0, 0, 0),
        ])?;
        setsockopt(&socket, RcvBufForce, &ROOM)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        Ok(Self { socket, client })
    }

    /// Ends, and gives the times from the arrival of each query to the departure of its response.
    pub(crate) fn stop(self) -> Result<LoadReport, Failure> {
        let mut report = LoadReport::default();
        let mut arrived = HashMap::new();
        while let Some((packet, at)) = self.next()? {
            let Some((from_client, key)) = read(&packet, self.client) else { continue };
            if from_client {
                report.sent += 1;
                arrived.insert(key, at);
            } else if let Some(arrived) = arrived.remove(&key) {
                report.answered += 1;
                report.times.push(at.saturating_sub(arrived).as_micros().try_into()?);
            }
        }
        report.lost = report.sent - report.answered;
        report.times.sort_unstable();
        Ok(report)
    }

    fn next(&self) -> Result<Option<(Vec<u8>, Duration)>, Failure> {
        let mut bytes = vec![0; KEPT as usize];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let mut control = nix::cmsg_space!(TimeSpec);
        let flags = MsgFlags::MSG_DONTWAIT;
        let received = match recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Err(Errno::EAGAIN) => return Ok(None),
            received => received?,
        };
        let time = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
            _ => None,
        });
        let length = received.bytes;
        bytes.truncate(length);
        Ok(Some((bytes, time.context("a packet without its time")?)))
    }
}

/// Whether a datagram of DNS comes from the client, and what its query and response have in common: the client's port, and the ID.
fn read(packet: &[u8], client: Ipv4Addr) -> Option<(bool, (u16, u16))> {
    let (header, address) = (usize::from(packet.first()? & 15) * 4, packet.get(12..16)?);
    if *packet.get(9)? != UDP {
        return None;
    }
    let word =
        |at| packet.get(header + at..).and_then(|rest| rest.first_chunk()).copied().map(u16::from_be_bytes);
    let from_client = address == client.octets();
    let (port, server) = if from_client { (word(0)?, word(2)?) } else { (word(2)?, word(0)?) };
    (server == 53).then_some((from_client, (port, word(8)?)))
}
