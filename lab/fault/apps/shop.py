# SPDX-FileCopyrightText: The Causey Authors
# SPDX-License-Identifier: Apache-2.0
"""A small shop with a database. The environment says what it does not do well."""
import os
import queue
import sqlite3
import time
import urllib.request

PAGE = "A thing that nobody needs and everybody wants. " * 60
PARTNER = os.environ.get("PARTNER")
PAGE_SECONDS = float(os.environ.get("PAGE_SECONDS", "0"))
REPORT_SECONDS = float(os.environ.get("REPORT_SECONDS", "0.1"))
DB_SECONDS = float(os.environ.get("DB_SECONDS", "30"))


def connect():
    db = sqlite3.connect("shop.db", timeout=DB_SECONDS, check_same_thread=False, isolation_level=None)
    db.execute("CREATE TABLE IF NOT EXISTS orders (at REAL, bytes INTEGER)")
    return db


pool = queue.Queue()
for _ in range(int(os.environ.get("POOL", "16"))):
    pool.put(None)
leaked = []


def query(statement, *values):
    db = pool.get(timeout=DB_SECONDS) or connect()
    try:
        return db.execute(statement, values).fetchall()
    finally:
        pool.put(db)


def leak():
    """A report that fails and keeps its connection."""
    leaked.append(pool.get(timeout=DB_SECONDS))
    raise ValueError("no such column: margin")


def orders():
    """A long list, sent as it comes."""
    for i in range(40):
        yield b"2026-11-25;19.90;a thing that nobody needs\n" * 50
        time.sleep(0.1)


def crash():
    import ctypes
    ctypes.string_at(0)


def remember():
    """A cache that only grows: pages of real memory."""
    leaked.append(bytearray(os.urandom(1 << 20)) * int(os.environ.get("REMEMBER_MB", "1")))


def application(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    more = []

    def page(title):
        body = ("<!doctype html><title>%s</title><p>%s\n" % (title, PAGE)).encode()
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))] + more)
        return [body]

    if path.startswith("/static/"):
        start_response("200 OK", [("Content-Type", "text/css"), ("Content-Length", "17"), ("ETag", '"1"')])
        return [b"p { margin: 0; }\n"]
    if path == "/healthz":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
        return [b"ok\n"]
    if path == "/orders.csv":
        start_response("200 OK", [("Content-Type", "text/csv")])
        return orders()
    if path == "/both":
        start_response("200 OK", [("Content-Length", "5"), ("Transfer-Encoding", "chunked")])
        return [b"5\r\nhello\r\n0\r\n\r\n"]
    if path == "/report":
        time.sleep(REPORT_SECONDS)
        return page("report")
    if path == "/report.csv":
        leak()
    if path == os.environ.get("POISON"):
        crash()
    if path == "/account":
        more += [("Set-Cookie", "seen%d=%s; Path=/" % (i, "v" * 900)) for i in range(int(os.environ.get("COOKIES", "2")))]
        return page("account")
    if "REMEMBER_MB" in os.environ and path == "/search":
        remember()
    if method == "POST":
        n = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        query("INSERT INTO orders VALUES (?, ?)", time.time(), n)
        if PARTNER:
            try:
                urllib.request.urlopen(PARTNER, timeout=5).read()
            except OSError as e:
                raise RuntimeError("the payment provider does not answer") from e
        return page("cart")
    if path.startswith(os.environ.get("SLOW_PATHS", "/")):
        time.sleep(PAGE_SECONDS)
    if path != "/":  # the front page stands without the database
        query("SELECT count(*) FROM orders")
    return page(path)
