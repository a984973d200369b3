# SPDX-FileCopyrightText: The Causey Authors
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import time
from urllib.parse import parse_qs

BLOCK = 65536
TAIL = bytes((j ^ ((j >> 8) * 31)) & 255 for j in range(BLOCK))[16:]


def pattern(n):
    for i in range((n + BLOCK - 1) // BLOCK):
        yield (b"%015x\n" % i + TAIL)[: min(BLOCK, n - i * BLOCK)]


def upload(body):
    digest, n = hashlib.sha256(), 0
    while piece := body.read(BLOCK):
        digest.update(piece)
        n += len(piece)
    return json.dumps({"bytes": n, "sha256": digest.hexdigest()}).encode() + b"\n"


def events(n, every):
    for i in range(1, n + 1):
        yield b"id: %d\ndata: event %d\n\n" % (i, i)
        time.sleep(every / 1000)


def application(environ, start_response):
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])

    def number(name, default):
        return int(query.get(name, [default])[-1])

    def answer(status, kind, body, *more):
        start_response(status, [("Content-Type", kind), *more])
        return body

    def whole(kind, body):
        return answer("200 OK", kind, [body], ("Content-Length", str(len(body))))

    if path.startswith("/size/"):
        n = int(path[len("/size/"):])
        return answer("200 OK", "application/octet-stream", pattern(n), ("Content-Length", str(n)))
    if path == "/upload":
        return whole("application/json", upload(environ["wsgi.input"]))
    if path == "/slow":
        time.sleep(number("ms", 1000) / 1000)
        return whole("text/plain", b"slow, but here\n")
    if path == "/sse":
        return answer("200 OK", "text/event-stream", events(number("n", 5), number("every", 50)))
    if path == "/":
        return whole("text/plain", b"hello from the lab\n")
    return answer("404 Not Found", "text/plain", [b"no such path\n"])
