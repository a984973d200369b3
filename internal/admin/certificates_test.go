// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// TestStatesOfCertificates: each state at its edges.
func TestStatesOfCertificates(t *testing.T) {
	const day = 24 * time.Hour
	at := func(d time.Duration) Moment { return Moment{sampleStart.Add(d)} }
	for _, c := range []struct {
		why         string
		source      CertificateSource
		life        time.Duration
		left        time.Duration
		failures    int
		want        CertificateState
		wantTrouble bool
	}{
		{"there is none", Automatic, 0, 0, 0, Waiting, true},
		{"there is none, and no order came through", Automatic, 0, 0, 5, Waiting, true},
		{"a stranger's name waits", OnDemand, 0, 0, 5, Waiting, false},
		{"valid from tomorrow on", FromFile, 90 * day, 91 * day, 0, Waiting, true},
		{"new", FromFile, 90 * day, 90 * day, 0, Fine, false},
		{"a year's file with two weeks left", FromFile, 365 * day, 14 * day, 0, Fine, false},
		{"and a second less", FromFile, 365 * day, 14*day - time.Second, 0, Expiring, false},
		{"a file for six days with a third left", FromFile, 6 * day, 2 * day, 0, Fine, false},
		{"and a second less", FromFile, 6 * day, 2*day - time.Second, 0, Expiring, false},
		{"one for six days is renewed now", Automatic, 6 * day, 2*day - time.Second, 0, Fine, false},
		{"and was not for a day", Automatic, 6 * day, day - time.Second, 0, Expiring, false},
		{"the last second", FromFile, 90 * day, 0, 0, Expiring, false},
		{"after it", FromFile, 90 * day, -time.Second, 0, Expired, true},
		{"after it, whatever else", Automatic, 90 * day, -time.Second, 3, Expired, true},
		{"good, and the renewal fails", Automatic, 90 * day, 29 * day, 1, Failing, true},
		{"a customer's, whose DNS leads elsewhere", OnDemand, 90 * day, 29 * day, 1, Failing, false},
		{"good, and the changed file is broken", FromFile, 90 * day, 80 * day, 1, Failing, true},
	} {
		cert := Certificate{Source: c.source, Failures: c.failures}
		if c.life > 0 {
			cert.NotBefore, cert.NotAfter = at(c.left-c.life), at(c.left)
		}
		cert.Judge(sampleStart)
		if cert.State != c.want || cert.Trouble() != c.wantTrouble || cert.NextStep == "" {
			t.Errorf("%s: %s, trouble %t, want %s, %t", c.why, cert.State, cert.Trouble(), c.want, c.wantTrouble)
		}
		if (cert.DaysLeft == nil) != (c.life == 0) || c.left < 0 && *cert.DaysLeft >= 0 {
			t.Errorf("%s: days left %v", c.why, cert.DaysLeft)
		}
	}
}

func TestMomentComesBack(t *testing.T) {
	for _, m := range []Moment{{}, {sampleStart}} {
		text, err := json.Marshal(m)
		var back Moment
		if err != nil || json.Unmarshal(text, &back) != nil || !back.Equal(m.Time) {
			t.Errorf("%v became %s, %v", m, text, back)
		}
	}
}

// TestManyCertificates: the worst are in every answer, and the counts are of all.
func TestManyCertificates(t *testing.T) {
	ts := startServer(t, func(o *Options) {
		atSampleStart(o)
		o.Certificates = func() []Certificate {
			all := sampleCertificates(sampleStart)
			for i := range 1000 {
				c := all[0]
				c.File = fmt.Sprint("f", i)
				all = append(all, c)
			}
			return all
		}
	})
	resp, body := ts.get("/api/v1/certificates?limit=2")
	ts.wantStatus(200, resp, body)
	var got CertificateList
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Certificates) != 2 || got.Certificates[0].State != Expired || got.Certificates[1].State != Waiting ||
		got.Counts[Fine] != 1004 || got.Counts[Failing] != 2 {
		t.Errorf("%s", body)
	}
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "limit=1&limit=2", "state=ok"} {
		resp, body := ts.get("/api/v1/certificates?" + query)
		ts.wantStatus(400, resp, body)
	}
	ts = startServer(t, func(o *Options) { o.Certificates = func() []Certificate { return nil } })
	if _, body := ts.get("/api/v1/certificates"); body != `{"counts":{"expired":0,"expiring":0,"failing":0,"ok":0,"waiting":0},"certificates":[]}`+"\n" {
		t.Errorf("without any: %s", body)
	}
}
