// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/sensor"
)

// failing is one of the failures of a storm: of many servers, paths and clients, in five
// ways.
func failing(ids *record.IDs, i int) *record.Record {
	r := new(record.Record)
	r.Reset()
	r.ID = ids.Next()
	r.Site, r.Upstream, r.Status = "shop.example", fmt.Sprint("app", i%8), 502
	r.Client = netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
	r.SetText(record.Method, []byte("GET"))
	r.SetText(record.Target, fmt.Appendf(nil, "/page%d?q=%d", i%50, i))
	code := failure.Code{Party: failure.Upstream, Phase: phase.AwaitHead, Kind: failure.Reset}
	switch i % 5 {
	case 1:
		code.Kind = failure.Timeout
	case 2:
		code = failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}
	case 3:
		code = failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: failure.Reset}
	case 4:
		code = failure.Code{Party: failure.Upstream, Phase: phase.UpHandshake, Kind: failure.Reset}
	}
	err := &failure.Error{Code: code}
	a := r.AddAttempt()
	a.Server, a.Took, a.Failure, a.Error = fmt.Sprintf("10.0.0.%d:80", i%16), time.Millisecond, code, err
	r.NoteFailure(err)
	r.Outcome, r.Start, r.Total = record.Answered, time.Now(), 2*time.Millisecond
	return r
}

// TestFailureStorm: far more failures than can be looked at hold nobody up: each is seen,
// or counted as dropped, and memory stays bounded.
func TestFailureStorm(t *testing.T) {
	const each, storms = 50_000, 4
	g, _ := gatewayFor(t, plain, "ORIGIN", deadPort(t))
	before := heap()
	var all sync.WaitGroup
	for k := range storms {
		all.Go(func() {
			ids := record.NewIDs(uint64(k))
			list := make([]*record.Record, 500)
			for i := range list {
				list[i] = failing(ids, k*len(list)+i)
			}
			for i := range each {
				r := list[i%len(list)]
				r.ID, r.Start = ids.Next(), time.Now()
				g.env.Ring.Put(uint32(k), r)
			}
		})
	}
	all.Wait()
	seen := func() (n uint64) {
		g.diagnosis.sensor.Each(func(c *sensor.Case) { n += c.Failed + c.Saved })
		return n
	}
	eventually(t, "each of them is seen or counted as dropped", func() bool {
		_, dropped := g.env.Ring.Dropped()
		return seen()+dropped == each*storms
	})
	if seen() == 0 {
		t.Error("nothing was seen of it")
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB stay in memory", grown>>20)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFailureStorm: what a failure costs who has it, while the diagnosis and all other
// readers are at work.
func BenchmarkFailureStorm(b *testing.B) {
	g, _ := gatewayFor(b, plain, "ORIGIN", deadPort(b))
	ids := record.NewIDs(1)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		r := failing(ids, 1)
		for p.Next() {
			g.env.Ring.Put(0, r)
		}
	})
	_, dropped := g.env.Ring.Dropped()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "failures/s")
	b.ReportMetric(100*float64(dropped)/float64(b.N), "dropped-%")
}
