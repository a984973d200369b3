// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// bodyMost bounds a body, in bytes.
const bodyMost = 256 << 10

// Incident is a row of incidents. All but its times and its body are words of whoever
// writes it.
type Incident struct {
	ID, State, Severity, Cause, Site, Upstream, Scope string
	// Closed is zero for one that goes on.
	Opened, Updated, Closed time.Time
	// Body is JSON.
	Body []byte
}

// Evidence is one snapshot of what was known of an incident, and of what was concluded.
type Evidence struct {
	Incident string
	At       time.Time
	Body     []byte
}

// Exemplar is one exchange of an incident.
type Exemplar struct {
	Exchange, Incident string
	At                 time.Time
	// Failure is the code of the exchange's failure.
	Failure string
	Body    []byte
}

// Rule is a rule that somebody set.
type Rule struct {
	ID, Kind, Subject, Reason string
	Created                   time.Time
	// Expires is zero for one that stays.
	Expires time.Time
	Body    []byte
}

// Override is what the owner decided about a server.
type Override struct {
	Upstream, Server, State, Reason string
	Set                             time.Time
	// Expires is when it is to be forgotten, zero for never. That is up to its owner:
	// the store deletes no override by itself.
	Expires time.Time
}

// check refuses a body that no file should have, and a row whose key is not whole.
func check(body []byte, keys ...string) error {
	switch {
	case len(body) > bodyMost:
		return fmt.Errorf("a body of %d bytes, at most %d", len(body), bodyMost)
	case !json.Valid(body):
		return errors.New("a body that is not JSON")
	}
	return checkKeys(keys...)
}

func checkKeys(keys ...string) error {
	if slices.Contains(keys, "") {
		return errors.New("a row without its key")
	}
	return nil
}

// stamp is a time as it is stored.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// moment reads a stamp into at.
type moment struct{ at *time.Time }

func (m moment) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	*m.at = time.Time{}
	if n.Valid {
		*m.at = time.UnixMilli(n.Int64).UTC()
	}
	return nil
}
