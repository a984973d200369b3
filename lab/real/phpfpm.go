// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"path/filepath"
	"time"
)

// PHPOptions configure StartPHP.
type PHPOptions struct {
	Options
	// Unix listens on a unix socket instead of TCP; Addr is then not used.
	Unix bool
	// Children is how many requests run at a time; 0 is 4.
	Children int
	// Backlog is the listen queue's length; 0 is 511.
	Backlog int
	// Terminate ends a request's worker after so long; 0 is never.
	Terminate time.Duration
}

// StartPHP runs php-fpm. It speaks FastCGI, not HTTP: give it to StartNginx or StartApache.
func StartPHP(ctx context.Context, o PHPOptions) (*Process, error) {
	d := struct {
		Children, Backlog int
		TerminateSeconds  int64
	}{o.Children, o.Backlog, int64((o.Terminate + time.Second - 1) / time.Second)}
	if d.Children == 0 {
		d.Children = 4
	}
	if d.Backlog == 0 {
		d.Backlog = 511
	}
	r := recipe{
		name: "php-fpm", programs: []string{"php-fpm8.2", "php-fpm8.4", "php-fpm8.3", "php-fpm"}, pkg: "php8.2-fpm", options: o.Options,
		files: map[string]string{"fpm.conf": "fpm.conf.tmpl", "index.php": "app.php"},
		data:  d, args: []string{"--nodaemonize", "--no-php-ini", "--prefix", "{{.Dir}}", "--fpm-config", "{{.Dir}}/fpm.conf"}, probe: accepts,
	}
	if o.Unix {
		r.network, r.options.Addr = "unix", ""
	}
	p, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	p.script = filepath.Join(p.dir, "index.php")
	return p, nil
}

// FastCGI is the address in the way nginx writes it: host:port, or unix:PATH.
func (p *Process) FastCGI() string {
	if p.network == "unix" {
		return "unix:" + p.addr
	}
	return p.addr
}
