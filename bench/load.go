// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// constant drives a contender at a fixed rate. Each request has an intended time,
// and its latency counts from there: a gateway that stalls is charged for every
// request that had to wait, not only for the one that was under way.
func (b *bench) constant(w workload, c *contender, rate float64) (sample, error) {
	return constantRate(c.addr, w.conns, rate, time.Duration(b.o.seconds)*time.Second)
}

// halfOf measures c's capacity and returns half of it, in requests per second.
func halfOf(c *contender, seconds int) (float64, error) {
	s, err := constantRate(c.addr, 64, 1e9, time.Duration(max(seconds, 2))*time.Second)
	return s.perSec / 2, err
}

func constantRate(addr string, conns int, rate float64, length time.Duration) (sample, error) {
	gap := time.Duration(float64(conns) / rate * float64(time.Second))
	start := time.Now().Add(50 * time.Millisecond)
	results := make([]rateResult, conns)
	var wg sync.WaitGroup
	for i := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			// The connections take turns within one gap.
			results[i] = rateWorker(addr, start.Add(gap*time.Duration(i)/time.Duration(conns)), gap, length)
		}()
	}
	wg.Wait()
	var all []time.Duration
	s := sample{}
	for _, r := range results {
		if r.err != nil {
			return s, r.err
		}
		all = append(all, r.latencies...)
	}
	if len(all) == 0 {
		return s, fmt.Errorf("no request was answered at %s", addr)
	}
	slices.Sort(all)
	s.perSec = float64(len(all)) / length.Seconds()
	s.p50, s.p99 = all[len(all)/2], all[len(all)*99/100]
	s.value = float64(s.p99.Microseconds()) / 1000
	return s, nil
}

type rateResult struct {
	latencies []time.Duration
	err       error
}

func rateWorker(addr string, first time.Time, gap, length time.Duration) (r rateResult) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return rateResult{err: err}
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 4096)
	request := []byte("GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: causey-bench\r\n\r\n")
	for intended := first; intended.Sub(first) < length; intended = intended.Add(gap) {
		now := time.Now()
		if wait := intended.Sub(now); wait > 0 {
			time.Sleep(wait)
		} else if gap < time.Microsecond*100 {
			if now.Sub(first) > length {
				return r // unbounded rate: as many as fit
			}
			intended = now
		}
		if _, err := conn.Write(request); err != nil {
			return rateResult{err: err}
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return rateResult{err: err}
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err != nil || res.StatusCode != 200 {
			return rateResult{err: fmt.Errorf("%s: %w", res.Status, err)}
		}
		r.latencies = append(r.latencies, time.Since(intended))
	}
	return r
}
