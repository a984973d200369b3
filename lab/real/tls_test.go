// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"causey/lab/client"
	"causey/lab/pki"
	"causey/lab/real"
)

// Servers speak TLS, and want client certificates and versions as they are told.
func TestTLS(t *testing.T) {
	root := pki.Root("Root")
	leaf := root.Issue(pki.Leaf{Names: []string{"app.internal"}, RSA: true})
	visitor := root.Issue(pki.Leaf{Names: []string{"gateway"}}.ForClients())
	for name, start := range map[string]func(context.Context, *real.TLS) (*real.Process, error){
		"nginx": func(ctx context.Context, o *real.TLS) (*real.Process, error) {
			return real.StartNginx(ctx, real.NginxOptions{TLS: o})
		},
		"apache": func(ctx context.Context, o *real.TLS) (*real.Process, error) {
			return real.StartApache(ctx, real.ApacheOptions{TLS: o})
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := real.TLS{Certificate: pki.ChainPEM(leaf.Whole()), Key: leaf.KeyPEM(), ClientCA: root.PEM(), Protocols: "TLSv1.2"}
			p, err := start(t.Context(), &o)
			var missing real.ErrMissing
			if errors.As(err, &missing) {
				t.Skip(missing)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			to := client.Target{Addr: p.Addr(), TLS: pki.Client("app.internal", root)}
			to.TLS.Certificates = []tls.Certificate{visitor.TLS()}
			request := []byte("GET / HTTP/1.1\r\nHost: app.internal\r\nConnection: close\r\n\r\n")
			if r := client.Raw(t.Context(), to, request); !strings.HasPrefix(string(r.Received), "HTTP/1.1 200 ") {
				t.Errorf("%s (%v), %q\n%s", r.End, r.Err, r.Received, p.Log())
			}
			to.TLS.Certificates = nil
			if r := client.Raw(t.Context(), to, request); strings.HasPrefix(string(r.Received), "HTTP/1.1 200 ") {
				t.Error("a client without a certificate is served")
			}
			to.TLS.MinVersion = tls.VersionTLS13
			if r := client.Raw(t.Context(), to, request); r.End != client.Broken {
				t.Errorf("TLS 1.3: %s (%v), %q", r.End, r.Err, r.Received)
			}
		})
	}
}
