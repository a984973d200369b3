// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strconv"

// Concurrency says how many requests an upstream may have in hand at a time. The zero
// value has no bound.
type Concurrency struct {
	// Most is a fixed number, 0 for none; Adaptive says that it is learnt.
	Most     int
	Adaptive bool
}

const concurrencyMost = 1_000_000

// The words.
const (
	concurrencyOff      = "off"
	concurrencyAdaptive = "adaptive"
)

// parseConcurrency reads off, adaptive and a number.
func parseConcurrency(s string) (Concurrency, error) {
	switch s {
	case concurrencyOff:
		return Concurrency{}, nil
	case concurrencyAdaptive:
		return Concurrency{Adaptive: true}, nil
	case "0":
		return Concurrency{}, wrong("write "+concurrencyOff, "0 would serve nobody")
	case "auto", "on":
		return Concurrency{}, wrong("write "+concurrencyAdaptive, "%s is not one of ours", quote(s))
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > concurrencyMost || strconv.Itoa(n) != s {
		return Concurrency{}, wrong("write off, adaptive, or a number from 1 to 1,000,000", "%s is no number of requests", quote(s))
	}
	return Concurrency{Most: n}, nil
}

// String gives the text.
func (c Concurrency) String() string {
	switch {
	case c.Adaptive:
		return concurrencyAdaptive
	case c.Most == 0:
		return concurrencyOff
	}
	return strconv.Itoa(c.Most)
}

// MarshalJSON gives the number, or the word.
func (c Concurrency) MarshalJSON() ([]byte, error) {
	if c.Most > 0 && !c.Adaptive {
		return []byte(c.String()), nil
	}
	return []byte(strconv.Quote(c.String())), nil
}
