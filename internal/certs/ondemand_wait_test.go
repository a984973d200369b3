// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// shake makes a handshake for name by k's certificates within the time, and returns
// what the Keeper said.
func shake(k *Keeper, name string, within time.Duration) (cert *tls.Certificate, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		_ = tls.Client(there, &tls.Config{ServerName: name}).Handshake()
		there.Close()
	}()
	_ = tls.Server(here, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err = k.Certificate(h)
		return cert, err
	}}).HandshakeContext(ctx)
	return cert, err
}

// A handshake waits no longer than its own time, for the ask URL and for the CA; the
// answer that it did not wait for serves those who come later.
func TestHandshakeWaitsAsLongAsItMay(t *testing.T) {
	r, answer := newRig(), make(chan int)
	asked := atomic.Int64{}
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		select {
		case status := <-answer:
			w.WriteHeader(status)
		case <-req.Context().Done():
		}
	}))
	t.Cleanup(ask.Close)
	ca := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		<-req.Context().Done() // never answers
	}))
	t.Cleanup(ca.Close)
	o := r.options()
	o.Automatic = &Automatic{
		Directory: ca.URL + "/dir", Storage: t.TempDir(), HTTP: true, OnDemand: &OnDemand{Ask: ask.URL},
	}
	k := r.keeper(t, o)
	for _, name := range []string{"yes.example.com", "no.example.com"} {
		for range 2 {
			if _, err := shake(k, name, 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s while the ask URL thinks: %v", name, err)
			}
		}
		if name == "no.example.com" {
			answer <- http.StatusForbidden
			for d := k.live.Load().automatic.demand; ; time.Sleep(time.Millisecond) {
				if _, refused := d.look(name); refused {
					break
				}
			}
			if cert, err := shake(k, name, time.Minute); cert != nil || err != nil {
				t.Errorf("%s, refused: %v", name, err)
			}
			continue
		}
		answer <- http.StatusOK
		for d := k.live.Load().automatic.demand; ; time.Sleep(time.Millisecond) {
			if w, _ := d.look(name); w != nil {
				break
			}
		}
		if _, err := shake(k, name, 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s while the CA thinks: %v", name, err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want once for each name", n)
	}
}
