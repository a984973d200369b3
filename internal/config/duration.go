// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, never negative.
type Duration time.Duration

// Std gives the duration as package time has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// durationUnit is one unit, the largest first in durationUnits.
type durationUnit struct {
	name string
	size time.Duration
}

var durationUnits = []durationUnit{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// unitWords are the words people write for a unit, by its name.
var unitWords = map[string]string{
	"sec": "s", "secs": "s", "second": "s", "seconds": "s",
	"min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
	"msec": "ms", "msecs": "ms", "millisecond": "ms", "milliseconds": "ms", "millis": "ms",
}

// durationLimit bounds what a text can say; each key has its own, lower one.
const durationLimit = 10 * 365 * 24 * time.Hour

// ParseDuration reads 250ms, 30s, 1m30s, 1.5h or 7d: numbers with units, the
// largest unit first, decimals in the last one only. 0 needs no unit. The error
// is a *ValueError.
func ParseDuration(s string) (Duration, error) {
	if s == "0" {
		return 0, nil
	}
	total, ok := time.Duration(0), s != ""
	above := len(durationUnits) + 1 // units still allowed, counted from the smallest
	for rest := s; rest != "" && ok; {
		number, tail := cutNumber(rest)
		unit := tail[:len(tail)-len(strings.TrimLeft(tail, "abcdefghijklmnopqrstuvwxyz"))]
		rest = tail[len(unit):]
		index := -1
		for i, u := range durationUnits {
			if u.name == unit {
				index = i
			}
		}
		size := len(durationUnits) - index
		if index < 0 || size >= above || strings.Contains(number, ".") && rest != "" {
			ok = false
			break
		}
		above = size
		var part time.Duration
		if part, ok = scale(number, durationUnits[index].size); ok {
			total += part
			ok = total <= durationLimit
		}
	}
	if !ok {
		return 0, wrong(durationHint(s), "%s is not a duration", quote(s))
	}
	return Duration(total), nil
}

// cutNumber splits a decimal number from the front of s.
func cutNumber(s string) (number, rest string) {
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		n++
	}
	return s[:n], s[n:]
}

// scale multiplies a decimal number with a unit, exactly, or reports false: too
// large, too many decimals, not a number.
func scale(number string, unit time.Duration) (time.Duration, bool) {
	whole, decimals, hasDecimals := strings.Cut(number, ".")
	if len(whole) == 0 || len(whole) > 12 || len(decimals) > 6 || hasDecimals && decimals == "" {
		return 0, false
	}
	w, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || w > int64(durationLimit/unit) {
		return 0, false
	}
	total := time.Duration(w) * unit
	if decimals != "" {
		f, err := strconv.ParseInt(decimals+strings.Repeat("0", 6-len(decimals)), 10, 64)
		if err != nil {
			return 0, false
		}
		// unit/1000 first: a day in nanoseconds times 999,999 is above 2^63.
		total += time.Duration(f) * (unit / 1000) / 1000
	}
	return total, true
}

// durationHint guesses what was meant by a text that is no duration.
func durationHint(s string) string {
	number, unit := cutNumber(strings.TrimSpace(s))
	unit = strings.ToLower(strings.TrimSpace(unit))
	if strings.HasPrefix(strings.TrimSpace(s), "-") {
		return "a duration is never negative"
	}
	if _, ok := scale(number, time.Second); ok {
		if short, known := unitWords[unit]; known {
			return "write " + number + short
		}
		switch unit {
		case "":
			return "the unit is missing; write " + number + "s for seconds, " + number + "ms for milliseconds"
		case "us", "µs", "ns":
			return "the smallest unit is ms"
		case "d", "h", "m", "s", "ms":
			return "write " + number + unit
		}
	}
	return "write a number and its unit (ms, s, m, h, d), the largest first, at most 10 years: 250ms, 30s, 1m30s"
}

// String gives the shortest text that reads as d: 1m30s.
func (d Duration) String() string {
	if d <= 0 {
		return "0"
	}
	var b strings.Builder
	rest := time.Duration(d)
	for _, u := range durationUnits {
		if n := rest / u.size; n > 0 && u.name != "ms" {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			rest -= n * u.size
		}
	}
	if rest > 0 {
		b.WriteString(strconv.FormatFloat(float64(rest)/float64(time.Millisecond), 'f', -1, 64) + "ms")
	}
	return b.String()
}

// MarshalText gives String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
