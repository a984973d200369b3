// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// The three forms of a date (RFC 9110 section 5.6.7).
const (
	imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850     = "Monday, 02-Jan-06 15:04:05 GMT"
	asctime    = "Mon Jan _2 15:04:05 2006"
)

// dateMax bounds a text that can be a date.
const dateMax = len("Wednesday, 02-Jan-06 15:04:05 GMT")

// parseDate reads a date in any of its forms; ok is false for everything else.
func parseDate(b []byte, now time.Time) (t time.Time, ok bool) {
	if len(b) < len(asctime) || len(b) > dateMax {
		return t, false
	}
	s := string(b)
	if t, err := time.Parse(imfFixdate, s); err == nil && len(s) == len(imfFixdate) {
		return t, true
	}
	if t, err := time.Parse(rfc850, s); err == nil {
		// "Recipients of a timestamp value in rfc850-date format, which uses a
		// two-digit year, MUST interpret a timestamp that appears to be more than 50
		// years in the future as representing the most recent year in the past that
		// had the same last two digits."
		century := now.Year() / 100 * 100
		year := century + t.Year()%100
		if year > now.Year()+50 {
			year -= 100
		}
		return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC), true
	}
	t, err := time.Parse(asctime, s)
	return t, err == nil
}

// appendDate appends t in the form that is sent.
func appendDate(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, imfFixdate) }
