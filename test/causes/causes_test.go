// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/lab/fault"
	"causey/lab/judge"
)

// sample are quick faults over all layers, for the ordinary run.
var sample = []string{
	"tcp.refused.wrong_port", "unix.missing", "req.headers_too_large:uwsgi", "dns.nxdomain", "tls.cert_expired", "tls.name_mismatch:renewed",
	"resp.bad_header:space", "cap.app_limit", "relayed.inner_gateway", "ws.upgrade_refused",
}

// choice says which faults are made: those of the sample, "all", or some by their IDs, with
// commas between.
const choice = "CAUSEY_TEST_CAUSES"

func chosen(t *testing.T) []*fault.Fault {
	t.Helper()
	all, word := fault.All(), os.Getenv(choice)
	if word == "all" {
		return all
	}
	ids := sample
	if word != "" {
		ids = strings.Split(word, ",")
	}
	var some []*fault.Fault
	for _, id := range ids {
		i := slices.IndexFunc(all, func(f *fault.Fault) bool { return f.ID() == id })
		if i < 0 {
			t.Fatalf("there is no fault %q", id)
		}
		some = append(some, all[i])
	}
	return some
}

// built is the program, which is built once.
var built = sync.OnceValues(func() (string, error) { return judge.Build(builtIn) })

// builtIn is the directory that it is built into.
var builtIn string

func TestMain(m *testing.M) {
	var err error
	if builtIn, err = os.MkdirTemp("", "causey-causes-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(builtIn)
	os.Exit(code)
}

// TestCauses has each fault named by the program. I1
func TestCauses(t *testing.T) {
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	slots := make(chan struct{}, atATime)
	for n, f := range chosen(t) {
		t.Run(f.ID(), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			play(t, program, f, uint64(n))
		})
	}
}

// atATime bounds how many stages there are at a time.
const atATime = 4

// patience is how long a cause may take to be named, between the time between two questions.
const (
	patience = 25 * time.Second
	between  = 250 * time.Millisecond
)

// play makes one fault and waits until it is named.
func play(t *testing.T, program string, f *fault.Fault, seed uint64) {
	p, err := judge.Begin(t.Context(), program, seed, f)
	t.Cleanup(p.End)
	unless(t, err)
	if f.Break != nil {
		// Not at the start: what is healthy has to be seen first.
		time.Sleep(3*time.Second + time.Duration(p.Stages[0].Rand.Int64N(int64(3*time.Second))))
		unless(t, p.Break())
	}
	right := append([]string{f.Cause}, f.Twins...)
	var said []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(between) {
		list, err := p.Incidents()
		if err != nil {
			t.Fatal(err)
		}
		said = said[:0]
		for _, i := range list {
			if i.Rank(right) == 1 {
				return
			}
			said = append(said, i.Title)
		}
	}
	t.Errorf("%s is not named within %v; it says %q, and visitors got %+v", f.Cause, patience, said, p.Crowds[0].Counts())
}

// unless skips for what the machine lacks, and fails for everything else.
func unless(t *testing.T, err error) {
	t.Helper()
	var needs fault.ErrNeeds
	if errors.As(err, &needs) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
