// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// script makes a program of a line of shell.
func script(t *testing.T, line string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+line+"\n"), 0o700))
	return path
}

func TestExec(t *testing.T) {
	e := &Exec{Program: script(t, `test "$*" = "present _acme-challenge.a.test value"`)}
	must(t, e.Present(t.Context(), "_acme-challenge.a.test", "value"))
	if e.CleanUp(t.Context(), "_acme-challenge.a.test", "value") == nil {
		t.Error("cleanup looks like present")
	}
	e = &Exec{Program: script(t, `head -c 100000 /dev/zero | tr '\0' x; echo the end; exit 1`)}
	err := e.Present(t.Context(), "n", "v")
	if err == nil || !strings.Contains(err.Error(), "the end") || len(err.Error()) > execOutputBytes+200 {
		t.Errorf("got %v", err)
	}
}

// primary is a name server that takes updates of one zone.
type primary struct {
	addr    string
	mu      sync.Mutex
	code    dnsmessage.RCode
	updates []string
	raw     []byte
}

func startPrimary(t *testing.T) *primary {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	p := &primary{addr: ln.Addr().String()}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.serve(conn)
		}
	}()
	return p
}

func (p *primary) serve(conn net.Conn) {
	defer conn.Close()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	raw := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = raw
	var m dnsmessage.Message
	if err := m.Unpack(raw); err != nil || m.OpCode != opUpdate {
		return
	}
	for _, r := range m.Authorities {
		txt := r.Body.(*dnsmessage.TXTResource).TXT[0]
		p.updates = append(p.updates, fmt.Sprintf("%s %s %d %d %s", m.Questions[0].Name, r.Header.Name, r.Header.Class, r.Header.TTL, txt))
	}
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, OpCode: opUpdate, RCode: p.code}}
	text, _ := reply.Pack()
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...))
}

func TestUpdate(t *testing.T) {
	p, r := startPrimary(t), newRig()
	secret := []byte("a shared secret")
	u := &Update{
		Server: p.addr, Zone: "a.test", KeyName: "Key.A.Test.", Secret: base64.StdEncoding.EncodeToString(secret), Now: r.Now,
	}
	must(t, u.Present(t.Context(), "_acme-challenge.a.test", "value"))
	must(t, u.CleanUp(t.Context(), "_acme-challenge.a.test", "value"))
	want := []string{"a.test. _acme-challenge.a.test. 1 60 value", "a.test. _acme-challenge.a.test. 254 0 value"}
	if !slices.Equal(p.updates, want) {
		t.Errorf("updates %q", p.updates)
	}

	// The digest, taken apart: what stands before the record, then its variables.
	key := "\x03key\x01a\x04test\x00"
	at := strings.LastIndex(string(p.raw), key)
	alg := "\x0bhmac-sha256\x00"
	tail := p.raw[at+len(key)+10+len(alg):]
	before := slices.Clone(p.raw[:at])
	binary.BigEndian.PutUint16(before[10:], 0)
	mac := hmac.New(sha256.New, secret)
	mac.Write(before)
	mac.Write([]byte(key + "\x00\xff\x00\x00\x00\x00" + alg + string(tail[:8]) + "\x00\x00\x00\x00"))
	if got := tail[10:42]; !hmac.Equal(got, mac.Sum(nil)) {
		t.Errorf("digest %x", got)
	}
	if got := binary.BigEndian.Uint64(append([]byte{0, 0}, tail[:6]...)); got != uint64(epoch.Unix()) {
		t.Errorf("signed at %d", got)
	}

	p.mu.Lock()
	p.code = dnsmessage.RCodeRefused
	p.mu.Unlock()
	for _, bad := range []struct {
		edit func(*Update)
		want string
	}{
		{func(*Update) {}, "refuses it"},
		{func(u *Update) { u.Zone = "b.test" }, "not in the zone"},
		{func(u *Update) { u.Secret = "!" }, "not base64"},
		{func(u *Update) { u.Algorithm = "hmac-md5" }, "unknown algorithm"},
		{func(u *Update) { u.KeyName = "a b" }, "no name of a key"},
	} {
		with := *u
		bad.edit(&with)
		if err := with.Present(t.Context(), "_acme-challenge.a.test", "v"); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("got %v, want %q", err, bad.want)
		}
	}
}

// cloud is as much of Cloudflare's API as is used.
type cloud struct {
	mu      sync.Mutex
	records map[string]string // by id
	last    int
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	result := any([]any{})
	path, query := r.URL.Path, r.URL.Query()
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"success":false,"errors":[{"code":9109,"message":"Invalid access token"}],"result":null}`)
		return
	case path == "/zones" && query.Get("name") == "a.test":
		result = []any{map[string]string{"id": "z1"}}
	case path == "/zones/z1/dns_records" && r.Method == http.MethodPost:
		var record struct{ Type, Name, Content string }
		_ = json.NewDecoder(r.Body).Decode(&record)
		c.last++
		id := fmt.Sprint("r", c.last)
		c.records[id] = record.Type + " " + record.Name + " " + record.Content
		result = map[string]string{"id": id}
	case path == "/zones/z1/dns_records":
		var found []any
		for id, text := range c.records {
			if text == query.Get("type")+" "+query.Get("name")+" "+query.Get("content") {
				found = append(found, map[string]string{"id": id})
			}
		}
		result = found
	case strings.HasPrefix(path, "/zones/z1/dns_records/") && r.Method == http.MethodDelete:
		id := strings.TrimPrefix(path, "/zones/z1/dns_records/")
		delete(c.records, id)
		result = map[string]string{"id": id}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "errors": []any{}, "result": result})
}

func TestCloudflare(t *testing.T) {
	c := &cloud{records: map[string]string{}}
	server := httptest.NewServer(c)
	defer server.Close()
	p := &Cloudflare{Token: "secret", api: server.URL}
	const name = "_acme-challenge.www.a.test"
	must(t, p.Present(t.Context(), name, "one"))
	must(t, p.Present(t.Context(), name, "two"))
	must(t, p.CleanUp(t.Context(), name, "one"))
	must(t, p.CleanUp(t.Context(), name, "one"))
	if len(c.records) != 1 || c.records["r2"] != "TXT "+name+` "two"` {
		t.Errorf("records %v", c.records)
	}
	if err := p.Present(t.Context(), "_acme-challenge.b.test", "v"); err == nil || !strings.Contains(err.Error(), "no zone") {
		t.Errorf("got %v", err)
	}
	p.Token = "wrong"
	if err := p.Present(t.Context(), name, "v"); err == nil || !strings.Contains(err.Error(), "Invalid access token (code 9109)") {
		t.Errorf("got %v", err)
	}
}
