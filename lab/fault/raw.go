// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"causey/lab/origin"
)

// rawServer answers what ordinary visitors ask for, until an illness befalls it.
type rawServer struct {
	*origin.Server
	ill atomic.Pointer[illness]
}

// illness names the origin's target for a request that it befalls, such as "/lab/fin"; "" for one that it spares.
type illness func(origin.Request) string

// raw starts a raw server. Options.Target is its own.
func (s *Stage) raw(o origin.Options) (*rawServer, error) {
	r := &rawServer{}
	o.Target, o.LogLimit = r.target, -1
	var err error
	if r.Server, err = origin.Start("tcp", s.anywhere(), o); err != nil {
		return nil, err
	}
	s.AtEnd(func() { _ = r.Close() })
	return r, nil
}

// anywhere is an address of 127.0.0.0/8 to listen on, where the kernel finds a port.
func (s *Stage) anywhere() string {
	return fmt.Sprintf("127.%d.%d.%d:0", 1+s.Rand.IntN(254), s.Rand.IntN(256), 1+s.Rand.IntN(254))
}

func (r *rawServer) target(q origin.Request) string {
	if ill := r.ill.Load(); ill != nil {
		if target := (*ill)(q); target != "" {
			return target
		}
	}
	return well(q)
}

// fall makes the server ill.
func (r *rawServer) fall(ill illness) error {
	r.ill.Store(&ill)
	return nil
}

// recover makes it well again.
func (r *rawServer) recover() error {
	r.ill.Store(nil)
	return nil
}

// well is how a shop answers: pages, smaller files, and what an order came to.
func well(q origin.Request) string {
	switch {
	case q.Method == "POST":
		return "/upload"
	case strings.HasPrefix(q.Target, "/static/"):
		return "/size/6000"
	}
	return "/size/14000"
}

// match says which requests an illness befalls.
type match func(origin.Request) bool

func everything(origin.Request) bool { return true }

// pages are what the application answers: all but files.
func pages(q origin.Request) bool { return !strings.HasPrefix(q.Target, "/static/") }

// got are pages that are asked for by GET.
func got(q origin.Request) bool { return q.Method == "GET" && pages(q) }

func search(q origin.Request) bool { return strings.HasPrefix(q.Target, "/search") }

func product(q origin.Request) bool { return strings.HasPrefix(q.Target, "/product/") }

// oneIn returns a match for every n-th request that befalls, whoever asks.
func oneIn(n uint64, befalls match) match {
	var count atomic.Uint64
	return func(q origin.Request) bool { return befalls(q) && count.Add(1)%n == 0 }
}

// slowStall has what stalls show within seconds.
const slowStall = "timeouts: {await_head: 4s, body_stall: 3s, send_stall: 4s}"

// behind is the configuration of a gateway with one site, and one upstream: its server, as YAML has it, or several in
// brackets, and more lines for the upstream.
func behind(server string, lines ...string) string {
	if !strings.HasPrefix(server, "[") {
		server = "[" + server + "]"
	}
	return "sites:\n  - host: shop.example\n    routes: [{path: /, upstream: shop}]\n" +
		"upstreams:\n  shop:\n    servers: " + server + "\n" + indented(lines)
}

func indented(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("    " + l + "\n")
	}
	return b.String()
}

// answers is a fault of what one raw server answers: from Break on, the requests that match get the target's answer.
type answers struct {
	cause, name, scope string
	match              func() match // made anew for each stage
	target             string
	lines              []string // more of the upstream's configuration
	asks               []Ask    // who comes beside the ordinary visitors
	patience           time.Duration
}

func (a answers) fault() *Fault {
	return &Fault{
		Cause: a.cause, Name: a.name, Means: Raw, Scope: a.scope,
		Set: func(s *Stage) error {
			r, err := s.raw(origin.Options{})
			if err != nil {
				return err
			}
			s.Config = behind("http://"+r.Addr(), a.lines...)
			s.also(a.asks...)
			s.Visitors.Patience = a.patience
			befalls := a.match()
			s.breaks = func() error {
				return r.fall(func(q origin.Request) string {
					if befalls(q) {
						return a.target
					}
					return ""
				})
			}
			s.mends = r.recover
			return nil
		},
		Break: later, Mend: back,
	}
}

// orElse names what else a fault may be taken for, and why.
func (f *Fault) orElse(why string, twins ...string) *Fault {
	f.Twins, f.Why = twins, why
	return f
}

// always is a match without a memory.
func always(m match) func() match { return func() match { return m } }

// now and then: every n-th.
func sometimes(n uint64, m match) func() match { return func() match { return oneIn(n, m) } }
