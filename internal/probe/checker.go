// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net"
	"time"

	"causey/internal/upstream"
)

// Checker asks one server at a time.
type Checker struct {
	o   Options
	env *Env
}

// NewChecker returns a Checker that asks by o.
func NewChecker(o Options, env *Env) *Checker { return &Checker{o, env} }

// Check asks s. It returns within the timeout, or soon after ctx ended; what it says
// then is of no use. I1.
func (c *Checker) Check(ctx context.Context, s *upstream.Server) upstream.Check {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	conn, wrong := c.open(ctx, s)
	if wrong != "" {
		return failed(wrong)
	}
	defer func() { conn.Close() }() // over TLS with a farewell
	// Reads and writes know nothing of contexts.
	raw := conn
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(longAgo) })
	defer stop()
	if wrong := c.greet(conn, s); wrong != "" {
		return failed(wrong)
	}
	what := where(conn, s)
	if c.o.overTLS(s) {
		if conn, wrong = c.secure(ctx, conn, s); wrong != "" {
			return failed(wrong)
		}
	}
	switch c.o.Kind {
	case TCP:
		return passed("connected to " + what)
	case TLS:
		return passed("TLS with " + what + " stands")
	case GRPC:
		return c.askGRPC(ctx, conn, s)
	}
	return c.askHTTP(ctx, conn, s)
}

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

func failed(says string) upstream.Check { return upstream.Check{Says: says} }
func passed(says string) upstream.Check { return upstream.Check{OK: true, Says: says} }

// where names the other end of conn.
func where(conn net.Conn, s *upstream.Server) string {
	if s.Path != "" {
		return s.Path
	}
	if a := conn.RemoteAddr(); a != nil {
		return a.String()
	}
	return s.Name
}

// late says that what did not happen in time.
func (c *Checker) late(what string) string { return fmt.Sprintf("%s within %s", what, c.o.Timeout) }
