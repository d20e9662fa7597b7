//! Row 48: connections that take their time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::{EncryptedTransport, Http2Stream, TlsStream};

use crate::lab::{Lab, asked_at};

const CONNECTIONS: u16 = 5000;
/// Connections from one address.
const EACH: u16 = 20;
const THREADS: usize = 16;
/// How long they hold on, and how often they send something.
const HOLDING: Duration = Duration::from_secs(15);
const BETWEEN: Duration = Duration::from_secs(1);
/// The head of a record that announces the first message of a handshake, of 512 bytes.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// A connection, whatever is spoken on it.
pub(crate) trait SlowConnection: Send {
    fn socket(&self) -> &TcpStream;
    /// Sends a little. Errors do not matter: what has ended is seen otherwise.
    fn trickle(&mut self);
}

struct Plain(TcpStream, &'static [u8]);

impl SlowConnection for Plain {
    fn socket(&self) -> &TcpStream {
        &self.0
    }

    fn trickle(&mut self) {
        if let Some((first, rest)) = self.1.split_first() {
            let _ = self.0.write_all(&[*first]);
            self.1 = rest;
        }
    }
}

struct Session(TlsStream, &'static [u8]);

impl SlowConnection for Session {
    fn socket(&self) -> &TcpStream {
        self.0.socket()
    }

    fn trickle(&mut self) {
        let _ = self.0.send(self.1);
    }
}

struct Http(Http2Stream);

impl SlowConnection for Http {
    fn socket(&self) -> &TcpStream {
        self.0.socket()
    }

    fn trickle(&mut self) {}
}

/// Connects as often as is wanted, from many addresses, and holds what it gets.
pub(crate) fn crowd(
    lab: &Lab,
    count: u16,
    each: u16,
    connect: impl Fn(&Lab, u16) -> Result<Box<dyn SlowConnection>, Failure> + Sync,
) -> Vec<Box<dyn SlowConnection>> {
    let (next, held) = (AtomicU16::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= count {
                        return;
                    }
                    held.lock().unwrap().extend(connect(lab, number / each));
                }
            });
        }
    });
    held.into_inner().unwrap()
}

/// Whether the server has not closed it.
pub(crate) fn is_open(connection: &dyn SlowConnection) -> bool {
    let mut socket = connection.socket();
    let mut buffer = [0; 4096];
    let _ = socket.set_nonblocking(true);
    let open = loop {
        match socket.read(&mut buffer) {
            Ok(0) => break false,
            Ok(_) => {}
            Err(error) => break error.kind() == ErrorKind::WouldBlock,
        }
    };
    let _ = socket.set_nonblocking(false);
    open
}

/// The crowd holds on, and sends little by little.
fn hold(lab: &Lab, connect: impl Fn(&Lab, u16) -> Result<Box<dyn SlowConnection>, Failure> + Sync) -> String {
    let begun = Instant::now();
    let mut crowd = crowd(lab, CONNECTIONS, EACH, connect);
    let connecting = begun.elapsed().as_secs_f64();
    let (begun, connected) = (Instant::now(), crowd.len());
    let mut most = 0;
    while begun.elapsed() < HOLDING {
        crowd.retain(|connection| is_open(connection.as_ref()));
        most = most.max(crowd.len());
        for connection in &mut crowd {
            connection.trickle();
        }
        thread::sleep(BETWEEN);
    }
    let open = crowd.iter().filter(|connection| is_open(connection.as_ref())).count();
    format!("{connected} connected in {connecting:.1} s, {most} held, {open} after 15 s")
}

fn plain(lab: &Lab, number: u16, bytes: &'static [u8]) -> Result<Box<dyn SlowConnection>, Failure> {
    let client = lab.attacker(number).time_limit(Duration::from_secs(2));
    let stream = client.tcp(asked_at(Some(EncryptedTransport::Tls)))?;
    Ok(Box::new(Plain(stream.socket().try_clone()?, bytes)))
}

fn session(lab: &Lab, number: u16, bytes: &'static [u8]) -> Result<Box<dyn SlowConnection>, Failure> {
    let client = lab.attacker(number).time_limit(Duration::from_secs(2));
    let stream = TlsStream::connect(&client, asked_at(Some(EncryptedTransport::Tls)), b"dot")?;
    Ok(Box::new(Session(stream, bytes)))
}

pub(crate) fn silent(lab: &Lab) -> Result<String, Failure> {
    Ok(hold(lab, |lab, number| plain(lab, number, &[])))
}

pub(crate) fn half_handshakes(lab: &Lab) -> Result<String, Failure> {
    Ok(hold(lab, |lab, number| plain(lab, number, HALF_HELLO)))
}

pub(crate) fn half_queries(lab: &Lab) -> Result<String, Failure> {
    Ok(hold(lab, |lab, number| session(lab, number, &[1])))
}

pub(crate) fn empty_messages(lab: &Lab) -> Result<String, Failure> {
    Ok(hold(lab, |lab, number| session(lab, number, &[0, 0])))
}

pub(crate) fn silent_sessions(lab: &Lab) -> Result<String, Failure> {
    let connect = |lab: &Lab, number| -> Result<Box<dyn SlowConnection>, Failure> {
        let client = lab.attacker(number).time_limit(Duration::from_secs(2));
        Ok(Box::new(Http(Http2Stream::connect(&client, asked_at(Some(EncryptedTransport::Https)))?)))
    };
    Ok(hold(lab, connect))
}
