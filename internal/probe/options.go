// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/upstream"
	"causey/internal/wire"
)

// Kind is what a check asks.
type Kind uint8

// The kinds.
const (
	// HTTP asks for a path and looks at the status, and at the body if told.
	HTTP Kind = iota
	// TCP opens a connection.
	TCP
	// TLS opens one and makes a handshake.
	TLS
	// GRPC calls Check of grpc.health.v1.
	GRPC
)

// Options say what is asked, and how often.
type Options struct {
	Kind Kind
	// Port is asked in place of the server's own, 0 for that one.
	Port uint16
	// Secure overrides whether TLS is spoken.
	Secure Secure
	// Method and Path are for HTTP.
	Method, Path string
	// Host is what is asked for, "" for the server's address.
	Host string
	// Statuses are those that are well.
	Statuses Statuses
	// Body is a text that the body has to have in its first bodyMax bytes, "" for any
	// body.
	Body string
	// Service is what a check by gRPC asks about, "" for the whole server.
	Service string
	// Interval lies between two checks, FastInterval where the state is in doubt.
	Interval, FastInterval time.Duration
	// Timeout bounds one check, from the name to the verdict.
	Timeout time.Duration
	// Proxy is the version of the PROXY header that requests' connections begin with.
	Proxy upstream.ProxyVersion
	// TLS is how the group's servers are spoken to over it.
	TLS *engine.ServerTLS
	// Limits bound what an answer may have, as those of requests.
	Limits wire.Limits
}

// Secure says whether a check speaks TLS.
type Secure uint8

// The ways.
const (
	// AsServer speaks it where requests do.
	AsServer Secure = iota
	Always
	Never
)

// overTLS reports whether s is asked over TLS.
func (o *Options) overTLS(s *upstream.Server) bool {
	switch {
	case o.Kind == TCP:
		return false
	case o.Kind == TLS || o.Secure == Always:
		return true
	}
	return o.Secure == AsServer && s.TLS
}

// authority is the host that s is asked for.
func (o *Options) authority(s *upstream.Server) string {
	if o.Host != "" || o.Port == 0 || s.Path != "" {
		return or(o.Host, s.Authority)
	}
	return net.JoinHostPort(or(s.Host, s.Addr.Addr().String()), strconv.Itoa(int(o.Port)))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Statuses are ranges of status codes.
type Statuses []StatusRange

// StatusRange has the codes from From to To.
type StatusRange struct{ From, To int }

func (list Statuses) has(status int) bool {
	for _, r := range list {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

// String writes them as they are configured: "200-299, 404".
func (list Statuses) String() string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = strconv.Itoa(r.From)
		if r.To != r.From {
			texts[i] += "-" + strconv.Itoa(r.To)
		}
	}
	return strings.Join(texts, ", ")
}

// Env is what checks need of the world.
type Env struct {
	Resolver Resolver
	// Dial opens connections: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the time of day, for certificates; After the timer.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
	// Slots bounds the checks that run at a time by its capacity, those of all Runners
	// that share it.
	Slots chan struct{}
}

// Resolver turns names into addresses: a *resolve.Resolver.
type Resolver interface {
	Lookup(ctx context.Context, name string) (resolve.Answer, error)
	Forget(name string)
}
