"""A nameserver over TLS that answers each query for an address with 198.18.0.7, after a pause that differs from query to query, and
closes each connection after so many answers (0: never): server.py ADDRESS PORT CERTIFICATE KEY ANSWERS. It prints a line for each
connection."""

import asyncio
import ssl
import sys

address, port, certificate, key, most = sys.argv[1:]
most = int(most)


def answer(query):
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12:end + 5]
    padded = len(query) % 128 == 0
    head = query[:2] + b"\x81\x80" + b"\0\1" + (b"\0\1" if padded else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc6\x12\0\7" if padded else b""
    return head + question + record


async def serve(reader, writer):
    print("connection", flush=True)
    answered = 0

    async def reply(query, pause):
        nonlocal answered
        await asyncio.sleep(pause)
        if most and answered >= most:
            return
        answered += 1
        message = answer(query)
        writer.write(len(message).to_bytes(2, "big") + message)
        if answered == most:
            await writer.drain()
            writer.close()

    tasks = []
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            query = await reader.readexactly(length)
            tasks.append(asyncio.ensure_future(reply(query, query[0] % 8 / 1000)))
    except (asyncio.IncompleteReadError, OSError):
        pass
    writer.close()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(serve, address, int(port), ssl=context, reuse_address=True)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
