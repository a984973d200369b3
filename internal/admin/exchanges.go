// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"causey/internal/accesslog"
	"causey/internal/failure"
	"causey/internal/record"
)

// How many exchanges a list has.
const (
	limitDefault = 50
	limitMax     = 500
)

// exchanges lists the newest exchanges, newest first.
func (s *Server) exchanges(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	found, next := s.opts.Store.find(q)
	body := append([]byte(`{"exchanges":`), appendRecords(nil, found)...)
	body = append(body, `,"next":"`...)
	if next != 0 {
		body = strconv.AppendUint(body, next, 10)
	}
	body = append(body, `","kept":`...)
	body = appendJSON(body, s.opts.Store.kept())
	write(w, http.StatusOK, "application/json", append(body, "}\n"...))
}

// appendRecords appends a JSON array of records as the access log has them.
func appendRecords(dst []byte, records []record.Record) []byte {
	enc := accesslog.NewEncoder(accesslog.JSON)
	dst = append(dst, '[')
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = enc.AppendMembers(dst, &records[i])
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendJSON(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	return append(dst, b...)
}

// exchange shows one exchange with its explanation, and the incident it belongs to.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	id, ok := record.ParseID(r.PathValue("id"))
	if !ok {
		writeProblem(w, problem{Status: http.StatusBadRequest,
			Detail: "A reference id looks like 3f9k2m1q-0000000004h."})
		return
	}
	rec, ok := s.opts.Store.Get(id)
	if !ok {
		k := s.opts.Store.kept()
		writeProblem(w, problem{Status: http.StatusNotFound, Kept: &k, Detail: fmt.Sprintf(
			"No exchange with this id is kept. Kept in memory since the start are the newest %d exchanges that went well, %d that were saved, %d failures and %d failures of clients; the access log has them all.",
			k.Ordinary, k.Saved, k.Failed, k.ClientFailed)})
		return
	}
	body := append([]byte{'{'}, accesslog.NewEncoder(accesslog.JSON).AppendMembers(nil, &rec)...)
	body = append(body, `,"incident":`...)
	body = appendJSON(body, s.opts.Incidents.OfExchange(id.String()))
	body = append(body, `,"explanation":`...)
	body = appendJSON(body, explain(&rec))
	write(w, http.StatusOK, "application/json", append(body, "}\n"...))
}

// parseQuery reads the filters. A parameter that does not exist is an error: a
// misspelt filter would silently show everything.
func parseQuery(v url.Values) (query, error) {
	q := query{limit: limitDefault}
	for name, values := range v {
		if len(values) != 1 {
			return q, fmt.Errorf("%q was given more than once", name)
		}
		if err := q.set(name, values[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *query) set(name, value string) error {
	switch name {
	case "failed":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("failed must be 1 or 0")
		}
		if on {
			q.severities |= 1<<failure.SeverityError | 1<<failure.SeverityWarning
		}
	case "saved":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("saved must be 1 or 0")
		}
		q.saved = on
	case "severity":
		return q.setSeverity(value)
	case "code":
		if !knownCode(value) {
			return unknownCode(value)
		}
		q.code = value
	case "site":
		q.site = value
	case "upstream":
		q.upstream = value
	case "status":
		return q.setStatus(value)
	case "limit":
		n, err := parseLimit(value, limitMax)
		if err != nil {
			return err
		}
		q.limit = n
	case "before":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n == 0 {
			return fmt.Errorf("before must be the value of next of an earlier answer")
		}
		q.before = n
	default:
		return fmt.Errorf("there is no parameter %q; there are failed, saved, severity, code, site, upstream, status, limit and before", name)
	}
	return nil
}

func (q *query) setSeverity(value string) error {
	for word := range strings.SplitSeq(value, ",") {
		switch word {
		case "error":
			q.severities |= 1 << failure.SeverityError
		case "warning":
			q.severities |= 1 << failure.SeverityWarning
		case "client":
			q.severities |= 1 << failure.SeverityClient
		default:
			return fmt.Errorf("severity must be a list of error, warning and client")
		}
	}
	return nil
}

// setStatus reads a status ("502") or a class of them ("5xx").
func (q *query) setStatus(value string) error {
	if class, ok := strings.CutSuffix(value, "xx"); ok && len(class) == 1 && '1' <= class[0] && class[0] <= '5' {
		q.statusMin = int(class[0]-'0') * 100
		q.statusMax = q.statusMin + 99
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 100 || n > 999 {
		return fmt.Errorf("status must be a number such as 502, or a class such as 5xx")
	}
	q.statusMin, q.statusMax = n, n
	return nil
}

func unknownCode(name string) error {
	if near := failure.Suggest(name); len(near) > 0 {
		return fmt.Errorf("%q is no code and no beginning of one; did you mean %s?", name, strings.Join(near, ", "))
	}
	return fmt.Errorf("%q is no code and no beginning of one; /api/v1/registry lists them", name)
}

// knownCode reports whether some code is called name or begins with its parts.
func knownCode(name string) bool {
	for _, e := range failure.All() {
		if hasCode(e.Code, name) {
			return true
		}
	}
	return false
}

// parseLimit reads how many entries are wanted, of most.
func parseLimit(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("limit must be a number from 1 to %d", most)
	}
	return n, nil
}
