"""A client of DNS over QUIC that also breaks its rules. Prints a line for each case: its name and what came of it."""

import asyncio
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamDataReceived, StreamReset

QUESTION = b"\x03web\x04zone\x04test\x00\x00\x01\x00\x01"


def query(id=0, name=QUESTION, additional=b""):
    count = bytes([0, 1 if additional else 0])
    return id.to_bytes(2, "big") + b"\x01\x00\x00\x01\x00\x00\x00\x00" + count + name + additional


def framed(*messages):
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.streams, self.ended, self.closed = {}, asyncio.Queue(), asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self.streams[event.stream_id] = self.streams.get(event.stream_id, b"") + event.data
            if event.end_stream:
                self.ended.put_nowait((event.stream_id, None))
        elif isinstance(event, (StreamReset, StopSendingReceived)):
            self.ended.put_nowait((event.stream_id, event.error_code))
        elif isinstance(event, ConnectionTerminated) and not self.closed.done():
            self.closed.set_result((event.error_code, event.reason_phrase))

    def send(self, data, end=True, unidirectional=False):
        stream = self._quic.get_next_available_stream_id(is_unidirectional=unidirectional)
        self._quic.send_stream_data(stream, data, end)
        self.transmit()
        return stream


async def outcome(client, patience=4):
    ended, closed = asyncio.ensure_future(client.ended.get()), asyncio.shield(client.closed)
    await asyncio.wait([ended, closed], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    if ended.done() and ended.result()[1] is not None:
        await asyncio.wait([closed], timeout=0.3)
    if client.closed.done():
        return "closed 0x%x %s" % client.closed.result()
    if ended.done():
        stream, code = ended.result()
        answer = client.streams.get(stream, b"")
        if code is not None:
            return "reset 0x%x" % code
        return "id %d rcode %d answers %d" % (
            int.from_bytes(answer[2:4], "big"), answer[5] & 15, int.from_bytes(answer[8:10], "big"))
    return "nothing"


KEEPALIVE = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x04\x00\x0b\x00\x00"
CASES = {
    "good": lambda client: client.send(framed(query())),
    "signed-off-later": lambda client: client.send(framed(query())[:9], end=False),
    "id": lambda client: client.send(framed(query(id=7))),
    "two": lambda client: client.send(framed(query(), query())),
    "half": lambda client: client.send(framed(query())[:-3]),
    "empty": lambda client: client.send(b""),
    "long": lambda client: client.send(framed(query() + bytes(65000)) + bytes(2000)),
    "keepalive": lambda client: client.send(framed(query(additional=KEEPALIVE))),
    "response": lambda client: client.send(framed(query()[:2] + b"\x81" + query()[3:])),
    "unidirectional": lambda client: client.send(framed(query()), unidirectional=True),
}


async def main(host, port, only):
    for name in only or CASES:
        configuration = QuicConfiguration(is_client=True, alpn_protocols=["doq"], verify_mode=ssl.CERT_NONE)
        async with connect(host, int(port), configuration=configuration, create_protocol=Client) as client:
            if name == "many":
                for _ in range(200):
                    client.send(framed(query()))
                answers = [await outcome(client) for _ in range(200)]
                print(name, answers.count("id 0 rcode 0 answers 2"))
            elif name == "cancelled":
                for number in range(8):
                    label = b"\x04n%03d" % number + b"\x04slow\x04test\x00\x00\x01\x00\x01"
                    stream = client.send(framed(query(name=label)))
                    await asyncio.sleep(0.05)
                    client._quic.stop_stream(stream, 3)
                    client.transmit()
                await asyncio.sleep(0.2)
                client.send(framed(query()))
                print(name, [await outcome(client) for _ in range(9)][-1])
            elif name == "moved":
                client.send(framed(query()))
                first = await outcome(client)
                transport = client._transport
                await asyncio.get_running_loop().create_datagram_endpoint(lambda: client, local_addr=("::", 0))
                client.send(framed(query()))
                second = await outcome(client)
                transport.close()
                print(name, first if first == second else second)
            else:
                CASES[name](client)
                print(name, await outcome(client))
            client.close()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
