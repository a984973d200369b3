// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Moment is a time of the API: RFC 3339, or "" for the zero time.
type Moment struct{ time.Time }

// MarshalJSON writes the form of the API.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m.IsZero() {
		return []byte(`""`), nil
	}
	return json.Marshal(formatTime(m.Time))
}

// UnmarshalJSON reads it.
func (m *Moment) UnmarshalJSON(text []byte) error {
	if string(text) == `""` {
		m.Time = time.Time{}
		return nil
	}
	return m.Time.UnmarshalJSON(text)
}

// CertificateSource says where a certificate comes from.
type CertificateSource string

// The sources.
const (
	// FromFile: files of the owner, which somebody else renews.
	FromFile CertificateSource = "file"
	// Automatic: obtained from a CA for a host of the configuration.
	Automatic CertificateSource = "automatic"
	// OnDemand: obtained for a name that no site lists, when a client asked for it.
	OnDemand CertificateSource = "on-demand"
)

// CertificateSources lists all sources.
var CertificateSources = []CertificateSource{FromFile, Automatic, OnDemand}

// CertificateState says how it is with a certificate.
type CertificateState string

// The states, the worst first.
const (
	// Expired: clients refuse it.
	Expired CertificateState = "expired"
	// Waiting: there is none yet that a client would take.
	Waiting CertificateState = "waiting"
	// Failing: it is good, and a newer one cannot be had.
	Failing CertificateState = "failing"
	// Expiring: it ends soon, and nothing newer is in sight.
	Expiring CertificateState = "expiring"
	// Fine: nothing is to be done.
	Fine CertificateState = "ok"
)

// CertificateStates lists all states, the worst first.
var CertificateStates = []CertificateState{Expired, Waiting, Failing, Expiring, Fine}

// Certificate is one certificate, or one that is still to come. The gateway fills
// it, but for what Judge adds.
type Certificate struct {
	// Hosts are those of the configuration that it is served for; none for one on
	// demand.
	Hosts  []string          `json:"hosts"`
	Source CertificateSource `json:"source"`
	// Name is the name that is obtained, File the file of the certificate; one of
	// them is empty.
	Name string `json:"name"`
	File string `json:"file"`
	// State, DaysLeft and NextStep are filled by Judge. DaysLeft is null if there is
	// no certificate, and below zero if it has expired. NextStep says what is to be
	// done, or happens by itself.
	State    CertificateState `json:"state"`
	DaysLeft *int             `json:"days_left"`
	NextStep string           `json:"next_step"`
	// These are empty while there is no certificate.
	Issuer    string   `json:"issuer"`
	Names     []string `json:"names"`
	KeyType   string   `json:"key_type"`
	NotBefore Moment   `json:"not_before"`
	NotAfter  Moment   `json:"not_after"`
	// StapledUntil is the end of the OCSP answer that is sent along; StapleError says
	// why there is none.
	StapledUntil Moment `json:"stapled_until"`
	StapleError  string `json:"staple_error"`
	// Error says why there is no newer one, empty if all is well; Failures counts the
	// tries in a row that failed, TriedAt is the last and NextAt the next.
	Error    string `json:"error"`
	Failures int    `json:"failures"`
	TriedAt  Moment `json:"tried_at"`
	NextAt   Moment `json:"next_at"`
}

// soon is when a certificate that should have been replaced is called expiring, if
// its life is not short.
const soon = 14 * 24 * time.Hour

// Judge fills what follows from the rest and from the time.
func (c *Certificate) Judge(now time.Time) {
	c.Hosts, c.Names = list(c.Hosts), list(c.Names)
	c.State, c.DaysLeft = c.state(now), nil
	if !c.NotAfter.IsZero() {
		// Rounded down: what expired an hour ago has not 0 days left.
		days := int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
		c.DaysLeft = &days
	}
	c.NextStep = c.nextStep()
}

// state is the one place where it is decided. A file is renewed by somebody else,
// who usually does so when a third of its life is left, so a warning then would come
// each time; one that is obtained is renewed by us at that point, so that half of it
// later we are late, whatever the reason.
func (c *Certificate) state(now time.Time) CertificateState {
	late := c.NotAfter.Sub(c.NotBefore.Time) / 3
	if c.Source != FromFile {
		late /= 2
	}
	switch {
	case c.NotAfter.IsZero() || now.Before(c.NotBefore.Time):
		return Waiting
	case now.After(c.NotAfter.Time): // valid "inclusive" of it (RFC 5280, section 4.1.2.5)
		return Expired
	case c.Failures > 0:
		return Failing
	case c.NotAfter.Sub(now) < min(soon, late):
		return Expiring
	}
	return Fine
}

// nextStep says it without a time, which is in NextAt.
func (c *Certificate) nextStep() string {
	file := c.Source == FromFile
	switch {
	case file && c.Error != "":
		return "the changed files cannot be used, see the error; they are read again by themselves"
	case c.State == Waiting && file:
		return "it is valid only later; put one that is valid now into the file"
	case c.State == Expired && file:
		return "put a new certificate into the file now; clients refuse this one"
	case c.State == Expiring && file:
		return "put a new certificate into the file; it is read by itself"
	case file:
		return "whoever made the file renews it; a new one is read by itself"
	case c.Failures > 0:
		return "see the error; it is tried again by itself"
	case c.State == Waiting:
		return "it is being obtained"
	case c.State != Fine:
		return "the renewal is late; see the gateway's messages"
	}
	return "renewed by itself"
}

// Trouble reports whether the owner has to know: on demand it is the trouble of
// whoever owns the name, whose DNS may lead elsewhere by now.
func (c *Certificate) Trouble() bool {
	return c.Source != OnDemand && c.State != Fine && c.State != Expiring
}

// compareCertificates puts the worst first, and those on demand last.
func compareCertificates(a, b Certificate) int {
	last := func(c *Certificate) int {
		if c.Source == OnDemand {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(last(&a), last(&b)),
		cmp.Compare(slices.Index(CertificateStates, a.State), slices.Index(CertificateStates, b.State)),
		a.NotAfter.Compare(b.NotAfter.Time),
		slices.Compare(a.Hosts, b.Hosts),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File))
}

// CertificateList is an answer about certificates: the worst first, Counts of all
// by state, also of those that did not fit.
type CertificateList struct {
	Counts       map[CertificateState]int `json:"counts"`
	Certificates []Certificate            `json:"certificates"`
}

// certificates shows the certificates, as many as are asked for.
func (s *Server) certificates(w http.ResponseWriter, r *http.Request) {
	limit, err := certificatesLimit(r)
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	all := s.opts.Certificates()
	answer := CertificateList{Counts: map[CertificateState]int{}}
	for _, state := range CertificateStates {
		answer.Counts[state] = 0
	}
	now := s.opts.Now()
	for i := range all {
		all[i].Judge(now)
		answer.Counts[all[i].State]++
	}
	slices.SortFunc(all, compareCertificates)
	answer.Certificates = append([]Certificate{}, all[:min(limit, len(all))]...)
	writeJSON(w, answer)
}

// CertificatesMax is how many certificates one answer has at most. Their counts and
// their order say what is with the others.
const (
	CertificatesMax     = 500
	certificatesDefault = 100
)

func certificatesLimit(r *http.Request) (int, error) {
	limit := certificatesDefault
	for name, values := range r.URL.Query() {
		n, err := strconv.Atoi(values[0])
		switch {
		case name != "limit":
			return 0, fmt.Errorf("there is no parameter %q; there is limit", name)
		case err != nil || len(values) > 1 || n < 1 || n > CertificatesMax:
			return 0, fmt.Errorf("limit must be one number from 1 to %d", CertificatesMax)
		}
		limit = n
	}
	return limit, nil
}
