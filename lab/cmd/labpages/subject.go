// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"causey/lab/origin"
	"causey/lab/real"
)

// conf has the templates of configurations and applications.
//
//go:embed conf
var conf embed.FS

// subject is one program whose pages are captured.
type subject struct {
	product string // as package maker's data names it, and the folder of its pages
	title   string // what its version is the version of
	program real.Program
	confs   map[string]string // file in the program's directory: file in conf
	behind  *subject          // runs too, and is what the program relays to in place of a misbehaving origin
	inside  func(behind) *httptest.Server
	version []string // a command whose output has the version; nil is that of Go
	shots   []shot
}

// shot is one request and the status that it must be answered with.
type shot struct {
	name   string // of the page, behind the status
	path   string // of a plain GET; or
	raw    string // the whole request, byte for byte
	status int
	held   bool // kept apart from those that marks are made from
}

// folder is where the page goes, below the one that was asked for.
func (s shot) folder(product string) string {
	if s.held {
		return filepath.Join("held", product)
	}
	return filepath.Join("pages", product)
}

// behind is what the templates see as .Data: what stands behind a subject.
type behind struct {
	Origin     string // the misbehaving origin: /lab/close, /lab/stall and so on
	Dead       string // an address where nobody listens
	DeadHost   string
	DeadPort   string
	OriginHost string
	OriginPort string
	Modules    string // of Apache httpd
	FastCGI    string // a php-fpm, where there is one
	server     *origin.Server
}

func startBehind() (behind, error) {
	b := behind{Modules: "/usr/lib/apache2/modules"}
	var err error
	if b.server, err = origin.Start("tcp", "127.0.0.1:0", origin.Options{LogLimit: -1}); err != nil {
		return b, err
	}
	b.Origin = b.server.Addr()
	if b.Dead, err = real.FreeAddr("0"); err != nil {
		return b, errors.Join(err, b.server.Close())
	}
	b.DeadHost, b.DeadPort, _ = net.SplitHostPort(b.Dead)
	b.OriginHost, b.OriginPort, _ = net.SplitHostPort(b.Origin)
	return b, nil
}

func (b behind) close() { _ = b.server.Close() }

// DeadURL and OriginURL are the two as package httputil wants them.
func (b behind) DeadURL() *url.URL   { return &url.URL{Scheme: "http", Host: b.Dead} }
func (b behind) OriginURL() *url.URL { return &url.URL{Scheme: "http", Host: b.Origin} }

// capture runs the subject and saves the page of each shot. It returns how many there are.
func (s *subject) capture(ctx context.Context, b behind, dir string, now time.Time) (int, error) {
	addr, stop, err := s.start(ctx, b)
	if err != nil {
		return 0, err
	}
	defer stop()
	version, err := s.versionText()
	if err != nil {
		return 0, err
	}
	head := fmt.Sprintf("# captured: %s, %s\n", version, now.UTC().Format(time.DateOnly))
	var wrong []error
	for _, shot := range s.shots {
		p, err := shot.take(ctx, addr)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", shot.name, err))
			continue
		}
		folder := filepath.Join(dir, shot.folder(s.product))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return 0, err
		}
		name := filepath.Join(folder, fmt.Sprintf("%d-%s.http", shot.status, shot.name))
		wrong = append(wrong, os.WriteFile(name, append([]byte(head), p.text()...), 0o644))
	}
	return len(s.shots), errors.Join(wrong...)
}

// start runs the subject, and what stands behind it.
func (s *subject) start(ctx context.Context, b behind) (addr string, stop func(), err error) {
	if s.inside != nil {
		server := s.inside(b)
		return server.Listener.Addr().String(), server.Close, nil
	}
	stopInner := func() {}
	if s.behind != nil {
		if b.FastCGI, stopInner, err = s.behind.start(ctx, b); err != nil {
			return "", nil, err
		}
	}
	p := s.program
	p.Name, p.Data, p.Templates, p.Ready = s.product, b, map[string]string{}, real.Accepts
	for name, source := range s.confs {
		text, err := conf.ReadFile("conf/" + source)
		if err != nil {
			return "", nil, err
		}
		p.Templates[name] = string(text)
	}
	process, err := real.Start(ctx, p)
	if err != nil {
		stopInner()
		return "", nil, err
	}
	return process.Addr(), func() { _ = process.Stop(); stopInner() }, nil
}

var versionForm = regexp.MustCompile(`[0-9]+\.[0-9]+(\.[0-9]+)*`)

// versionText is the program's name with the first thing in its answer that looks like a version.
func (s *subject) versionText() (string, error) {
	if s.version == nil {
		return s.title + " " + versionForm.FindString(runtime.Version()), nil
	}
	out, err := exec.Command(s.version[0], s.version[1:]...).CombinedOutput()
	version := versionForm.Find(out)
	if version == nil {
		return "", fmt.Errorf("no version in what %q says: %w", s.version, err)
	}
	return s.title + " " + string(version), nil
}
