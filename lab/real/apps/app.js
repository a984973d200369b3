// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
'use strict';

const crypto = require('crypto');
const http = require('http');
const { pipeline, Readable } = require('stream');

const BLOCK = 65536;
const block = Buffer.alloc(BLOCK);
for (let j = 0; j < BLOCK; j++) block[j] = (j ^ ((j >> 8) * 31)) & 255;

function* pattern(n) {
  for (let i = 0; i * BLOCK < n; i++) {
    const piece = Buffer.from(block);
    piece.write(i.toString(16).padStart(15, '0') + '\n', 'latin1');
    yield piece.subarray(0, Math.min(BLOCK, n - i * BLOCK));
  }
}

function upload(req, res) {
  const hash = crypto.createHash('sha256');
  let bytes = 0;
  req.on('data', (piece) => { bytes += piece.length; hash.update(piece); });
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }) + '\n');
  });
}

function events(res, n, every) {
  res.setHeader('Content-Type', 'text/event-stream');
  let i = 0;
  const next = () => {
    if (i >= n) return res.end();
    i++;
    res.write(`id: ${i}\ndata: event ${i}\n\n`);
    timer = setTimeout(next, every);
  };
  let timer;
  res.on('close', () => clearTimeout(timer));
  next();
}

function answer(req, res) {
  const url = new URL(req.url, 'http://lab');
  const number = (name, fallback) => Number(url.searchParams.get(name) ?? fallback);
  const size = /^\/size\/(\d+)$/.exec(url.pathname);
  if (size) {
    res.setHeader('Content-Type', 'application/octet-stream');
    res.setHeader('Content-Length', size[1]);
    pipeline(Readable.from(pattern(Number(size[1])), { objectMode: false }), res, () => {});
  } else if (url.pathname === '/upload') {
    upload(req, res);
  } else if (url.pathname === '/slow') {
    setTimeout(() => res.end('slow, but here\n'), number('ms', 1000));
  } else if (url.pathname === '/sse') {
    events(res, number('n', 5), number('every', 50));
  } else if (url.pathname === '/') {
    res.end('hello from the lab\n');
  } else {
    res.statusCode = 404;
    res.end('no such path\n');
  }
}

// frame takes one WebSocket frame (RFC 6455 section 5.2) off the front of buf, or gives null if it is not whole yet.
function frame(buf) {
  if (buf.length < 2) return null;
  let size = buf[1] & 0x7f, at = 2;
  if (size === 126) {
    if (buf.length < 4) return null;
    size = buf.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (buf.length < 10) return null;
    size = Number(buf.readBigUInt64BE(2));
    at = 10;
  }
  const mask = buf[1] & 0x80 ? buf.subarray(at, at += 4) : null;
  if (buf.length < at + size) return null;
  const payload = Buffer.from(buf.subarray(at, at + size));
  if (mask) for (let i = 0; i < size; i++) payload[i] ^= mask[i & 3];
  return { first: buf[0], payload, rest: buf.subarray(at + size) };
}

function head(first, size) {
  if (size < 126) return Buffer.from([first, size]);
  const long = size > 65535;
  const out = Buffer.alloc(long ? 10 : 4);
  out[0] = first;
  out[1] = long ? 127 : 126;
  if (long) out.writeBigUInt64BE(BigInt(size), 2); else out.writeUInt16BE(size, 2);
  return out;
}

const LIMIT = 16 << 20;
const CLOSE = 8, PING = 9, PONG = 10;

function echo(req, socket, early) {
  const key = req.headers['sec-websocket-key'];
  if (!key || !req.url.startsWith('/ws')) return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  const accept = crypto.createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let buf = early;
  const take = (piece) => {
    buf = Buffer.concat([buf, piece]);
    for (let f; (f = frame(buf)); ) {
      buf = f.rest;
      const opcode = f.first & 15;
      if (opcode === PONG) continue;
      const first = opcode === PING ? (f.first & 0xf0) | PONG : f.first;
      socket.write(Buffer.concat([head(first, f.payload.length), f.payload]));
      if (opcode === CLOSE) return socket.end();
    }
    if (buf.length > LIMIT) socket.destroy();
  };
  socket.on('data', take);
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  take(Buffer.alloc(0));
}

const [host, port] = process.argv[2].split(':');
const server = http.createServer(answer);
server.on('upgrade', echo);
if (Number(process.argv[3]) > 0) server.keepAliveTimeout = Number(process.argv[3]);
server.maxRequestsPerSocket = Number(process.argv[4]);
server.requestTimeout = 0;
process.on('SIGTERM', () => process.exit(0));
server.listen(Number(port), host);
