// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"crypto/tls"
	"time"
)

// Options is how a server behaves on every connection. The zero value is a good HTTP/1.1 origin.
type Options struct {
	// Accept names what is done with a connection at its accept (AcceptModes lists the names); "" is "serve".
	// Some take an argument: "hello-alert=112".
	Accept string
	// TLS makes "serve" speak TLS with this configuration; nil is plain HTTP. Other accept modes decide for themselves.
	TLS *tls.Config
	// Backlog is the listen queue's length; 0 is the system's.
	Backlog int
	// Fields are header lines, without CRLF, added to the answers of good routes: "Keep-Alive: timeout=5".
	Fields []string
	// HTTP10 makes good routes answer as an HTTP/1.0 server: no chunking, and the connection is closed after each
	// answer unless the request asks for keep-alive.
	HTTP10 bool
	// Target names what becomes of a request in place of its own target, such as "/lab/fin"; "" leaves it to that. It is
	// asked when the head has arrived, and by many goroutines. nil is every request's own.
	Target func(Request) string
	// PreferLength makes Content-Length win where a request carries Transfer-Encoding too.
	PreferLength bool

	// IdleClose ends a connection that waited this long for its next request; 0 is never.
	IdleClose time.Duration
	// CloseAfter ends a connection, unannounced, after this many answers; 0 is never.
	CloseAfter int
	// CloseHow is the way IdleClose and CloseAfter end it; "" is Close.
	CloseHow End
	// ReuseHow ends a reused connection when its next request has arrived, unanswered; "" is off.
	ReuseHow End
	// ReuseMethod limits ReuseHow to one method; "" is every method.
	ReuseMethod string
	// IdleBytes are sent once on each connection that waits for its second or a later request, IdleBytesAfter into
	// the wait.
	IdleBytes      []byte
	IdleBytesAfter time.Duration

	// MaxConns is how many connections are open at a time, the others wait in the listen queue; 0 is 16384.
	MaxConns int
	// HeadLimit is the longest request head read, in bytes; 0 is 128 KiB. Longer ones are answered 431.
	HeadLimit int
	// KeepBytes is how much of each body, and of what each connection received, the log keeps; 0 is 64 KiB.
	KeepBytes int
	// LogLimit is how many requests, and how many connections, the log keeps, newest last; 0 is 1024, negative is
	// none.
	LogLimit int
	// HoldLimit is the longest a connection is held or delayed; 0 is 10 minutes.
	HoldLimit time.Duration
}

func (o Options) withDefaults() Options {
	orInt := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	orInt(&o.MaxConns, 16384)
	orInt(&o.HeadLimit, 128<<10)
	orInt(&o.KeepBytes, 64<<10)
	orInt(&o.LogLimit, 1024)
	o.LogLimit = max(o.LogLimit, 0)
	if o.HoldLimit == 0 {
		o.HoldLimit = 10 * time.Minute
	}
	if o.CloseHow == "" {
		o.CloseHow = Close
	}
	if o.Accept == "" {
		o.Accept = "serve"
	}
	return o
}
