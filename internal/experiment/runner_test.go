// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/incident"
	"causey/internal/sensor"
	"causey/internal/upstream"
)

// world is a network in memory, in a bubble of synctest, with a number of upstreams of
// one server each.
type world struct {
	*rig
	run   *Runner
	serve func(net.Conn)

	mu      sync.Mutex
	dialled map[string][]time.Time
	open    map[string]int
	most    int
}

func inWorld(t *testing.T, upstreams int, f func(t *testing.T, w *world)) {
	catalogue() // outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		w := &world{rig: newRig(t), dialled: map[string][]time.Time{}, open: map[string]int{}}
		w.serve = w.says(fine)
		var all []Upstream
		for i := range upstreams {
			w.servers(at(netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", i+1))))
			w.up.Name = fmt.Sprint("shop", i)
			all = append(all, w.up)
		}
		w.o.Upstreams = func() []Upstream { return all }
		w.o.Dial = w.dial
		w.d.Mode, w.d.Facts = sensor.ModeClosed, is("instant", "all_fail", "!over_tls", "!worked_before")
		w.d.Symptom.Codes = []failure.Code{code(t, "upstream.await-head.closed")}
		w.run = New(w.o)
		f(t, w)
		w.run.Close()
		w.run.Close()
	})
}

func (w *world) dial(_ context.Context, _, address string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialled[address] = append(w.dialled[address], time.Now())
	w.open[address]++
	w.most = max(w.most, w.open[address])
	go func() {
		defer theirs.Close()
		w.serve(theirs)
		theirs.Read(make([]byte, 1))
	}()
	return &known{Conn: ours, w: w, address: address}, nil
}

// known is a connection in memory whose other end has an address.
type known struct {
	net.Conn
	w       *world
	address string
	once    sync.Once
}

func (k *known) Close() error {
	k.once.Do(func() {
		k.w.mu.Lock()
		defer k.w.mu.Unlock()
		k.w.open[k.address]--
	})
	return k.Conn.Close()
}

func (k *known) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(k.address))
}

// consider asks about the case of one upstream.
func (w *world) consider(i int) cause.Facts {
	d := w.d
	d.Upstream, d.Now = fmt.Sprint("shop", i), time.Now()
	d.Servers, d.Dialled = []string{fmt.Sprintf("10.0.0.%d:80", i+1)}, netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", i+1))
	return w.run.Consider(&d)
}

// What came out becomes a fact, for a minute while the case fails on, and else for as
// long as the episode lasts.
func TestOutcomesCount(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.serve = func(c net.Conn) { c.Close() }
		if f := w.consider(0); len(f) > 0 {
			t.Errorf("there are facts before anything was tried: %v", f)
		}
		time.Sleep(3 * time.Second)
		w.allow(false) // one was enough
		v, ok := w.consider(0)["try_idle"]
		if !ok || v.True || v.Say == "" {
			t.Errorf("%v %v", v, ok)
		}
		w.d.FailsOn = false
		time.Sleep(2 * time.Minute)
		if f := w.consider(0); len(f) != 1 {
			t.Errorf("the episode lasts: %v", f)
		}
		w.d.FailsOn = true
		if f := w.consider(0); len(f) != 0 {
			t.Errorf("it fails on: %v", f)
		}
		w.d.FailsOn, w.d.Onset = false, time.Now()
		if f := w.consider(0); len(f) != 0 {
			t.Errorf("another episode: %v", f)
		}
		if c := w.run.Counts(); c[5] != (Count{Experiment: "idle", No: 1}) {
			t.Errorf("%+v", c[5])
		}
	})
}

// I1, I3.
func TestBudget(t *testing.T) {
	for upstreams, most := range map[int]int{2: 2 * perServer, 12: inAll} {
		t.Run(fmt.Sprint(upstreams), func(t *testing.T) { testBudget(t, upstreams, most) })
	}
}

// testBudget looks a thousand times at three cases of each of some upstreams, of whose
// experiments at most so many may begin within a minute.
func testBudget(t *testing.T, upstreams, most int) {
	inWorld(t, upstreams, func(t *testing.T, w *world) {
		w.serve = func(c net.Conn) {
			w.read(c)
			time.Sleep(time.Second)
			io.WriteString(c, fine)
		}
		for i := range 1000 {
			w.d.Onset = time.Now().Truncate(20 * time.Second) // so that all is to be tried again
			w.d.Mode = []sensor.Mode{sensor.ModeClosed, sensor.ModeSilent, "answer 502"}[i/upstreams%3]
			w.consider(i % upstreams)
			time.Sleep(250 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rig.mu.Lock()
		defer w.rig.mu.Unlock()
		var all []time.Time
		for address, list := range w.dialled {
			all = append(all, list...)
			within(t, address, list, perServer)
		}
		within(t, "all", all, inAll)
		if len(all) < 4*most*9/10 { // in some four minutes
			t.Errorf("only %d were tried: the bounds were not reached", len(all))
		}
		if w.most > 1 {
			t.Errorf("%d at a time at one server", w.most)
		}
		for _, head := range w.heads {
			if head == "" || strings.HasPrefix(head, "PRI * HTTP/2.0\r\n") || head[0] == 1 || head[0] == 22 { // FastCGI, TLS
				continue
			}
			head = strings.TrimPrefix(head, "PROXY UNKNOWN\r\n")
			line, _, _ := strings.Cut(head, "\r\n")
			if line != "GET / HTTP/1.1" && line != "GET /cart HTTP/1.1" || strings.Contains(head, "ookie") || !strings.HasSuffix(head, "\r\n\r\n") {
				t.Errorf("%q", head)
			}
		}
	})
}

// within checks that no minute has more than most.
func within(t *testing.T, what string, list []time.Time, most int) {
	t.Helper()
	for _, from := range list {
		n := 0
		for _, at := range list {
			if d := at.Sub(from); d >= 0 && d < time.Minute {
				n++
			}
		}
		if n > most {
			t.Errorf("%s: %d within a minute, at most %d may be", what, n, most)
			return
		}
	}
}

// Nothing is tried that nobody wants. I3.
func TestNothingIsTried(t *testing.T) {
	for name, change := range map[string]func(*world){
		"off":         func(w *world) { w.allow(false) },
		"closed":      func(w *world) { w.run.Close() },
		"over":        func(w *world) { w.d.FailsOn = false },
		"no upstream": func(w *world) { w.o.Upstreams()[0].Name = "gone" },
		"maintenance": func(w *world) {
			w.o.Upstreams()[0].Group.(group).SetHand("10.0.0.1:80", upstream.Maintain, "by hand", 0)
		},
		"nothing to ask": func(w *world) { w.d.Symptom = cause.Symptom{} },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				change(w)
				for range 20 {
					if f := w.consider(0); len(f) > 0 {
						t.Errorf("%v", f)
					}
					time.Sleep(time.Second)
				}
				if len(w.dialled) > 0 {
					t.Errorf("dialled: %v", w.dialled)
				}
			})
		})
	}
}

// A server that hangs holds up neither Consider nor Close. I6.
func TestClose(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.serve = silent
		w.consider(0)
		synctest.Wait()
		begin := time.Now()
		w.consider(0)
		w.run.Close()
		if took := time.Since(begin); took > 0 || len(w.dialled) != 1 {
			t.Errorf("it took %s; dialled: %v", took, w.dialled)
		}
		if f := w.consider(0); len(f) > 0 {
			t.Errorf("what was broken off says: %v", f)
		}
	})
}

// Cases come and go; the memory for them is bounded.
func TestCasesAreBounded(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.allow(false)
		for i := range 3 * casesMax {
			w.run.Consider(&incident.Doubt{Key: sensor.Key{Upstream: fmt.Sprint(i)}, Now: time.Now()})
		}
		if n := len(w.run.cases); n != casesMax {
			t.Errorf("%d cases", n)
		}
		time.Sleep(forget + time.Second)
		w.consider(0)
		if n := len(w.run.cases); n != 1 {
			t.Errorf("%d cases are left", n)
		}
	})
}
