// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"causey/lab/fault"
)

// sample are quick faults over all layers, for the ordinary run.
var sample = []string{
	"tcp.refused.down", "unix.missing", "proto.fastcgi", "req.headers_too_large:uwsgi", "resp.header_too_big", "app.poison_request",
	"app.deadlock", "cap.app_limit", "ops.bad_deploy", "ops.maintenance", "relayed.inner_gateway", "ws.upgrade_refused",
}

// atATime bounds how many stages there are at a time.
const atATime = 4

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

// TestCauses has each fault named by the program. I1
func TestCauses(t *testing.T) {
	faults := chosen(t)
	if !incidentsThere(t) {
		t.Skip("the admin side has no /api/v1/incidents yet")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	next := make(chan *fault.Fault)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		told []report
	)
	for worker := range atATime {
		chance := rand.New(rand.NewPCG(seed, uint64(worker)))
		wg.Go(func() {
			for f := range next {
				t.Run(f.ID(), func(t *testing.T) {
					r := perform(t, f, chance.Uint64())
					mu.Lock()
					defer mu.Unlock()
					told = append(told, r)
				})
			}
		})
	}
	for _, f := range faults {
		next <- f
	}
	close(next)
	wg.Wait()
	t.Log("\n" + table(told))
}

// report is what the program said of one fault.
type report struct {
	id, truth, scope string
	first            string        // the first verdict, "" for none
	took             time.Duration // from the break to the truth, or to the end of patience
	rank             int           // of the truth in the end: 1 is first, 0 is not named
	early            string        // what was named before anything had been broken
}

// perform makes one fault and waits until it is named.
func perform(t *testing.T, f *fault.Fault, seed uint64) report {
	p := raise(t, f, seed)
	r := report{id: f.ID(), truth: f.Cause}
	if f.Break != nil {
		// Not at the start: what is healthy has to be seen first.
		time.Sleep(3*time.Second + time.Duration(p.stage.Rand.Int64N(int64(3*time.Second))))
		if early := p.incidents(t); len(early) > 0 {
			r.early = early[0].top()
		}
		if err := f.Break(p.stage); err != nil {
			unless(t, err)
		}
	}
	p.await(t, &r, append([]string{f.Cause}, f.Twins...), patience)
	if f.Mend != nil {
		if err := f.Mend(p.stage); err != nil {
			t.Errorf("mend: %v", err)
		}
	}
	if r.rank != 1 {
		t.Errorf("%s is not named within %v; first verdict %q, rank of the truth %d, visitors %+v",
			f.Cause, patience, r.first, r.rank, p.crowds[0].Counts())
	}
	return r
}

// await asks until one of the right causes is first, or the time is over.
func (p *performance) await(t *testing.T, r *report, right []string, within time.Duration) {
	t.Helper()
	for began := time.Now(); r.rank != 1 && r.took < within; r.took = time.Since(began) {
		r.rank = 0
		for _, i := range p.incidents(t) {
			if r.first == "" {
				r.first = i.top()
			}
			if at := i.rank(right); at > 0 && (r.rank == 0 || at < r.rank) {
				r.rank, r.scope = at, i.Scope.Level
			}
		}
		if r.rank != 1 {
			time.Sleep(between)
		}
	}
}

// between is the time between two questions.
const between = 250 * time.Millisecond

// patience is how long a cause may take to be named.
const patience = 25 * time.Second

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

// table is what the program said of all faults, and how many it named.
func table(all []report) string {
	slices.SortFunc(all, func(a, b report) int { return bytes.Compare([]byte(a.id), []byte(b.id)) })
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\ttruth\tfirst verdict\tseconds\trank\tscope\tbefore the break")
	var first, three, none int
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%d\t%s\t%s\n", r.id, r.truth, r.first, r.took.Seconds(), r.rank, r.scope, r.early)
		switch {
		case r.rank == 1:
			first++
			three++
		case r.rank > 1 && r.rank <= 3:
			three++
		case r.first == "":
			none++
		}
	}
	_ = w.Flush()
	fmt.Fprintf(&b, "named first %d of %d, among the first three %d, no verdict %d\n", first, len(all), three, none)
	return b.String()
}
