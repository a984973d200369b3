// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causey/lab/origin"
	"causey/lab/pki"
	"causey/test/harness"
)

// many is a gateway with a certificate for each of many hosts.
type many struct {
	g     *harness.Gateway
	ca    *pki.Authority
	roots *x509.CertPool
	dir   string
	hosts []string
}

// issue writes a new certificate for a host in place of the one before.
func (m *many) issue(host string) *x509.Certificate {
	c := m.ca.Issue(pki.Leaf{Names: []string{host}})
	c.Files(m.dir, host)
	return c.Cert
}

// visit makes a full handshake and one request, and returns the certificate shown.
func (m *many) visit(host string) (*x509.Certificate, error) {
	nc, err := net.DialTimeout("tcp", m.g.Addr, harness.Patience)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(harness.Patience))
	c := tls.Client(nc, &tls.Config{ServerName: host, RootCAs: m.roots})
	if err := c.Handshake(); err != nil {
		return nil, fmt.Errorf("handshake for %s: %w", host, err)
	}
	if _, err := fmt.Fprintf(c, "GET /size/100 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		return nil, err
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, fmt.Errorf("request to %s: %w", host, err)
	}
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || len(text) != 100 {
		return nil, fmt.Errorf("request to %s: status %d, %d bytes, %w", host, resp.StatusCode, len(text), err)
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the connection to %s ended with %w instead of close_notify", host, err)
	}
	return c.ConnectionState().PeerCertificates[0], nil
}

// A thousand certificates: each is found by its name, reloads under load lose no
// handshake and no request, and replaced files are served by the next reload, or by
// the next look at the files without one.
func TestThousandCertificates(t *testing.T) { // I1
	harness.CheckGoroutines(t)
	m := &many{ca: pki.Root("Many"), dir: t.TempDir()}
	m.roots = pki.Pool(m.ca)
	o := harness.Origin(t, origin.Options{LogLimit: -1})
	var certificates, sites strings.Builder
	for i := range 1000 {
		host := fmt.Sprintf("host-%d.example", i)
		m.hosts = append(m.hosts, host)
		m.issue(host)
		pair := fmt.Sprintf("{certificate: '%s/%s.pem', key: '%[1]s/%[2]s.key'}", m.dir, host)
		own := fmt.Sprintf(", tls: {certificates: [%s]}", pair)
		if i%2 == 0 { // half of them are found by what they name
			fmt.Fprintf(&certificates, "%s, ", pair)
			own = ""
		}
		fmt.Fprintf(&sites, "  - {host: %s, routes: [{path: /, upstream: u}]%s}\n", host, own)
	}
	look := make(chan time.Time)
	config := harness.Config{
		Listen: []string{"{address: '127.0.0.1:0', tls: true}"},
		Text:   fmt.Sprintf("tls: {certificates: [%s]}\nsites:\n%supstreams: {u: {servers: ['%s']}}\n", &certificates, &sites, o.Addr()),
		After: func(d time.Duration) <-chan time.Time {
			if d == 10*time.Second {
				return look // at the files
			}
			return time.After(d)
		},
	}
	began := time.Now()
	m.g = harness.Start(t, config)
	t.Logf("started with %d certificates in %v", len(m.hosts), time.Since(began).Round(time.Millisecond))
	for range 20 {
		host := m.hosts[rand.IntN(len(m.hosts))]
		if cert, err := m.visit(host); err != nil || cert.DNSNames[0] != host {
			t.Fatalf("%s: %v", host, err)
		}
	}

	var visits, quit atomic.Int64
	var clients sync.WaitGroup
	for range 6 {
		clients.Go(func() {
			for quit.Load() == 0 {
				if _, err := m.visit(m.hosts[rand.IntN(len(m.hosts))]); err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				visits.Add(1)
			}
		})
	}
	var took time.Duration
	for i := range 5 {
		before := visits.Load()
		renewed := m.issue(m.hosts[100+i])
		began := time.Now()
		if err := m.g.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		took = max(took, time.Since(began))
		if cert, err := m.visit(m.hosts[100+i]); err != nil || !cert.Equal(renewed) {
			t.Errorf("after a reload the old certificate is served, %v", err)
		}
		m.g.Eventually("visits after the reload", func() bool { return visits.Load() > before+20 || t.Failed() })
	}
	t.Logf("the longest of 5 reloads took %v", took.Round(time.Millisecond))
	for i := range 2 { // from a list, and a site's own
		renewed := m.issue(m.hosts[200+i])
		m.g.Eventually("look at the files", func() bool {
			select {
			case look <- time.Now():
			default:
			}
			cert, err := m.visit(m.hosts[200+i])
			return err != nil || cert.Equal(renewed)
		})
	}
	quit.Store(1)
	clients.Wait()
	t.Logf("%d visits", visits.Load())
	for _, l := range m.g.Lines() {
		if l.Failure != "" {
			t.Errorf("line: %s", l.Raw)
		}
	}
	if log := m.g.Log(); strings.Contains(log, "level=WARN") {
		t.Errorf("the gateway warns")
	}
}
