// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"causey/internal/accesslog"
	"causey/internal/admin"
	"causey/internal/incident"
	"causey/internal/record"
	"causey/internal/store"
)

// Before implements admin.PastIncidents: what the store has.
func (d *diagnosis) Before(ctx context.Context, opened time.Time, limit int) ([]incident.Incident, error) {
	rows, err := d.store.Incidents(ctx, store.Filter{Before: opened, Limit: limit})
	return incidentsOf(rows), err
}

// Recall implements admin.PastIncidents.
func (d *diagnosis) Recall(ctx context.Context, id string) (i incident.Incident, err error) {
	row, err := d.store.Incident(ctx, id)
	if errors.Is(err, store.ErrNone) {
		row, err = d.store.IncidentOf(ctx, id)
	}
	if list := incidentsOf([]store.Incident{row}); err == nil && len(list) > 0 {
		return list[0], nil
	}
	return i, noIncident(err)
}

// Evidence implements admin.PastIncidents.
func (d *diagnosis) Evidence(ctx context.Context, id string) (e admin.IncidentEvidence, err error) {
	i, err := d.Recall(ctx, id)
	if err != nil {
		return e, err
	}
	snapshots, err := d.store.Evidence(ctx, i.ID)
	if err != nil {
		return e, err
	}
	exemplars, err := d.store.Exemplars(ctx, i.ID)
	e.Snapshots, e.Exchanges = make([]json.RawMessage, 0, len(snapshots)), make([]json.RawMessage, 0, len(exemplars))
	for _, s := range snapshots {
		e.Snapshots = append(e.Snapshots, s.Body)
	}
	for _, x := range exemplars {
		e.Exchanges = append(e.Exchanges, x.Body)
	}
	return e, err
}

func noIncident(err error) error {
	if err == nil || errors.Is(err, store.ErrNone) {
		return admin.ErrNoIncident
	}
	return err
}

// incidentsOf reads rows; one that another version wrote and this one cannot read is left
// out.
func incidentsOf(rows []store.Incident) []incident.Incident {
	list := make([]incident.Incident, 0, len(rows))
	for _, row := range rows {
		var i incident.Incident
		if err := json.Unmarshal(row.Body, &i); err == nil {
			list = append(list, i)
		}
	}
	return list
}

// keepEvidence keeps an incident as it is told now, and its exemplars. What finds no place
// is counted by the store.
func (d *diagnosis) keepEvidence(i *incident.Incident, body []byte) {
	_ = d.store.AddEvidence(store.Evidence{Incident: i.ID, At: i.Updated, Body: body}, nil)
	enc := accesslog.NewEncoder(accesslog.JSON)
	for _, text := range i.Exemplars {
		id, ok := record.ParseID(text)
		if !ok {
			continue
		}
		r, ok := d.exchanges.Get(id)
		if !ok {
			continue
		}
		line := append(enc.AppendMembers([]byte{'{'}, &r), '}')
		_ = d.store.PutExemplar(store.Exemplar{Exchange: text, Incident: i.ID, At: r.Start.Add(r.Total), Failure: failureText(&r), Body: line}, nil)
	}
}

func failureText(r *record.Record) string {
	if r.Failure.IsNone() {
		return ""
	}
	return r.Failure.String()
}
