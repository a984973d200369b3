// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causey/bench/load"
	"causey/bench/peers"
)

func TestCredentialsFitTogether(t *testing.T) {
	c, err := makeCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{c.Certificate, c.Key}, {c.Both, c.Both}} {
		cert, err := tls.LoadX509KeyPair(pair[0], pair[1])
		if err != nil {
			t.Errorf("%s with %s: %v", filepath.Base(pair[0]), filepath.Base(pair[1]), err)
			continue
		}
		for _, name := range []string{tlsName, "localhost"} {
			if err := cert.Leaf.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.Equal(c.client.CurvePreferences, []tls.CurveID{tls.X25519}) || c.client.MinVersion != tls.VersionTLS13 {
		t.Error("the client leaves the key exchange or the version open")
	}
}

// Each configuration names TLS where it is asked for, and nowhere else.
func TestPeersAreRenderedWithAndWithoutTLS(t *testing.T) {
	c := &credentials{Certificate: "C.pem", Key: "K.pem", Both: "B.pem"}
	for name, with := range map[string]string{
		"causey.yaml": "listen: [{address: \"127.0.0.1:9000\", tls: true}]\ntls: {certificates: [{certificate: C.pem, key: K.pem}]}\n",
		"nginx.conf":  "listen 127.0.0.1:9000 ssl reuseport backlog=4096;\n    ssl_certificate C.pem; ssl_certificate_key K.pem;\n",
		"haproxy.cfg": "  bind 127.0.0.1:9000 backlog 4096 ssl crt B.pem ",
		"Caddyfile":   "https://:9000 {\n\tbind 127.0.0.1\n\ttls C.pem K.pem\n",
	} {
		dir := t.TempDir()
		v := values{Listen: "127.0.0.1:9000", Origin: "127.0.0.1:9001"}
		if err := peers.Render(dir, name, "plain", v); err != nil {
			t.Fatal(err)
		}
		v.TLS = c
		if err := peers.Render(dir, name, "tls", v); err != nil {
			t.Fatal(err)
		}
		plain, _ := os.ReadFile(filepath.Join(dir, "plain"))
		secure, _ := os.ReadFile(filepath.Join(dir, "tls"))
		if !strings.Contains(string(secure), with) {
			t.Errorf("%s with TLS is\n%s", name, secure)
		}
		for _, word := range []string{"tls", "ssl", ".pem", "https:"} {
			if strings.Contains(string(plain), word) {
				t.Errorf("%s without TLS says %q:\n%s", name, word, plain)
			}
		}
	}
}

func TestOtherParametersAreNotTheSameWork(t *testing.T) {
	good := tls.ConnectionState{Version: tls.VersionTLS13, CurveID: tls.X25519, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
	if err := sameTLS(&good); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*tls.ConnectionState){
		func(s *tls.ConnectionState) { s.Version = tls.VersionTLS12 },
		func(s *tls.ConnectionState) { s.CurveID = tls.X25519MLKEM768 },
		func(s *tls.ConnectionState) { s.CipherSuite = tls.TLS_AES_256_GCM_SHA384 },
	} {
		s := good
		change(&s)
		if sameTLS(&s) == nil {
			t.Errorf("%+v is taken for the same", s)
		}
	}
}

func TestHandshakesMustBeThoseOfTheRow(t *testing.T) {
	for _, c := range []struct {
		resume            bool
		answered, resumed int
		good              bool
	}{
		{true, 100, 100, true}, {true, 100, 95, true}, {true, 100, 94, false}, {true, 0, 0, false},
		{false, 100, 0, true}, {false, 100, 1, false}, {false, 0, 0, false},
	} {
		o := &load.VisitOutcome{Answered: c.answered, Resumed: c.resumed, Failure: errors.New("why")}
		if err := judgeVisits(c.resume, o); (err == nil) != c.good {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTLSRowsLeaveOutTheFloor(t *testing.T) {
	all, err := startContenders(options{contenders: "floor"}, t.TempDir(), "", &credentials{}, nil)
	if err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}
