// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/lab/pki"
)

// authority is pebble with a proxy before it.
type authority struct {
	proxy *httptest.Server
	mu    sync.Mutex
	count map[string]int // requests by kind of path (I2)
	mode  mode

	management string // pebble's own address for tests
	inside     *http.Client
}

// mode is how the CA behaves.
type mode int

const (
	well    mode = iota
	limited      // 429 with Retry-After to orders for limitedName
	gone         // connections end without an answer
	held         // orders wait until it behaves otherwise
)

// setup is how certificates look: valid for so long (0: five years), with that
// OCSP responder ("": none).
type setup struct {
	validity  time.Duration
	responder string
}

// startAuthority starts a pebble that comes to front for its challenges, and asks
// dns for addresses.
func startAuthority(t *testing.T, front *front, dns string, set setup) *authority {
	t.Helper()
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("no pebble; as root on Debian: apt-get install pebble")
	}
	dir, api, management := t.TempDir(), freeAddress(t), freeAddress(t)
	cert := pki.SelfSigned(pki.Leaf{Names: []string{"127.0.0.1"}})
	certFile, keyFile := cert.Files(dir, "api")
	roots := x509.NewCertPool()
	roots.AddCert(cert.Cert)
	config := map[string]any{
		"listenAddress": api, "managementListenAddress": management,
		"certificate": certFile, "privateKey": keyFile,
		"httpPort": front.httpPort, "tlsPort": front.tlsPort, "ocspResponderURL": set.responder,
	}
	if set.validity > 0 {
		config["certificateValidityPeriod"] = int(set.validity / time.Second)
	}
	text, err := json.Marshal(map[string]any{"pebble": config})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "pebble.json"), text, 0o600))
	var said bytes.Buffer
	cmd := exec.Command(program, "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", dns)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pebble: %s", said.Bytes())
		}
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	eventually(t, "pebble answers", func() bool {
		response, err := (&http.Client{Transport: transport}).Get("https://" + api + "/dir")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
	a := newProxy(t, api, transport)
	a.management, a.inside = "https://"+management, &http.Client{Transport: transport}
	return a
}

// manage asks pebble itself, past the proxy.
func (a *authority) manage(path string) ([]byte, error) {
	response, err := a.inside.Get(a.management + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func newProxy(t *testing.T, api string, transport *http.Transport) *authority {
	a := &authority{count: map[string]int{}}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: api})
			r.Out.Host = r.In.Host // pebble makes its links from it
		},
	}
	a.proxy = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.count[kind(r.URL.Path)]++
		mode := a.mode
		a.mu.Unlock()
		for mode == held && kind(r.URL.Path) == "order" {
			time.Sleep(time.Millisecond)
			a.mu.Lock()
			mode = a.mode
			a.mu.Unlock()
		}
		refused := false
		if mode == limited && kind(r.URL.Path) == "order" {
			refused = orders(t, r, limitedName)
		}
		switch {
		case mode == gone:
			panic(http.ErrAbortHandler)
		case refused:
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many","status":429}`)
		default:
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		a.become(gone) // ends what is held
		a.proxy.Close()
	})
	return a
}

// limitedName is the name that a limited CA gives no certificate.
const limitedName = "limit.test"

// orders reports whether a request orders a certificate for a name, and leaves it
// readable.
func orders(t *testing.T, r *http.Request, name string) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var signed struct{ Payload string }
	if err == nil {
		err = json.Unmarshal(body, &signed)
	}
	payload, err2 := base64.RawURLEncoding.DecodeString(signed.Payload)
	if err = errors.Join(err, err2); err != nil {
		t.Error(err)
	}
	return bytes.Contains(payload, []byte(`"`+name+`"`))
}

// kind names what a request to pebble is for, by its path.
func kind(path string) string {
	switch {
	case strings.HasPrefix(path, "/order-plz"):
		return "order"
	case strings.HasPrefix(path, "/sign-me-up"):
		return "account"
	}
	return "other"
}

func (a *authority) become(m mode) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mode = m
}

func (a *authority) requests(kind string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count[kind]
}

func (a *authority) all() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, c := range a.count {
		n += c
	}
	return n
}

func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.proxy.Certificate())
	return pool
}

// freeAddress returns an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something holds, at most half a minute.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("in half a minute: %s", what)
}
