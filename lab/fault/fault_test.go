// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"causey/lab/real"
)

// proof reports whether a fault shows, as whoever asks its servers directly sees it: nil if it does, else what was
// seen instead.
type proof func(context.Context, *Stage) error

// proofs are those of the faults, by ID; their files stand beside those of the faults.
var proofs = map[string]proof{}

func prove(all map[string]proof) {
	for id, s := range all {
		proofs[id] = s
	}
}

// parallel is how many faults are tested at a time: most of what they take is waiting.
const parallel = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		_ = flag.Set("test.parallel", parallel)
	}
	os.Exit(m.Run())
}

// Each fault's symptom is there after Break and not before, or from the start where there is no Break; Mend ends it.
func TestFaults(t *testing.T) {
	for _, f := range All() {
		shows, ok := proofs[f.ID()]
		if !ok {
			continue // proven elsewhere
		}
		t.Run(f.ID(), func(t *testing.T) {
			t.Parallel()
			s := stageFor(t)
			setUp(t, f, s)
			if f.Break != nil {
				if shows(s.ctx, s) == nil {
					t.Fatal("the symptom is there before Break")
				}
				if err := f.Break(s); err != nil {
					t.Fatal("Break: ", err)
				}
			}
			eventually(t, "the symptom", s, shows)
			if f.Mend == nil {
				return
			}
			if err := f.Mend(s); err != nil {
				t.Fatal("Mend: ", err)
			}
			eventually(t, "the end of the symptom", s, func(ctx context.Context, s *Stage) error {
				if shows(ctx, s) == nil {
					return errors.New("it still shows")
				}
				return nil
			})
		})
	}
}

func stageFor(t *testing.T) *Stage {
	gateway, err := real.FreeAddr("0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	s := NewStage(ctx, t.TempDir(), gateway, 1)
	s.Logf = t.Logf
	t.Cleanup(func() {
		cancel()
		s.Close()
	})
	return s
}

func setUp(t *testing.T, f *Fault, s *Stage) {
	var needs ErrNeeds
	switch err := f.Set(s); {
	case errors.As(err, &needs):
		t.Skip(needs)
	case err != nil:
		t.Fatal("Set: ", err)
	}
}

func eventually(t *testing.T, what string, s *Stage, shows proof) {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 8*time.Second)
	defer cancel()
	for {
		err := shows(ctx, s)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is missing: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var address = regexp.MustCompile(`127(?:\.\d+){3}:\d+`)

// servers are the addresses of the servers in the gateway's configuration, in its order.
func (s *Stage) servers() []string { return address.FindAllString(s.Config, -1) }

// Names are unique, and each of ours has a proof, and no proof and no reason is left over.
func TestListsFit(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		if seen[f.ID()] {
			t.Errorf("two faults are %s", f.ID())
		}
		seen[f.ID()] = true
		if Missing[f.Cause] != "" {
			t.Errorf("%s is made and said to be missing", f.Cause)
		}
		if (len(f.Twins) > 0) != (f.Why != "") {
			t.Errorf("%s: twins without a reason, or a reason without twins", f.ID())
		}
		if f.Means == "" || f.Scope == "" {
			t.Errorf("%s: no means or no scope", f.ID())
		}
	}
	for _, f := range slices.Concat(rawTLS, rawForeign, rawRequest, rawHead, rawBody, rawApp, rawCDN, rawClients) {
		if proofs[f.ID()] == nil {
			t.Errorf("%s has no proof", f.ID())
		}
	}
	for id := range proofs {
		if !seen[id] {
			t.Errorf("a proof of %s, which is no fault", id)
		}
	}
}

// instead says that something else was seen.
func instead(format string, args ...any) error { return fmt.Errorf("instead: "+format, args...) }
