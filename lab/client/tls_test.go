// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pki"
)

func TestTLS(t *testing.T) {
	root := pki.Root("Root")
	o, err := origin.Start("tcp", "127.0.0.1:0", origin.Options{TLS: root.Issue(pki.Leaf{Names: []string{"a.example"}}).Server(nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	to := client.Target{Addr: o.Addr(), TLS: pki.Client("a.example", root)}
	r := client.HalfClose(t.Context(), to, []byte("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"))
	if r.End != client.PeerFIN || !strings.HasPrefix(string(r.Received), "HTTP/1.1 200 ") {
		t.Errorf("%s (%v), %q", r.End, r.Err, r.Received)
	}
	to.TLS = nil
	old := &tls.Config{ServerName: "a.example", MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	r = client.AfterHello(t.Context(), to, old, client.AlertRecord(48), client.Wait)
	if r.End != client.PeerFIN || len(r.Received) == 0 || r.Received[0] != 22 {
		t.Errorf("alert after a hello: %s (%v), %q", r.End, r.Err, r.Received)
	}
}

func TestHello(t *testing.T) {
	h := client.Hello(&tls.Config{ServerName: "a.example"})
	if len(h) < 100 || h[0] != 22 || h[5] != 1 || !strings.Contains(string(h), "a.example") {
		t.Errorf("%q", h)
	}
}
