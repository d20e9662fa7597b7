#!/usr/bin/env python3
"""Makes tsig.vectors with dnspython, an implementation of its own: python3 tsig_vectors.py > tsig.vectors; the lines from `dig` on were captured from dig, nsupdate and named of BIND 9.18

One line each: name of the case, key, algorithm, secret, time, request, and the messages of the response, all but the first
four in hexadecimal. A response is verified with the MAC of the request, each of its messages after the other.
"""
import struct, sys
import dns.message, dns.name, dns.tsig, dns.rdtypes.ANY.TSIG, dns.rdataclass, dns.rdatatype

T = 0x0000_6A2B_3C4D
ALGORITHMS = ["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]

def rdata(key, ident, error=0, other=b"", time=T, fudge=300):
    return dns.rdtypes.ANY.TSIG.TSIG(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, time, fudge, b"", ident, error, other)

def attach(wire, key, signed):
    """The message with its TSIG record, written by hand: dnspython's renderer would compress the owner."""
    data = signed.to_wire()
    record = key.name.to_wire() + struct.pack("!HHIH", 250, 255, 0, len(data)) + data
    return wire[:10] + struct.pack("!H", struct.unpack("!H", wire[10:12])[0] + 1) + wire[12:] + record

def sign(wire, key, request_mac=b"", ctx=None, multi=None, ident=None, **fields):
    ident = struct.unpack("!H", wire[:2])[0] if ident is None else ident
    # What is signed has the original id.
    plain = struct.pack("!H", ident) + wire[2:]
    signed, ctx = dns.tsig.sign(plain, key, rdata(key, ident, **fields), fields.get("time", T), request_mac, ctx, multi)
    return attach(wire, key, signed), signed.mac, ctx

def query(name, rtype, edns):
    message = dns.message.make_query(name, rtype, use_edns=0 if edns else None, payload=1232)
    message.id = 0x1234
    return message.to_wire()

def response(text, ident=0x1234):
    message = dns.message.from_text(f"id {ident}\nopcode QUERY\nrcode NOERROR\nflags QR AA\n;QUESTION\nexample. IN AXFR\n;ANSWER\n{text}\n")
    return message.to_wire()

def line(case, key, request, *responses, time=T):
    print(case, key.name.to_text(), str(key.algorithm).rstrip("."), key.secret.hex(), time, request.hex(), *[r.hex() for r in responses])

for number, algorithm in enumerate(ALGORITHMS):
    key = dns.tsig.Key("Key.Example.", bytes(range(1, 20 + 30 * number)), algorithm)
    asked = query("www.example.", "SOA", number % 2 == 0)
    request, mac, _ = sign(asked, key)
    answer, _, _ = sign(response("example. 60 IN SOA ns. h. 1 2 3 4 5"), key, mac)
    line("plain", key, request, answer)
    # A stream in which every message is signed.
    texts = [f"h{i}.example. 60 IN A 192.0.2.{i}" for i in range(5)]
    messages, ctx = [], None
    previous = mac
    for text in texts:
        message, _, ctx = sign(response(text), key, previous, ctx, True)
        previous = b""
        messages.append(message)
    line("stream", key, request, *messages)
    # A stream in which the second, third and fifth are not.
    messages, ctx, previous = [], None, mac
    for i, text in enumerate(texts + ["last.example. 60 IN A 192.0.2.9"]):
        wire = response(text)
        if i in (1, 2, 4):
            ctx.update(wire)
            messages.append(wire)
            continue
        message, _, ctx = sign(wire, key, previous, ctx, True)
        previous = b""
        messages.append(message)
    line("gaps", key, request, *messages)
    # A forwarded request has another id than the one it was signed with.
    request, mac, _ = sign(b"\xab\xcd" + asked[2:], key, ident=0x1234)
    line("forwarded", key, request)
    # The server's clock is 1000 seconds ahead, and it says so.
    request, mac, _ = sign(asked, key)
    refused = bytearray(response("")); refused[3] |= 9
    answer, _, _ = sign(bytes(refused), key, mac, error=18, other=struct.pack("!Q", T + 1000)[2:])
    line("badtime", key, request, answer, time=T + 1000)
