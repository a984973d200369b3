// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// underWay bounds how many requests of one crowd are under way at a time.
const underWay = 256

// Counts are what visitors saw.
type Counts struct {
	Asked int // requests that were sent, or that nobody would take
	Whole int // answers of any status that came whole
	// Status counts answers by their status, whole or not.
	Status map[int]int
	Failed int // no head of an answer came: refused, closed, reset
	Cut    int // the answer, or the WebSocket, ended before its end
	Left   int // the visitor had no more patience
	Missed int // fell due while too many were under way, and was not asked
	// UnderWay are asked now; they are not among Asked yet.
	UnderWay int
}

// Crowd are visitors who come.
type Crowd struct {
	site     string // the Host of those who name none
	gateway  string
	visitors Visitors
	clients  []*visitor
	room     chan struct{}
	wg       sync.WaitGroup

	mu     sync.Mutex
	rand   *rand.Rand
	counts Counts
}

// Visit has all of the stage's visitors come to its gateway until ctx ends.
func (s *Stage) Visit(ctx context.Context) []*Crowd {
	crowds := []*Crowd{s.come(ctx, s.Visitors)}
	for _, v := range s.Others {
		crowds = append(crowds, s.come(ctx, v))
	}
	return crowds
}

// Invite has more visitors come until the stage is closed: a break can be who comes.
func (s *Stage) Invite(v Visitors) *Crowd {
	ctx, leave := context.WithCancel(s.ctx)
	c := s.come(ctx, v)
	s.AtEnd(func() { leave(); c.Wait() })
	return c
}

func (s *Stage) come(ctx context.Context, v Visitors) *Crowd {
	c := &Crowd{site: s.site(), gateway: s.Gateway, visitors: v, room: make(chan struct{}, underWay),
		rand: rand.New(rand.NewPCG(s.Rand.Uint64(), 1)), counts: Counts{Status: map[int]int{}}}
	s.crowds = append(s.crowds, c)
	for i := range max(v.Clients, 1) {
		c.clients = append(c.clients, newVisitor(s.Gateway, i, c.rand))
	}
	c.wg.Go(func() { c.byChance(ctx) })
	for i := range v.Asks {
		if a := &v.Asks[i]; a.Every > 0 && !a.webSocket() {
			for _, who := range c.clients {
				c.wg.Go(func() { c.byClock(ctx, who, a) })
			}
		}
	}
	return c
}

var hosts = regexp.MustCompile(`(?m)\bhosts?:\s*[\["']*([A-Za-z0-9][\w.-]*)`)

// site is the first host that the configuration names.
func (s *Stage) site() string {
	if m := hosts.FindStringSubmatch(s.Config); m != nil {
		return m[1]
	}
	return "shop.example"
}

// Counts are what they have seen so far.
func (c *Crowd) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts
	n.Status = maps.Clone(n.Status)
	return n
}

// Wait returns when the context of the visit has ended and nobody is there any more.
func (c *Crowd) Wait() Counts {
	c.wg.Wait()
	for _, who := range c.clients {
		who.CloseIdleConnections()
	}
	return c.Counts()
}

// byChance sends what falls due at random times. It waits for no answer: visitors do not
// know of each other.
func (c *Crowd) byChance(ctx context.Context) {
	var weights int
	for i := range c.visitors.Asks {
		weights += c.visitors.Asks[i].weight()
	}
	if c.visitors.PerSecond <= 0 || weights == 0 {
		return
	}
	for due := time.Now(); ; {
		due = due.Add(time.Duration(c.chance(func(r *rand.Rand) float64 { return r.ExpFloat64() }) / c.visitors.PerSecond * float64(time.Second)))
		if !pause(ctx, time.Until(due)) {
			return
		}
		who := c.clients[int(c.chance((*rand.Rand).Float64)*float64(len(c.clients)))]
		a := c.draw(int(c.chance((*rand.Rand).Float64) * float64(weights)))
		select {
		case c.room <- struct{}{}:
			c.wg.Go(func() { defer func() { <-c.room }(); c.ask(ctx, who, a) })
		default:
			c.note(func(n *Counts) { n.Missed++ })
		}
	}
}

// draw is the ask at a number below the sum of the weights.
func (c *Crowd) draw(at int) *Ask {
	for i := range c.visitors.Asks {
		a := &c.visitors.Asks[i]
		if at -= a.weight(); at < 0 {
			return a
		}
	}
	panic("fault: no ask at that weight")
}

// byClock asks one thing again and again, a twentieth sooner or later.
func (c *Crowd) byClock(ctx context.Context, who *visitor, a *Ask) {
	for {
		gap := float64(a.Every) * (0.95 + c.chance((*rand.Rand).Float64)/10)
		if !pause(ctx, time.Duration(gap)) {
			return
		}
		c.ask(ctx, who, a)
	}
}

func (c *Crowd) chance(f func(*rand.Rand) float64) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f(c.rand)
}

func (c *Crowd) note(f func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.counts)
}

// ask asks one thing, and again if that is the visitor's way.
func (c *Crowd) ask(ctx context.Context, who *visitor, a *Ask) {
	path := a.Path
	if a.Many > 0 {
		number := 1 + int(c.chance((*rand.Rand).Float64)*float64(a.Many))
		path = strings.Replace(path, "*", strconv.Itoa(number), 1)
	}
	for tries := 0; c.once(ctx, who, a, path) && tries < a.Again; tries++ {
		if !pause(ctx, 250*time.Millisecond) {
			return
		}
	}
}

// once asks and counts what came of it. It reports whether that was an error.
func (c *Crowd) once(ctx context.Context, who *visitor, a *Ask, path string) (wrong bool) {
	patience := a.Patience
	if patience == 0 {
		patience = c.visitors.Patience
	}
	mine := ctx
	if patience > 0 && !a.webSocket() {
		var leave context.CancelFunc
		mine, leave = context.WithTimeout(ctx, patience)
		defer leave()
	}
	c.note(func(n *Counts) { n.UnderWay++ })
	status, err := who.ask(mine, a, c.site, path, patience)
	c.note(func(n *Counts) { n.UnderWay-- })
	if ctx.Err() != nil {
		return false // the visit is over; what was under way counts neither way
	}
	c.note(func(n *Counts) {
		n.Asked++
		if status > 0 {
			n.Status[status]++
		}
		switch {
		case err == nil:
			n.Whole++
		case errors.Is(mine.Err(), context.DeadlineExceeded):
			n.Left++
		case status == 0:
			n.Failed++
		default:
			n.Cut++
		}
	})
	return err != nil || status >= 500
}

// pause waits, and reports whether the time came before ctx's end.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// weight is 0 for what is asked by the clock.
func (a *Ask) weight() int {
	if a.Every > 0 && !a.webSocket() {
		return 0
	}
	return a.Weight
}

func (a *Ask) webSocket() bool {
	for _, f := range a.Fields {
		if name, value, _ := strings.Cut(f, ":"); http.CanonicalHeaderKey(name) == "Upgrade" && strings.TrimSpace(value) == "websocket" {
			return true
		}
	}
	return false
}

// visitor is one client, with an address and connections of its own.
type visitor struct {
	*http.Transport
	agent   string
	address string // what it says of itself where its connection does not
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
}

// newVisitor is the visitor with a number. On loopback it has an address of 127.0.0.0/8.
// By a unix socket, which leads out of a network namespace, it says its address in
// X-Forwarded-For, as a balancer in front would.
func newVisitor(gateway string, number int, r *rand.Rand) *visitor {
	address := fmt.Sprintf("127.%d.%d.%d", 1+r.IntN(254), r.IntN(256), 1+r.IntN(254))
	v := &visitor{agent: agents[number%len(agents)]}
	var d net.Dialer
	path, unix := strings.CutPrefix(gateway, "unix:")
	switch {
	case unix:
		v.address = address
		v.dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }
	case strings.HasPrefix(gateway, "127."):
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
		fallthrough
	default:
		v.dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "tcp", gateway) }
	}
	v.Transport = &http.Transport{DialContext: v.dial, MaxIdleConnsPerHost: 6, DisableCompression: true}
	return v
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
}
