// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"causey/internal/cause/maker"
	"causey/internal/record"
)

// judgedMost bounds the bad answers of a case that are judged: the newest. Most are alike,
// and judging one takes a tenth of a millisecond.
const judgedMost = 8

// judged is what a bad answer shows of its maker.
type judged struct {
	product *maker.Product // nil if nobody is known to have made it
	code    string         // the product's own word for the reason, "" for none
	tells   []string
	mark    string // what it was known by
}

// judge finds out who made an answer, once.
func (s *sample) judge() *judged {
	if s.made != nil {
		return s.made
	}
	s.made = &judged{}
	for _, m := range maker.Identify(answerOf(s.try.Answer, s.try.Status)) {
		for _, t := range m.Tells {
			if !slices.Contains(s.made.tells, t) {
				s.made.tells = append(s.made.tells, t)
			}
		}
		if !m.Made || s.made.product != nil {
			continue
		}
		s.made.product = m.Product
		if m.Code != nil {
			s.made.code = m.Code.ID
		}
		if len(m.Marks) > 0 {
			s.made.mark = m.Marks[0]
		}
	}
	return s.made
}

// answerOf reads an answer that was kept.
func answerOf(a *record.Answer, status int) *maker.Answer {
	out := &maker.Answer{Status: status, Body: a.Body, Length: a.Length}
	_, head, _ := bytes.Cut(a.Head, []byte("\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		out.Fields = append(out.Fields, maker.Field{Name: string(name), Value: string(bytes.TrimSpace(value))})
		if strings.EqualFold(string(name), "Content-Encoding") {
			out.Body = nil // it cannot be read
		}
	}
	return out
}

// seeMakers sees who made the bad answers, and what they say of the reason.
func seeMakers(v *view) {
	var list []*judged
	for i := len(v.bad) - 1; i >= 0 && len(list) < judgedMost; i-- {
		if s := v.bad[i]; s.try.Answer != nil && s.method != "HEAD" {
			list = append(list, s.judge())
		}
	}
	ids, made, known := shares(list, func(j *judged) (string, bool) {
		if j.product == nil {
			return "", false
		}
		return j.product.ID, true
	})
	told := map[string]int{}
	for _, j := range list {
		for _, t := range j.tells {
			told[t]++
		}
	}
	if known > 0 || len(told) > 0 {
		tells := often(told, len(list))
		v.words("tells", tells, "of %s %d say the same of the reason: %s", some(len(list), "bad answer"), most(told), cmp.Or(strings.Join(tells, ", "), "nothing that several say"))
	}
	if len(list) >= few {
		v.truth("maker_unknown", known == 0, "%s", portion(len(list)-known, len(list), "bad answer", "are of no product that is known by its pages"))
	}
	if 2*known <= len(list) {
		return
	}
	first := list[slices.IndexFunc(list, func(j *judged) bool { return j.product != nil && j.product.ID == ids[0] })]
	v.words("made_by", often(made, len(list)), "%s: %s", portion(made[ids[0]], len(list), "bad answer", "were made by "+first.product.Name), first.mark)
	_, kinds, _ := shares(list, func(j *judged) (string, bool) {
		if j.product == nil {
			return "", false
		}
		return j.product.Kind, true
	})
	v.words("made_by_kind", often(kinds, len(list)), "%s", portion(made[ids[0]], len(list), "bad answer", "were made by "+first.product.Name))
	codes, coded, _ := shares(list, func(j *judged) (string, bool) { return j.code, j.code != "" })
	if len(codes) > 0 && 2*coded[codes[0]] > len(list) {
		v.words("made_code", codes[:1], "%s", portion(coded[codes[0]], len(list), "bad answer", "give "+codes[0]+" as the reason"))
	}
}

// often returns what at least a third of so many have, in order.
func often(counts map[string]int, of int) (keys []string) {
	for k, n := range counts {
		if 3*n >= of {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// most is the highest count.
func most(counts map[string]int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}
