//! A responder that does no DNS work, to measure what [`rhumb_net::udp::DatagramBatch`] costs: each query is given the same
//! fixed A record, by one thread.
//!
//! `echo ADDRESS`, such as `0.0.0.0:5300` or `[fe80::1%2]:5300`

use std::error::Error;

use rhumb_net::udp::{DatagramBatch, DatagramSocket, SocketOptions};

const RECORD: [u8; 16] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1];

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("an address and port are needed")?.parse()?;
    let socket = DatagramSocket::bind(&SocketOptions { address, v6only: false, receive_buffer: 4 << 20 })?;
    let mut batch = DatagramBatch::new(64, 2048, 2048);
    loop {
        if batch.receive(&socket)? == 0 {
            continue;
        }
        batch.answer(|datagram, reply| answer(datagram.bytes, reply));
        batch.send(&socket, |slot, error| eprintln!("answer {slot}: {error}"));
    }
}

/// The header and question of the query, and the record.
fn answer(query: &[u8], reply: &mut [u8]) -> Option<usize> {
    let mut end = 12;
    loop {
        match query.get(end)? {
            0 => break,
            length => end += usize::from(*length) + 1,
        }
    }
    end += 5;
    reply.get_mut(..end)?.copy_from_slice(query.get(..end)?);
    reply.get_mut(end..end + RECORD.len())?.copy_from_slice(&RECORD);
    for (at, value) in [(2, 0x84), (3, 0), (7, 1), (9, 0), (11, 0)] {
        *reply.get_mut(at)? = value;
    }
    Some(end + RECORD.len())
}
