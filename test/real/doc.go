// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package real relays real software: nginx, Apache, php-fpm behind nginx, gunicorn and
// Node, with large bodies, WebSocket and event streams, and kills each of them in
// the middle of an answer.
//
// What it is: tests around lab/real. CAUSEY_TEST_FULL=1 moves 100 MiB up and 1 GiB
// down through each.
//
// What it never does: it fails because a program is not installed; it says what is
// missing and skips.
//
// Invariants:
//
//	I1. A body is compared by its length and its bytes.
//
// Start reading with real_test.go.
package real
