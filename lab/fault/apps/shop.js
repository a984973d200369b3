// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
'use strict';
// A small shop. The environment says what it does not do well.

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const env = process.env;
// What a deployment brings is in files, so that the next start has it.
const deployed = (name, otherwise) => (fs.existsSync(name) ? fs.readFileSync(name, 'utf8') : otherwise);
const build = deployed('build', '41');
const bug = deployed('bug', '');
const filler = 'A thing that nobody needs and everybody wants. '.repeat(60);

function page(res, title) {
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.setHeader('X-Build', build);
  res.end(`<!doctype html><title>${title}</title><link rel=stylesheet href="/static/1.css?v=${build}"><p>${filler}\n`);
}

function problem(res, status, detail) {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/problem+json');
  res.setHeader('X-Build', build);
  res.setHeader('X-Powered-By', 'Express');
  res.end(JSON.stringify({ title: http.STATUS_CODES[status], status, detail }) + '\n');
}

// pay asks whoever takes the money.
function pay(res) {
  const ask = http.get(env.PARTNER, { timeout: 4000 }, (answer) => {
    answer.resume();
    answer.on('end', () => page(res, 'Thank you'));
  });
  ask.on('timeout', () => ask.destroy(new Error('timeout')));
  ask.on('error', (e) => problem(res, e.message === 'timeout' ? 504 : 502, 'the payment provider does not answer'));
}

function cart(req, res) {
  let bytes = 0;
  const limit = Number(env.BODY_LIMIT || Infinity);
  req.on('data', (piece) => {
    bytes += piece.length;
    if (bytes <= limit || res.headersSent) return;
    res.setHeader('Connection', 'close');
    problem(res, 413, 'request entity too large');
    req.destroy();
  });
  req.on('end', () => (env.PARTNER ? pay(res) : setTimeout(page, Number(env.PAGE_MS || 2), res, 'Cart')));
}

// wide sends n bytes, block by block.
function wide(res, n) {
  const block = Buffer.alloc(65536, 'x');
  res.setHeader('Content-Length', n);
  const more = () => {
    while (n > 0 && !res.destroyed) {
      const piece = block.subarray(0, Math.min(n, block.length));
      n -= piece.length;
      if (!res.write(piece)) return res.once('drain', more);
    }
    res.end();
  };
  more();
}

const routes = {
  '/healthz': (req, res) => (env.HEALTH === '404' ? problem(res, 404, 'no such page') : res.end('ok\n')),
  '/cart': cart,
  '/export': (req, res) => setTimeout(() => page(res, 'Export'), Number(env.EXPORT_MS || 300)),
  '/download': (req, res) => wide(res, Number(env.DOWNLOAD || 4 << 20)),
  '/crash': () => process.abort(),
  '/account': (req, res) => {
    // One cookie for each thing that was ever looked at.
    const cookies = [];
    for (let i = 0; i < Number(env.COOKIES || 2); i++) cookies.push(`seen${i}=${'v'.repeat(900)}; Path=/`);
    res.setHeader('Set-Cookie', cookies);
    page(res, 'Account');
  },
  '/invoice': (req, res) => page(res, 'Invoice ' + compute(Number(env.INVOICE_MS || 50), Date.now)),
};

// compute keeps the only thread there is busy for so long by a clock.
function compute(ms, clock) {
  const end = clock() + ms;
  let hash = '';
  while (clock() < end) hash = crypto.createHash('sha256').update(hash).digest('hex');
  return hash;
}

function answer(req, res) {
  if (Number(req.headers['content-length'] || 0) === 0) req.resume();
  const path = req.url.split('?')[0];
  if (bug && /^.(product|cart)/.test(path)) {
    req.resume();
    return problem(res, 500, "Cannot read properties of undefined (reading 'price')");
  }
  if (routes[path]) return routes[path](req, res);
  if (path.startsWith('/static/')) {
    res.setHeader('Content-Type', 'text/css');
    res.setHeader('ETag', `"${build}-${path.length}"`);
    return res.end(`/* ${build} */ p { margin: 0 }\n`.repeat(40));
  }
  if (env.PAGE_CPU_MS) compute(Number(env.PAGE_CPU_MS), () => process.cpuUsage().user / 1000);
  setTimeout(() => page(res, path), Number(env.PAGE_MS || 2));
}

function greet(req, socket) {
  socket.on('error', () => socket.destroy());
  if (!req.url.startsWith('/live')) return socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  const accept = crypto.createHash('sha1').update(req.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on('data', (piece) => (piece[0] === 0x88 ? socket.end(Buffer.from([0x88, 0])) : socket.write(Buffer.from([0x81, 2, 0x6f, 0x6b]))));
  socket.on('end', () => socket.end());
}

routes['/live'] = (req, res) => problem(res, 426, 'this is for WebSockets');

const server = http.createServer(answer);
server.on('upgrade', greet);
if (env.KEEPALIVE_MS) server.keepAliveTimeout = Number(env.KEEPALIVE_MS);
// Some applications do this, so that load balancers above TCP spread their connections anew.
if (env.ROTATE) {
  server.on('request', (req, res) => {
    req.socket.served = (req.socket.served || 0) + 1;
    if (req.socket.served >= Number(env.ROTATE)) res.on('finish', () => setTimeout(() => req.socket.destroy(), 60));
  });
}
process.on('SIGTERM', () => process.exit(0)); // as Node does without a word
const at = env.AT.lastIndexOf(':');
const listen = () => (at < 0 ? server.listen(env.AT) : server.listen(Number(env.AT.slice(at + 1)), env.AT.slice(0, at).replace(/[[\]]/g, '')));
// What a start takes: migrations, a warm cache.
setTimeout(listen, Number(deployed('slow-start', 0)));
if (deployed('crash-after')) setTimeout(() => { throw new Error('SHOP_SECRET is not set'); }, Number(deployed('crash-after')));
