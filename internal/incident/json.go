// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"encoding/json"
	"time"
)

// stamp is a time as the API writes all: UTC, with milliseconds.
type stamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (s stamp) MarshalText() ([]byte, error) {
	return time.Time(s).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// IsZero makes a time that there is none of be left out.
func (s stamp) IsZero() bool { return time.Time(s).IsZero() }

// MarshalJSON writes the incident with its times as stamps, and without null: a list that
// is empty is one.
func (i Incident) MarshalJSON() ([]byte, error) {
	type plain Incident
	c := plain(i)
	c.Upstreams, c.Sites, c.Exemplars = list(c.Upstreams), list(c.Sites), list(c.Exemplars)
	c.Ranked, c.Facts, c.Cases = list(c.Ranked), list(c.Facts), list(c.Cases)
	a := &c.Account
	a.HowKnown, a.Against, a.Else, a.Do = list(a.HowKnown), list(a.Against), list(a.Else), list(a.Do)
	return json.Marshal(struct {
		plain
		Opened   stamp `json:"opened"`
		Updated  stamp `json:"updated"`
		LastSeen stamp `json:"last_seen"`
		Ended    stamp `json:"closed,omitzero"`
	}{c, stamp(i.Opened), stamp(i.Updated), stamp(i.LastSeen), stamp(i.Ended)})
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
