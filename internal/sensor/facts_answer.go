// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

// answerField returns the value of a field of a kept answer, nil for none.
func answerField(a *record.Answer, name string) []byte {
	for line := range bytes.SplitSeq(a.Head, []byte("\r\n")) {
		if n, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(n, []byte(name)) {
			return bytes.TrimSpace(value)
		}
	}
	return nil
}

// seeAnswers sees what bad answers look like.
func seeAnswers(v *view) {
	status, n, all, ok := majority(v.bad, func(s *sample) (int, bool) { return s.try.Status, s.try.Failure.IsNone() && s.try.Status > 0 })
	if !ok {
		return
	}
	v.number("status", float64(status), "%s", portion(n, all, "bad answer", fmt.Sprintf("have status %d", status)))
	v.most("answer_fast", func(s *sample) (bool, bool) {
		return s.total-max(s.try.Start, 0) < 20*time.Millisecond, s.try.Status > 0 && s.try.Start >= 0
	}, "came as an answer within 20 ms")
	has := func(name string) func(*sample) (bool, bool) {
		return func(s *sample) (bool, bool) {
			return s.try.Answer != nil && answerField(s.try.Answer, name) != nil, s.try.Answer != nil
		}
	}
	v.most("retry_after", has("Retry-After"), "came with a time at which to try again (Retry-After)")
	v.most("answer_cached", func(s *sample) (bool, bool) {
		if s.try.Answer == nil {
			return false, false
		}
		age := answerField(s.try.Answer, "Age")
		hit := bytes.HasPrefix(bytes.ToUpper(answerField(s.try.Answer, "X-Cache")), []byte("HIT"))
		return hit || len(age) > 0 && !bytes.Equal(age, []byte("0")), true
	}, "came from a cache")
	v.most("location_self", func(s *sample) (bool, bool) { return s.try.Answer != nil && s.try.Answer.ToSelf, s.try.Answer != nil }, "led to the same URL again")
	v.seeBodiesAlike()
}

// seeBodiesAlike sees whether bad answers have the bodies of others, of other paths where
// several are asked for. Servers have a few texts for one thing, by who asks.
func (v *view) seeBodiesAlike() {
	type body struct {
		n     int
		paths map[string]bool
	}
	bodies, paths, all := map[uint64]*body{}, map[string]bool{}, 0
	for _, s := range v.bad {
		if s.try.Answer == nil || len(s.try.Answer.Body) == 0 {
			continue
		}
		sum, path := maphash.Bytes(v.s.seed, s.try.Answer.Body), s.path.String()
		b := bodies[sum]
		if b == nil {
			b = &body{paths: map[string]bool{}}
			bodies[sum] = b
		}
		b.n++
		b.paths[path], paths[path] = true, true
		all++
	}
	alike := 0
	for _, b := range bodies {
		if b.n > 1 && (len(b.paths) > 1 || len(paths) == 1) {
			alike += b.n
		}
	}
	if all >= 2 {
		v.truth("answer_same", 10*alike >= 9*all, "%s", portion(alike, all, "bad answer", "have the same body as others"))
	}
}

// seeGateway sees what the gateway lacks itself.
func seeGateway(v *view) {
	is := func(kinds ...failure.Kind) func(*sample) (bool, bool) {
		return func(s *sample) (bool, bool) {
			if s.try.Failure.Party == failure.Gateway {
				for _, k := range kinds {
					if s.try.Failure.Kind == k {
						return true, true
					}
				}
			}
			return false, true
		}
	}
	v.most("loop_seen", is(failure.Loop), "came back to this gateway")
	v.most("own_files", is(failure.NoFDs), "came for want of descriptors for files and connections")
	v.most("own_ports", is(failure.NoPorts), "came for want of local ports")
	v.most("own_limit", is(failure.Limit), "came at a limit of the configuration")
}
