// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/testkit"
)

// TestCertificates writes the golden answer of the admin side as a table, and says
// by its exit code that something is wrong (I1).
func TestCertificates(t *testing.T) {
	answer, err := os.ReadFile("../../internal/admin/testdata/certificates.json")
	if err != nil {
		t.Fatal(err)
	}
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/api/v1/certificates?limit=500" {
			t.Errorf("it asks for %s", r.URL)
		}
		_, _ = w.Write(answer)
	})
	code, stdout, stderr := causey("certificates", "--admin", a.at.address)
	if code != exitProblem || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	testkit.Golden(t, "testdata/certificates.table", []byte(stdout))
	code, stdout, _ = causey("certs", "--json", "--admin", a.at.address)
	var compact bytes.Buffer
	if err := json.Compact(&compact, answer); err != nil || code != exitProblem || stdout != compact.String()+"\n" {
		t.Errorf("--json: exit %d, %v\n%s", code, err, stdout)
	}

	// Without those that are in trouble.
	var list admin.CertificateList
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatal(err)
	}
	list.Certificates = list.Certificates[4:]
	stranger := &list.Certificates[len(list.Certificates)-1]
	stranger.State = admin.Failing
	if answer, err = json.Marshal(list); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ = causey("certificates", "--admin", a.at.address); code != exitOK || !strings.Contains(stdout, "and 4 more, in no worse state") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	answer = []byte(`{"counts":{},"certificates":[]}`)
	if code, stdout, _ = causey("certificates", "--admin", a.at.address); code != exitOK || !strings.HasPrefix(stdout, "no certificates: ") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func TestCertificateLine(t *testing.T) {
	tls := &config.Config{Listen: []config.Listener{{TLS: true}}}
	asks := &config.Config{Listen: tls.Listen, TLS: config.TLS{Automatic: config.Automatic{Enabled: true, Ask: "http://127.0.0.1:1/"}}}
	file, auto := admin.Certificate{Source: admin.FromFile, State: admin.Fine}, admin.Certificate{Source: admin.Automatic, State: admin.Fine}
	waits, old := auto, file
	waits.State, old.State = admin.Waiting, admin.Expired
	for _, c := range []struct {
		cfg  *config.Config
		all  []admin.Certificate
		want string
	}{
		{&config.Config{}, nil, ""},
		{tls, nil, "none: no site has a host name that one could be obtained for"},
		{tls, []admin.Certificate{file, auto, file}, "2 from files, 1 automatic"},
		{tls, []admin.Certificate{old, auto, waits}, "1 from files, 2 automatic (1 expired, 1 waiting; see: causey certificates)"},
		{asks, []admin.Certificate{auto}, "1 automatic, others on demand"},
	} {
		if got := certificateLine(c.cfg, c.all); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
