"""Asks by httpx, over one connection of HTTP/2, half of the questions by GET and half by POST, all at once.

Arguments: URL, certificate, address of the server, how many. Prints a line for each kind of result, with how often there was such.
"""
import asyncio
import base64
import collections
import socket
import ssl
import sys

import httpx

url, certificate, address, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
NAME = b"\3web\4zone\4test\0"
QUERY = bytes.fromhex("000001000001000000000000") + NAME + bytes.fromhex("00010001")

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve(address, *rest, **more)


async def ask(client, number):
    if number % 2:
        reply = await client.post(url, content=QUERY, headers={"content-type": "application/dns-message"})
    else:
        text = base64.urlsafe_b64encode(QUERY).decode().rstrip("=")
        reply = await client.get(f"{url}?dns={text}")
    body = reply.content
    return f"{reply.http_version} {reply.status_code} rcode {body[3] & 15} answers {body[7]}"


async def main():
    limits = httpx.Limits(max_connections=1)
    trusted = ssl.create_default_context(cafile=certificate)
    async with httpx.AsyncClient(http2=True, verify=trusted, limits=limits, timeout=20) as client:
        results = await asyncio.gather(*(ask(client, number) for number in range(count)))
    for result, often in collections.Counter(results).items():
        print(f"{often} times {result}")


asyncio.run(main())
