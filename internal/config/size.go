// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strconv"
	"strings"
)

// Size is a number of bytes, never negative.
type Size int64

// Rate is a number of bytes per second, never negative; 0 asks for nothing.
type Rate int64

// sizeLimit bounds what a text can say: 1 PiB.
const sizeLimit = 1 << 50

// sizeUnits are the units by their lower-case name. The bare letter is binary,
// as nginx, HAProxy and Apache have it; kB, MB and GB are decimal, as the SI has
// them, so that no text means two things.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// ParseSize reads 4096, 64KiB, 64k, 10MB or 1.5GiB. The error is a *ValueError.
func ParseSize(s string) (Size, error) {
	n, ok := bytesOf(s)
	if !ok {
		return 0, wrong(sizeHint(s), "%s is not a size", quote(s))
	}
	return Size(n), nil
}

// bytesOf reads a number with a unit of bytes.
func bytesOf(s string) (int64, bool) {
	number, unit := cutNumber(s)
	size, known := sizeUnits[strings.ToLower(unit)]
	whole, decimals, hasDecimals := strings.Cut(number, ".")
	if !known || whole == "" || len(whole) > 18 || len(decimals) > 3 || hasDecimals && (decimals == "" || size == 1) {
		return 0, false
	}
	w, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || w > sizeLimit/size {
		return 0, false
	}
	total := w * size
	if hasDecimals {
		f, err := strconv.ParseInt(decimals+strings.Repeat("0", 3-len(decimals)), 10, 64)
		if err != nil {
			return 0, false
		}
		total += f * size / 1000
	}
	return total, total <= sizeLimit
}

// sizeHint guesses what was meant by a text that is no size.
func sizeHint(s string) string {
	trimmed := strings.TrimSpace(s)
	switch strings.ToLower(trimmed) {
	case "unlimited", "none", "off", "infinite", "-1":
		return "where a key can be without a limit, that is written 0"
	}
	if strings.HasPrefix(trimmed, "-") {
		return "a size is never negative"
	}
	if closed := strings.ReplaceAll(trimmed, " ", ""); closed != s {
		if _, ok := bytesOf(closed); ok {
			return "write " + closed
		}
	}
	if closed := strings.ReplaceAll(trimmed, "_", ""); closed != s {
		if _, ok := bytesOf(closed); ok {
			return "write " + closed
		}
	}
	number, unit := cutNumber(trimmed)
	switch strings.ToLower(strings.TrimSpace(unit)) {
	case "bytes", "byte":
		return "write " + number
	case "kbytes", "kilobytes", "kbyte", "ki":
		return "write " + number + "KiB"
	case "mbytes", "megabytes", "mbyte", "mi":
		return "write " + number + "MiB"
	case "gbytes", "gigabytes", "gbyte", "gi":
		return "write " + number + "GiB"
	}
	return "write a number of bytes, or a number and KiB, MiB or GiB, at most 1024TiB"
}

// String gives the shortest exact text: 64KiB.
func (s Size) String() string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if unit := Size(sizeUnits[strings.ToLower(u)]); s >= unit && s%unit == 0 {
			return strconv.FormatInt(int64(s/unit), 10) + u
		}
	}
	return strconv.FormatInt(int64(max(s, 0)), 10)
}

// MarshalText gives String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseRate reads 240B/s, 1KiB/s or 0. The error is a *ValueError.
func ParseRate(s string) (Rate, error) {
	if s == "0" {
		return 0, nil
	}
	amount, found := strings.CutSuffix(s, "/s")
	n, ok := bytesOf(amount)
	if !found || !ok {
		return 0, wrong(rateHint(s), "%s is not a rate", quote(s))
	}
	return Rate(n), nil
}

// rateHint guesses what was meant by a text that is no rate.
func rateHint(s string) string {
	amount := strings.ToLower(strings.ReplaceAll(s, " ", ""))
	switch amount {
	case "off", "none", "unlimited":
		return "to ask for no progress write 0"
	}
	for _, per := range []string{"/sec", "/second", "ps", "/s", ""} {
		plain := strings.TrimSuffix(amount, per)
		if _, ok := bytesOf(plain); ok {
			number, unit := cutNumber(plain)
			switch unit {
			case "", "b":
				unit = "B"
			case "k", "m", "g", "t":
				unit = strings.ToUpper(unit) + "iB"
			case "kib", "mib", "gib", "tib":
				unit = strings.ToUpper(unit[:1]) + "iB"
			default:
				unit = unit[:1] + "B"
			}
			return "a rate is bytes per second; write " + number + unit + "/s"
		}
	}
	return "write a size per second, such as 240B/s or 1KiB/s"
}

// String gives the shortest exact text: 240B/s, 1KiB/s, 0.
func (r Rate) String() string {
	if r <= 0 {
		return "0"
	}
	text := Size(r).String()
	if last := text[len(text)-1]; last >= '0' && last <= '9' {
		text += "B"
	}
	return text + "/s"
}

// MarshalText gives String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
