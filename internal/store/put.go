// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

// The methods that write return at once. An error says that nothing was taken: the row
// is wrong, or there is no room (ErrFull). Else done, if it is not nil, is called once, on
// the store's goroutine, which waits for it: with nil when the row is on the disk, with
// ErrVolatile if it is in memory for the time being. It must not wait for the store.

func (s *Store) put(key string, bytes int, done func(error), statements ...statement) error {
	w := &write{key: key, statements: statements, bytes: bytes + writeBytes}
	if done != nil {
		w.done = append(w.done, done)
	}
	return s.queue.put(w)
}

// PutIncident writes an incident, in place of what is there of it. Of several that wait
// the last one is written.
func (s *Store) PutIncident(i Incident, done func(error)) error {
	if err := check(i.Body, i.ID, i.State); err != nil {
		return err
	}
	return s.put("incident "+i.ID, len(i.Body), done, statement{`INSERT INTO incidents VALUES (?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET state = excluded.state, severity = excluded.severity, cause = excluded.cause, site = excluded.site,
		upstream = excluded.upstream, scope = excluded.scope, opened_at = excluded.opened_at, updated_at = excluded.updated_at,
		closed_at = excluded.closed_at, body = excluded.body`,
		[]any{i.ID, i.State, i.Severity, i.Cause, i.Site, i.Upstream, i.Scope, stamp(i.Opened), stamp(i.Updated), stamp(i.Closed), string(i.Body)}})
}

// AddEvidence adds a snapshot to an incident, which has one for a millisecond. Of one
// with very many the first stays and the newest.
func (s *Store) AddEvidence(e Evidence, done func(error)) error {
	if err := check(e.Body, e.Incident); err != nil {
		return err
	}
	return s.put("", len(e.Body), done,
		statement{`INSERT INTO evidence VALUES (?,?,?) ON CONFLICT DO UPDATE SET body = excluded.body`, []any{e.Incident, stamp(e.At), string(e.Body)}},
		statement{`DELETE FROM evidence WHERE incident_id = ?1 AND at > (SELECT min(at) FROM evidence WHERE incident_id = ?1)
			AND at IN (SELECT at FROM evidence WHERE incident_id = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)`, []any{e.Incident, evidenceMost - 1}})
}

// PutExemplar writes an exchange of an incident. The newest ones of an incident stay.
func (s *Store) PutExemplar(x Exemplar, done func(error)) error {
	if err := check(x.Body, x.Exchange, x.Incident); err != nil {
		return err
	}
	return s.put("exemplar "+x.Exchange, len(x.Body), done,
		statement{`INSERT INTO exemplars VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET incident_id = excluded.incident_id, at = excluded.at,
			failure = excluded.failure, body = excluded.body`, []any{x.Exchange, x.Incident, stamp(x.At), x.Failure, string(x.Body)}},
		statement{`DELETE FROM exemplars WHERE rowid IN
			(SELECT rowid FROM exemplars WHERE incident_id = ? ORDER BY at DESC LIMIT -1 OFFSET ?)`, []any{x.Incident, exemplarsMost}})
}

// PutRule writes a rule, in place of what is there of it.
func (s *Store) PutRule(r Rule, done func(error)) error {
	if err := check(r.Body, r.ID, r.Kind); err != nil {
		return err
	}
	return s.put("rule "+r.ID, len(r.Body), done, statement{`INSERT INTO rules VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
		kind = excluded.kind, subject = excluded.subject, reason = excluded.reason, created_at = excluded.created_at,
		expires_at = excluded.expires_at, body = excluded.body`,
		[]any{r.ID, r.Kind, r.Subject, r.Reason, stamp(r.Created), stamp(r.Expires), string(r.Body)}})
}

// DeleteRule removes a rule. It is no error if there is none.
func (s *Store) DeleteRule(id string, done func(error)) error {
	return s.put("rule "+id, 0, done, statement{`DELETE FROM rules WHERE id = ?`, []any{id}})
}

// PutOverride writes what is decided about a server, in place of what was.
func (s *Store) PutOverride(o Override, done func(error)) error {
	if err := checkKeys(o.Upstream, o.Server); err != nil {
		return err
	}
	return s.put(overrideKey(o.Upstream, o.Server), len(o.Reason), done, statement{`INSERT INTO server_overrides VALUES (?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, set_at = excluded.set_at, expires_at = excluded.expires_at`,
		[]any{o.Upstream, o.Server, o.State, o.Reason, stamp(o.Set), stamp(o.Expires)}})
}

// DeleteOverride forgets what was decided about a server. It is no error if nothing was.
func (s *Store) DeleteOverride(upstream, server string, done func(error)) error {
	return s.put(overrideKey(upstream, server), 0, done,
		statement{`DELETE FROM server_overrides WHERE upstream = ? AND server = ?`, []any{upstream, server}})
}

func overrideKey(upstream, server string) string { return "override " + upstream + "\x00" + server }
