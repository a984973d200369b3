// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"fmt"
	"strconv"
	"strings"
)

// Ranges is a set of numbers as text: "400-431 502 504".
type Ranges struct{ spans []span }

type span struct{ from, to int64 }

// Has reports whether n is in one of the ranges.
func (r Ranges) Has(n int64) bool {
	for _, s := range r.spans {
		if s.from <= n && n <= s.to {
			return true
		}
	}
	return false
}

// Empty reports that nothing was written.
func (r Ranges) Empty() bool { return len(r.spans) == 0 }

// String returns the set as it is written in the data.
func (r Ranges) String() string {
	var words []string
	for _, s := range r.spans {
		if s.from == s.to {
			words = append(words, strconv.FormatInt(s.from, 10))
		} else {
			words = append(words, fmt.Sprintf("%d-%d", s.from, s.to))
		}
	}
	return strings.Join(words, " ")
}

// UnmarshalYAML reads the set; the error names the word that is no range.
func (r *Ranges) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	for word := range strings.FieldsSeq(text) {
		low, high, ranged := strings.Cut(word, "-")
		if !ranged {
			high = low
		}
		from, err := strconv.ParseInt(low, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no range: %w", word, err)
		}
		to, err := strconv.ParseInt(high, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no range: %w", word, err)
		}
		if from > to {
			return fmt.Errorf("%q is no range: %d is above %d", word, from, to)
		}
		r.spans = append(r.spans, span{from, to})
	}
	return nil
}
