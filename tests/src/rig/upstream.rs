//! Nameservers that react by a script, over UDP and TCP.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::sockopt::Ipv4PacketInfo;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg};

use crate::failure::{Context, Failure};
use crate::rig::delayed::DelayedWork;
use crate::rig::host::Host;
use crate::rig::message::Message;
use crate::rig::script::{Act, Asked, Script, Transport};
use crate::rig::stream::{Stream, framed};

/// How often the threads look whether they should end.
const TICK: Duration = Duration::from_millis(50);

/// One running upstream; it ends when it is dropped.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    script: RwLock<Script>,
    seen: Mutex<Vec<Asked>>,
    ended: AtomicBool,
}

impl Upstream {
    /// Starts one on `host` at an address (`192.0.2.53`, `fe80::53%eth0`) and port 53. At `0.0.0.0` it is asked on any address
    /// of the host, and answers from that one.
    pub fn start(host: &Host, address: &str, script: Script) -> Result<Self, Failure> {
        let address = host.socket_address(address, 53)?;
        let sockets = host.within(|| -> std::io::Result<_> {
            Ok((UdpSocket::bind(address)?, TcpListener::bind(address)?))
        })?;
        let (udp, tcp) = sockets.context(format!("starting an upstream at {address}"))?;
        let _ = nix::sys::socket::setsockopt(&udp, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20));
        nix::sys::socket::setsockopt(&udp, Ipv4PacketInfo, &address.is_ipv4())?;
        udp.set_read_timeout(Some(TICK))?;
        tcp.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            script: RwLock::new(script),
            seen: Mutex::new(Vec::new()),
            ended: AtomicBool::new(false),
        });
        let (for_udp, for_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread::spawn(move || serve_udp(&udp, &for_udp)),
            thread::spawn(move || serve_tcp(&tcp, &for_tcp)),
        ];
        Ok(Self { address, shared, threads })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reacts by another script from now on.
    pub fn follow(&self, script: Script) {
        *self.shared.script.write().unwrap() = script;
    }

    /// Everything it was asked so far, in order.
    pub fn seen(&self) -> Vec<Asked> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How often it was asked for this name, in any case and of any type, over both transports.
    pub fn count(&self, name: &str) -> usize {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.shared.seen.lock().unwrap().iter().filter(|asked| asked.name() == name).count()
    }

    /// Forgets what it was asked.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn react(&self, wire: &[u8], transport: Transport, (from, to): (SocketAddr, IpAddr)) -> Act {
        let Ok(message) = Message::from_wire(wire) else { return Act::Silent };
        let asked = Asked { message, transport, from, to, at: Instant::now() };
        let script = Arc::clone(&self.script.read().unwrap());
        self.seen.lock().unwrap().push(asked.clone());
        script(&asked)
    }
}

fn serve_udp(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = vec![0; 65536];
    let delayed = DelayedWork::start();
    let Ok(sender) = socket.try_clone().map(Arc::new) else { return };
    while !shared.ended.load(Ordering::Relaxed) {
        let Some(datagram) = receive(socket, &mut buffer) else { continue };
        let act = shared.react(&buffer[..datagram.length], Transport::Udp, (datagram.from, datagram.to));
        let sender = Arc::clone(&sender);
        let mut send = move |wire: Option<&[u8]>| {
            if let Some(wire) = wire {
                let _ = datagram.reply(&sender, wire);
            }
        };
        match act {
            Act::After(delay, act) if !act.waits() => {
                delayed.after(delay, move || perform_now(*act, &mut send));
            }
            act => perform(act, send),
        }
    }
}

/// How a datagram travelled.
struct Datagram {
    length: usize,
    from: SocketAddr,
    to: IpAddr,
    info: Option<libc::in_pktinfo>,
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<Datagram> {
    let own = socket.local_addr().ok()?.ip();
    let mut slices = [IoSliceMut::new(buffer)];
    let mut control = nix::cmsg_space!(libc::in_pktinfo);
    let flags = MsgFlags::empty();
    let received =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags).ok()?;
    let address = received.address?;
    let v4 = address.as_sockaddr_in().map(|from| SocketAddr::V4((*from).into()));
    let v6 = address.as_sockaddr_in6().map(|from| SocketAddr::V6((*from).into()));
    let info = received.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(info),
        _ => None,
    });
    let asked = info.map(|info| IpAddr::from(info.ipi_addr.s_addr.to_ne_bytes()));
    Some(Datagram { length: received.bytes, from: v4.or(v6)?, to: asked.unwrap_or(own), info })
}

impl Datagram {
    /// Sends `wire` back, from the address that was asked.
    fn reply(&self, socket: &UdpSocket, wire: &[u8]) -> nix::Result<usize> {
        let info = self.info.map(|info| libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: info.ipi_addr,
            ipi_addr: info.ipi_addr,
        });
        let control: Vec<ControlMessage<'_>> = info.iter().map(ControlMessage::Ipv4PacketInfo).collect();
        let to = SockaddrStorage::from(self.from);
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(wire)], &control, MsgFlags::empty(), Some(&to))
    }
}

fn serve_tcp(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.ended.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((socket, from)) => {
                let shared = Arc::clone(shared);
                thread::spawn(move || serve_stream(socket, from, &shared));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(2)),
            Err(_) => thread::sleep(TICK),
        }
    }
}

fn serve_stream(socket: TcpStream, from: SocketAddr, shared: &Shared) {
    let Ok(to) = socket.local_addr() else { return };
    let Ok(writer) = socket.try_clone() else { return };
    let Ok(mut stream) = Stream::new(socket) else { return };
    while !shared.ended.load(Ordering::Relaxed) {
        let begun = Instant::now();
        match stream.receive(TICK) {
            Ok(Some(wire)) => {
                let Ok(mut writer) = writer.try_clone() else { return };
                perform(shared.react(&wire, Transport::Tcp, (from, to.ip())), move |wire| match wire {
                    Some(wire) => {
                        let _ = writer.write_all(&framed(wire));
                    }
                    None => {
                        let _ = writer.shutdown(std::net::Shutdown::Both);
                    }
                });
            }
            // Before the tick is over, nothing can only mean that the other end closed.
            Ok(None) if begun.elapsed() < TICK => return,
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// Does what a script said; `send` takes bytes, or `None` to close.
fn perform(act: Act, mut send: impl FnMut(Option<&[u8]>) + Send + 'static) {
    match act {
        Act::After(delay, act) => {
            thread::spawn(move || {
                thread::sleep(delay);
                perform_now(*act, &mut send);
            });
        }
        act => perform_now(act, &mut send),
    }
}

fn perform_now(act: Act, send: &mut impl FnMut(Option<&[u8]>)) {
    match act {
        Act::Silent => {}
        Act::Reply(message) => send(Some(&message.to_wire())),
        Act::Raw(wire) => send(Some(&wire)),
        Act::After(delay, act) => {
            thread::sleep(delay);
            perform_now(*act, send);
        }
        Act::Each(acts) => {
            for act in acts {
                perform_now(act, send);
            }
        }
        Act::Close => send(None),
    }
}
