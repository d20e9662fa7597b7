//! The question for the SOA by UDP.

use std::sync::Arc;
use std::time::Duration;

use rhumb_net::upstream::QuerySocket;
use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::tsig::TsigKey;
use rhumb_wire::{NameRef, Opcode, Type};
use tokio::time::timeout;

use super::exchange::{SignedRequest, cut_signature, signed_request, verify};
use super::failure::RefreshFailure;
use crate::snapshot::PrimaryServer;

/// How long each datagram is waited for; none is sent again behind the last.
const WAITS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
/// The longest datagram that comes: what the request asks for, and more than any server sends unasked.
const LONGEST: usize = 4096;

/// Asks a primary for the SOA of a zone. The answer without its TSIG, whose signature is good; none where a datagram does not hold it.
///
/// Errors: see [`RefreshFailure`].
pub(super) async fn ask_by_datagram(
    server: &PrimaryServer,
    zone: NameRef<'_>,
    key: Option<&Arc<TsigKey>>,
) -> Result<Option<Vec<u8>>, RefreshFailure> {
    for wait in WAITS {
        let asked = async {
            let request = signed_request(zone, Type::SOA, None, key)?;
            let socket = QuerySocket::open(server.address, server.source).map_err(RefreshFailure::Connect)?;
            socket.send(&request.message).await.map_err(RefreshFailure::Connect)?;
            answer(&socket, request).await
        };
        if let Ok(answer) = timeout(wait, asked).await {
            return answer;
        }
    }
    Err(RefreshFailure::Timeout)
}

/// The first datagram that answers. Others are passed over, for the true one may still come.
///
/// Errors: the signature is not good, or the network says that nobody is there.
async fn answer(socket: &QuerySocket, request: SignedRequest) -> Result<Option<Vec<u8>>, RefreshFailure> {
    let SignedRequest { id, mut verifier, .. } = request;
    let mut buffer = vec![0; LONGEST];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(RefreshFailure::Connect)?;
        let received = buffer.get(..length).unwrap_or(&[]);
        let Some(head) = MessageHeader::parse(received) else { continue };
        if head.id != id || !head.is_response() || head.opcode() != Opcode::QUERY {
            continue;
        }
        let mut message = received.to_vec();
        if let Some(verifier) = &mut verifier {
            let end = verify(verifier, received, head)?;
            cut_signature(&mut message, end, head);
        }
        return Ok(Some(message).filter(|_| head.flags & header::TC == 0));
    }
}
