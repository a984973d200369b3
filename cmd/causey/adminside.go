// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/text"
)

// adminDefault is where the admin side is looked for when no socket answers: the
// address that the documents use.
const adminDefault = "127.0.0.1:8081"

const (
	dialTimeout = 3 * time.Second
	// answerTimeout bounds a question to a gateway that hangs; a reload and a
	// stream have none.
	answerTimeout = 10 * time.Second
	// answerLimitBytes bounds an answer: 500 exchanges of 4 KiB are half of it.
	answerLimitBytes = 4 << 20
)

// finder says which gateway is meant.
type finder struct {
	config, socket, admin, tokenFile string
}

func (f *finder) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "the configuration `file` of the gateway that is meant")
	cmd.Flags().StringVar(&f.socket, "socket", "", "the unix socket of its admin side (`path`)")
	cmd.Flags().StringVar(&f.admin, "admin", "", "the TCP `address` of its admin side")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "the `file` with its admin token")
}

// place is where an admin side may be.
type place struct{ network, address string }

// String gives the place as the flags take it.
func (p place) String() string {
	if p.network == "unix" {
		return "unix:" + p.address
	}
	return p.address
}

// places lists where to look, in order: what the flags say, or else the sockets of
// this environment and then the usual address.
func (f *finder) places(w world) (list []place, token string, err error) {
	if given := count(f.config, f.socket, f.admin); given > 1 {
		return nil, "", &exitError{exitUsage, errors.New("say once where the gateway is: with --socket, with --admin, or with -c")}
	}
	token, err = readToken(f.tokenFile)
	if err != nil {
		return nil, "", err
	}
	defaults := config.AdminSockets(w.env)
	switch {
	case f.socket != "":
		return []place{{"unix", strings.TrimPrefix(f.socket, "unix:")}}, token, nil
	case f.admin != "":
		if path, ok := strings.CutPrefix(f.admin, "unix:"); ok {
			return []place{{"unix", path}}, token, nil
		}
		return []place{{"tcp", f.admin}}, token, nil
	case f.config == "":
		for _, path := range defaults {
			list = append(list, place{"unix", path})
		}
		return append(list, place{"tcp", adminDefault}), token, nil
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return nil, "", fmt.Errorf("%w\n\nThis file cannot be used, so it cannot say where its gateway is; --socket or --admin can", err)
	}
	if socket := string(cfg.Admin.Socket); slices.Contains(defaults, socket) {
		// It says nothing of its own: the gateway took the default of the
		// environment that it runs in, which may be another than this one.
		for _, path := range defaults {
			list = append(list, place{"unix", path})
		}
	} else if socket != "" {
		list = append(list, place{"unix", socket})
	}
	if !cfg.Admin.Listen.IsZero() {
		list = append(list, place{"tcp", cfg.Admin.Listen.String()})
	}
	if token == "" {
		token = cfg.Admin.Token
	}
	if len(list) == 0 {
		return nil, "", fmt.Errorf("%s: the admin side is off, so nothing can be asked; see: causey config reference", f.config)
	}
	return list, token, nil
}

// count counts the texts that are not empty.
func count(texts ...string) int {
	n := 0
	for _, s := range texts {
		if s != "" {
			n++
		}
	}
	return n
}

func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// adminSide is a gateway that answers.
type adminSide struct {
	at    place
	token string
	http  *http.Client
}

// find returns the first admin side that takes a connection.
func (f *finder) find(ctx context.Context, w world) (*adminSide, error) {
	list, token, err := f.places(w)
	if err != nil {
		return nil, err
	}
	var tried text.Page
	for _, at := range list {
		a := dialledAt(at, token)
		conn, err := a.dial(ctx)
		if err == nil {
			return a, conn.Close()
		}
		tried.Printf("\n  %s: %s", at, dialError(err))
	}
	return nil, fmt.Errorf("no running gateway answers at%s\nIs it running? If so, say where with --socket, --admin, or -c and its configuration", tried.String())
}

// dialError says in words why nobody was reached: the address stands before it.
func dialError(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is no such socket"
	case errors.Is(err, os.ErrPermission):
		return "not permitted; the socket is for its owner and group"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

func dialledAt(at place, token string) *adminSide {
	a := &adminSide{at: at, token: token}
	a.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // the admin side has few places, and a command asks few questions
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return a.dial(ctx) },
	}}
	return a
}

func (a *adminSide) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, a.at.network, a.at.address)
}

// refusal is an answer of the admin side that is an error (RFC 9457).
type refusal struct {
	Status   int                   `json:"status"`
	Detail   string                `json:"detail"`
	Problems []admin.ReloadProblem `json:"problems"`
}

// Error gives what the gateway said.
func (r *refusal) Error() string { return printable(r.Detail) }

// ask sends a request and returns the answer's body; a *refusal is the error that
// the gateway answered.
func (a *adminSide) ask(ctx context.Context, method, path string) ([]byte, error) {
	resp, err := a.open(ctx, method, path, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimitBytes))
	if err != nil {
		return nil, fmt.Errorf("%s: the answer broke off: %w", a.at, err)
	}
	return body, nil
}

// get asks for path and decodes the answer.
func (a *adminSide) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	body, err := a.ask(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s does not answer as a gateway of this version: %w", a.at, err)
	}
	return nil
}

// post sends what as JSON to path and decodes the answer.
func (a *adminSide) post(ctx context.Context, path string, what, into any) error {
	return a.tell(ctx, http.MethodPost, path, what, into)
}

// tell is post with any method.
func (a *adminSide) tell(ctx context.Context, method, path string, what, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimitBytes)).Decode(into); err != nil {
		return fmt.Errorf("%s does not answer as a gateway of this version: %w", a.at, err)
	}
	return nil
}

// open sends a request and returns an answer that is no error.
func (a *adminSide) open(ctx context.Context, method, path string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return a.send(req)
}

// send sends req, whose Host is what the admin side expects: dial decides where it
// goes.
func (a *adminSide) send(req *http.Request) (*http.Response, error) {
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the gateway at %s: %w", a.at, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	r := &refusal{}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "application/problem+json" || json.NewDecoder(io.LimitReader(resp.Body, answerLimitBytes)).Decode(r) != nil {
		return nil, fmt.Errorf("what answers at %s is no gateway of this version (status %d)", a.at, resp.StatusCode)
	}
	return nil, r
}
