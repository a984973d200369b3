// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package real runs the servers that website owners really have: nginx, Apache httpd, php-fpm, gunicorn and Node,
// and HAProxy in front of a gateway or behind it.
//
// What it is: for each of them a Start function that writes a small configuration and application into a directory of
// its own, starts the program from there on a loopback address of its own, and waits until it answers. All but HAProxy
// speak the paths below; Start runs what a caller configures.
//
//	GET  /             a short text
//	GET  /size/N       N bytes of causey/lab/pattern (after Provide(N), which makes the file where files are served)
//	POST /upload       {"bytes":N,"sha256":"..."} of the request's body
//	GET  /slow?ms=N    an answer after N milliseconds
//	GET  /sse?n=N&every=MS  N server-sent events
//	     /ws           WebSocket echo (Node only)
//
// What it never does: touch the system's configuration or services, listen beyond loopback, run a server as root, or
// signal a process that it did not start.
//
// Invariants:
//   - I1: after Stop no process of the group lives and the directory is gone.
//   - I2: a signal reaches only our own group: the leader is not reaped before Stop, so its id cannot be anybody
//     else's.
//   - I3: if the calling program dies, its servers get SIGTERM from the kernel.
//   - I4: a program that is not installed is an ErrMissing, which names the Debian package.
//
// Where to start reading: process.go, then nginx.go as the example of one server.
package real
