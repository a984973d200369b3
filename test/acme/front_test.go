// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/certs"
	"causey/internal/testkit"
)

// front is the part of a gateway that a Keeper needs: the two listeners (I1).
type front struct {
	httpPort, tlsPort int
	tlsAddr           string
	keeper            atomic.Pointer[certs.Keeper]
	log               *testkit.Log
}

func startFront(t *testing.T) *front {
	t.Helper()
	f := &front{log: &testkit.Log{}}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k := f.keeper.Load(); k != nil {
			if answer, ok := k.HTTPChallenge(r.Host, r.URL.Path); ok {
				_, _ = w.Write(answer)
				return
			}
		}
		http.NotFound(w, r)
	})}
	go func() { _ = server.Serve(plain) }()
	t.Cleanup(func() { server.Close() })

	secure, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { secure.Close() })
	config := &tls.Config{
		NextProtos: []string{"http/1.1", certs.ChallengeProtocol},
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if k := f.keeper.Load(); k != nil {
				return k.Certificate(h)
			}
			return nil, errors.New("no keeper")
		},
	}
	go func() {
		for {
			conn, err := secure.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = tls.Server(conn, config).Handshake()
			}()
		}
	}()
	f.httpPort = plain.Addr().(*net.TCPAddr).Port
	f.tlsPort = secure.Addr().(*net.TCPAddr).Port
	f.tlsAddr = secure.Addr().String()
	return f
}

// shows returns the certificate that a client of name gets, nil if it gets none.
func (f *front) shows(name string) *x509.Certificate {
	dialer := &net.Dialer{Timeout: 25 * time.Second}
	conn, err := tls.DialWithDialer(dialer, "tcp", f.tlsAddr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// keep makes and starts a Keeper behind the front.
func (f *front) keep(t *testing.T, o certs.Options) *certs.Keeper {
	t.Helper()
	k, err := certs.New(o)
	must(t, err)
	f.keeper.Store(k)
	t.Cleanup(func() {
		k.Close()
		if t.Failed() {
			t.Logf("keeper: %s", f.log)
		}
	})
	k.Start()
	return k
}

// status returns what a Keeper says of one name.
func status(t testing.TB, k *certs.Keeper, name string) certs.Status {
	t.Helper()
	for _, st := range k.Status() {
		if st.Name == name {
			return st
		}
	}
	t.Fatalf("no status of %s", name)
	return certs.Status{}
}

// bench is a test's whole world.
type bench struct {
	front *front
	names *names
	ca    *authority
	dir   string // the storage
}

func newBench(t *testing.T, set setup) *bench {
	t.Helper()
	b := &bench{front: startFront(t), names: startNames(t), dir: t.TempDir() + "/storage"}
	b.ca = startAuthority(t, b.front, b.names.addr, set)
	return b
}

func (b *bench) options(edit func(*certs.Automatic), hosts ...string) certs.Options {
	auto := &certs.Automatic{
		Directory: b.ca.proxy.URL + "/dir", Roots: b.ca.roots(), Email: "owner@example.com", Storage: b.dir,
		CheckEvery: time.Second,
	}
	edit(auto)
	o := certs.Options{
		Automatic: auto, Now: time.Now, After: time.After,
		Logger: slog.New(slog.NewTextHandler(b.front.log, nil)),
	}
	for _, h := range hosts {
		o.Sites = append(o.Sites, certs.Site{Hosts: []string{h}})
	}
	return o
}

func byHTTP(a *certs.Automatic) { a.HTTP = true }
func byTLS(a *certs.Automatic)  { a.TLSALPN = true }
