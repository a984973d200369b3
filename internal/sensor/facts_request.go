// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"time"

	"causey/internal/record"
)

// seeRequest sees whether it has to do with what requests are like.
func seeRequest(v *view) {
	v.wall("big_body_only", "body_wall", "request bodies", func(s *sample) float64 { return float64(s.bodyIn) })
	v.wall("big_head_only", "head_wall", "request heads", func(s *sample) float64 { return float64(s.headIn) })
	usual := v.usualSizes()
	v.wall("big_answer_only", "", "answers", func(s *sample) float64 {
		if s.try.Answer != nil && s.try.Answer.Length > 0 {
			return float64(s.try.Answer.Length)
		}
		if e := s.evidence(); e != nil && e.Missing > 0 {
			return float64(e.Missing + s.bodyOut)
		}
		return max(float64(s.bodyOut), usual[s.path.String()])
	})
	v.only("coded_only", "had a compressed answer (Content-Encoding)", func(s *sample) bool { return s.try.Coded })
	v.only("chunked_only", "had a body of unannounced length", func(s *sample) bool { return s.asks&record.AsksChunked != 0 })
	v.only("expect_only", "asked first whether the body is wanted (Expect: 100-continue)", func(s *sample) bool { return s.asks&record.AsksContinue != 0 })
	v.only("upgrade_only", "asked for another protocol, such as WebSocket", func(s *sample) bool { return s.asks&record.AsksUpgrade != 0 })
	v.only("slow_upload_only", "had a body that took more than 2 s to come", func(s *sample) bool { return s.bodyIn > 0 && s.upload > 2*time.Second && !s.isUnread() })
}

// usualSizes are how long the answers of paths were until the onset, in bytes: of one that
// did not come it is not known.
func (v *view) usualSizes() map[string]float64 {
	usual := map[string]float64{}
	for _, g := range v.good {
		if path := g.path.String(); g.at.Before(v.onset) && g.bodyOut > 0 {
			usual[path] = max(usual[path], float64(g.bodyOut))
		}
	}
	return usual
}

// wall sees whether only long ones fail.
func (v *view) wall(only, at, what string, size func(*sample) float64) {
	if len(v.asked) < 2 {
		return
	}
	_, bad := middle(v.asked, func(s *sample) (float64, bool) { return size(s), true })
	// Those of before tell only what is usual, since all went well then.
	meanwhile := v.during
	if len(meanwhile) < few {
		meanwhile = v.good
	}
	_, good := middle(meanwhile, func(s *sample) (float64, bool) { return size(s), true })
	if len(good) < few {
		return
	}
	// One of ten may have failed for another reason.
	least, most := bad[len(bad)/10], good[len(good)-1]
	is := least > most && least > 2*good[len(good)/2]+500
	v.truth(only, is, "the %s of failures have %s or more, those of requests that went well at most %s", what, bytesText(least), bytesText(most))
	if is && at != "" {
		v.number(at, least, "the shortest of the %s of failures has %s", what, bytesText(least))
	}
}

// only sees whether all failures have something that few others have.
func (v *view) only(name, say string, has func(*sample) bool) {
	bad, good, without := 0, 0, 0
	for _, b := range v.asked {
		if has(b) {
			bad++
		}
	}
	for _, g := range v.good {
		if has(g) {
			good++
		} else {
			without++
		}
	}
	if without >= few && len(v.asked) >= 2 {
		v.truth(name, bad == len(v.asked) && good*5 < without, "%s, and so did %d of %d requests that went well", tally(bad, len(v.asked), say), good, good+without)
	}
}

func bytesText(n float64) string {
	switch {
	case n >= 10<<20:
		return fmtInt(n/(1<<20)) + " MiB"
	case n >= 10<<10:
		return fmtInt(n/(1<<10)) + " KiB"
	}
	return fmtInt(n) + " bytes"
}
