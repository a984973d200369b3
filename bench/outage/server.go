// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"causey/bench/peers"
	"causey/lab/real"
	"causey/lab/shop"
)

// server is one server of a scenario. Its address stays the same through all of its
// lives.
type server interface {
	// again starts it after its end, and returns when it answers.
	again(ctx context.Context) error
	// signal reaches all of its processes, wait returns when none is left.
	signal(sig syscall.Signal) error
	wait(ctx context.Context) error
	// close ends it for good.
	close()
}

// kind is a kind of server.
type kind struct {
	page, form, health string
	start              func(ctx context.Context, l lot) (server, error)
}

// lot is what a server gets at its birth.
type lot struct {
	course *course
	dir    string
	// addr is where to listen.
	addr string
	// number is its own, from 0.
	number    int
	idleClose time.Duration
}

// options are those of a real server.
func (l lot) options() real.Options { return real.Options{Dir: l.dir, Addr: l.addr} }

// kinds are the kinds of servers, by the word that a scenario uses.
var kinds = map[string]kind{
	"shop": {shop.Page, shop.Form, shop.Health, startShop},
	// nginx alone serves files and takes no forms.
	"nginx": {"/", "/", "/", func(ctx context.Context, l lot) (server, error) {
		return realOne(real.StartNginx(ctx, real.NginxOptions{Options: l.options()}))
	}},
	"node": {"/size/20000", "/upload", "/", func(ctx context.Context, l lot) (server, error) {
		return realOne(real.StartNode(ctx, real.NodeOptions{Options: l.options()}))
	}},
	"gunicorn": {"/size/20000", "/upload", "/", func(ctx context.Context, l lot) (server, error) {
		return realOne(real.StartGunicorn(ctx, real.GunicornOptions{Options: l.options()}))
	}},
	// Here it is php-fpm that dies, and nginx in front of it that says so.
	"php-fpm": {"/php/size/20000", "/upload", "/php/", func(ctx context.Context, l lot) (server, error) {
		php, err := real.StartPHP(ctx, real.PHPOptions{Options: real.Options{Dir: l.dir}})
		if err != nil {
			return nil, err
		}
		front, err := real.StartNginx(ctx, real.NginxOptions{Options: l.options(), PHP: php})
		if err != nil {
			return nil, errors.Join(err, php.Stop())
		}
		return realServer{php, front}, nil
	}},
}

// realServer is a server of lab/real, and perhaps one in front of it that stays well.
type realServer struct{ p, front *real.Process }

func realOne(p *real.Process, err error) (server, error) {
	if err != nil {
		return nil, err
	}
	return realServer{p: p}, nil
}

func (r realServer) again(ctx context.Context) error { return r.p.Restart(ctx) }
func (r realServer) signal(sig syscall.Signal) error { return r.p.Kill(sig) }
func (r realServer) wait(ctx context.Context) error  { return r.p.Wait(ctx) }

func (r realServer) close() {
	if r.front != nil {
		_ = r.front.Stop()
	}
	_ = r.p.Signal(syscall.SIGCONT) // or it would not hear that it shall end
	_ = r.p.Stop()
}

// shopServer is a process of lab/cmd/labshop.
type shopServer struct {
	program peers.Program
	process *peers.Process
	// orders is its standard input.
	orders *os.File
}

func startShop(ctx context.Context, l lot) (server, error) {
	s := &shopServer{program: peers.Program{
		Name: "shop", Dir: l.dir, Addr: l.addr,
		Argv: []string{l.course.shop, "-listen", l.addr, "-journal", journal(l.dir, l.number), "-idle-close", l.idleClose.String()},
	}}
	return s, s.again(ctx)
}

// journal is the file that server number writes.
func journal(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("journal-%d", number))
}

func (s *shopServer) again(context.Context) error {
	s.close()
	in, orders, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	s.orders, s.program.Stdin = orders, in
	s.process, err = s.program.Start()
	return err
}

// tell changes what is wrong with the shop.
func (s *shopServer) tell(order string) error {
	_, err := io.WriteString(s.orders, order+"\n")
	return err
}

func (s *shopServer) signal(sig syscall.Signal) error { return s.process.Signal(sig) }

func (s *shopServer) wait(ctx context.Context) error {
	select {
	case <-s.process.Ended():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shopServer) close() {
	if s.process != nil {
		s.process.Stop()
	}
	if s.orders != nil {
		_ = s.orders.Close()
	}
}

// fetch gets a page once.
func fetch(ctx context.Context, url string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}
