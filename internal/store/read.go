// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
)

// ErrNone says that there is no such row.
var ErrNone = errors.New("there is none")

// incidentsMost bounds what one call returns.
const incidentsMost = 1000

// Filter says which incidents are asked for.
type Filter struct {
	// States are those wanted, none for all.
	States []string
	// Before leaves out what was opened then or later, if it is not zero: the page after
	// one that ends with an incident of that time.
	Before time.Time
	// Limit is how many are wanted at most, 0 for as many as there may be: 1000.
	Limit int
}

const incidentColumns = `SELECT id, state, severity, cause, site, upstream, scope, opened_at, updated_at, closed_at, body FROM incidents `

func scanIncident(row scanner) (i Incident, err error) {
	err = row.Scan(&i.ID, &i.State, &i.Severity, &i.Cause, &i.Site, &i.Upstream, &i.Scope,
		moment{&i.Opened}, moment{&i.Updated}, moment{&i.Closed}, &i.Body)
	return i, err
}

// Reads show what is committed: not yet what waits in the queue.

// Incident returns the incident id, or ErrNone.
func (s *Store) Incident(ctx context.Context, id string) (Incident, error) {
	return one(all(ctx, s, scanIncident, incidentColumns+`WHERE id = ?`, id))
}

// IncidentOf returns the incident that an exchange is an exemplar of, or ErrNone.
func (s *Store) IncidentOf(ctx context.Context, exchange string) (Incident, error) {
	return one(all(ctx, s, scanIncident, incidentColumns+`WHERE id = (SELECT incident_id FROM exemplars WHERE exchange_id = ?)`, exchange))
}

// Incidents returns incidents, those first that were opened last.
func (s *Store) Incidents(ctx context.Context, f Filter) ([]Incident, error) {
	before := int64(math.MaxInt64)
	if !f.Before.IsZero() {
		before = f.Before.UnixMilli()
	}
	if f.Limit <= 0 || f.Limit > incidentsMost {
		f.Limit = incidentsMost
	}
	text, args := incidentColumns+`WHERE opened_at < ?`, []any{before}
	if len(f.States) > 0 {
		text += ` AND state IN (?` + strings.Repeat(`,?`, len(f.States)-1) + `)`
		for _, state := range f.States {
			args = append(args, state)
		}
	}
	return all(ctx, s, scanIncident, text+` ORDER BY opened_at DESC, id LIMIT ?`, append(args, f.Limit)...)
}

// Evidence returns the snapshots of an incident, oldest first.
func (s *Store) Evidence(ctx context.Context, incident string) ([]Evidence, error) {
	return all(ctx, s, func(row scanner) (e Evidence, err error) {
		err = row.Scan(&e.Incident, moment{&e.At}, &e.Body)
		return e, err
	}, `SELECT incident_id, at, body FROM evidence WHERE incident_id = ? ORDER BY at`, incident)
}

// Exemplars returns the exchanges of an incident that are kept, newest first.
func (s *Store) Exemplars(ctx context.Context, incident string) ([]Exemplar, error) {
	return all(ctx, s, func(row scanner) (x Exemplar, err error) {
		err = row.Scan(&x.Exchange, &x.Incident, moment{&x.At}, &x.Failure, &x.Body)
		return x, err
	}, `SELECT exchange_id, incident_id, at, failure, body FROM exemplars WHERE incident_id = ? ORDER BY at DESC`, incident)
}

// Rules returns the rules that have not expired, oldest first.
func (s *Store) Rules(ctx context.Context) ([]Rule, error) {
	return all(ctx, s, func(row scanner) (r Rule, err error) {
		err = row.Scan(&r.ID, &r.Kind, &r.Subject, &r.Reason, moment{&r.Created}, moment{&r.Expires}, &r.Body)
		return r, err
	}, `SELECT id, kind, subject, reason, created_at, expires_at, body FROM rules
		WHERE expires_at IS NULL OR expires_at > ? ORDER BY created_at, id`, s.opts.Now().UnixMilli())
}

// Overrides returns what was decided about servers.
func (s *Store) Overrides(ctx context.Context) ([]Override, error) {
	return all(ctx, s, func(row scanner) (o Override, err error) {
		err = row.Scan(&o.Upstream, &o.Server, &o.State, &o.Reason, moment{&o.Set}, moment{&o.Expires})
		return o, err
	}, `SELECT upstream, server, state, reason, set_at, expires_at FROM server_overrides ORDER BY upstream, server`)
}

// scanner is a row of a result.
type scanner interface{ Scan(...any) error }

// all reads the rows that a query gives. That the file is damaged is told to the writer.
func all[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), text string, args ...any) (list []T, err error) {
	defer func() {
		if err != nil && blameFor(err) == onFile {
			signal(s.suspect)
		}
	}()
	rows, err := s.db.Load().r.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

func one(list []Incident, err error) (Incident, error) {
	switch {
	case err != nil:
		return Incident{}, err
	case len(list) == 0:
		return Incident{}, ErrNone
	}
	return list[0], nil
}
