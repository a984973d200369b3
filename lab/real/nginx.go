// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"errors"
	"maps"
	"time"
)

// NginxOptions configure StartNginx. Zero values are nginx's own defaults unless said otherwise.
type NginxOptions struct {
	Options
	// PHP is a running php-fpm that gets /upload, /slow, /sse and everything under /php/. Without it, and without
	// Proxy, nginx serves files only: /slow is then a file sent at 200 bytes per second, and /upload is answered 405.
	PHP *Process
	// Proxy is the host:port of an HTTP server that gets everything under /proxy/ and, without PHP, what PHP would.
	Proxy string
	// Keepalive is how long an idle connection is kept; 0 is 75 s.
	Keepalive time.Duration
	// Requests is how many requests one connection may carry; 0 is 1000.
	Requests int
	// TLS has it speak TLS; nil is plain HTTP.
	TLS *TLS
	// HTTP is what the http block holds in place of the lab's own server, for Addr; files of TLS and Files stand beside the
	// configuration, so a bare name reaches them.
	HTTP string
	// Files are more files, by name.
	Files map[string][]byte
	// MaxBody is the longest request body in bytes; 0 is unlimited, which is not nginx's default of 1 MiB.
	MaxBody int64
}

type nginxData struct {
	PHPAddr, PHPScript, Proxy string
	KeepaliveMillis           int64
	Requests                  int
	MaxBody                   int64
	TLS                       *TLS
	HTTP                      string
}

// StartNginx runs nginx with one worker.
func StartNginx(ctx context.Context, o NginxOptions) (*Process, error) {
	d := nginxData{Proxy: o.Proxy, KeepaliveMillis: o.Keepalive.Milliseconds(), Requests: o.Requests, MaxBody: o.MaxBody, TLS: o.TLS,
		HTTP: o.HTTP}
	if o.Keepalive == 0 {
		d.KeepaliveMillis = 75_000
	}
	if o.Requests == 0 {
		d.Requests = 1000
	}
	if o.PHP != nil {
		if o.PHP.script == "" {
			return nil, errors.New("real: NginxOptions.PHP is " + o.PHP.name)
		}
		d.PHPAddr, d.PHPScript = o.PHP.FastCGI(), o.PHP.script
	}
	given, probe := o.TLS.files(), o.TLS.probe()
	if o.HTTP != "" {
		probe = accepts
		given = map[string][]byte{}
		maps.Copy(given, o.TLS.files())
		maps.Copy(given, o.Files)
	}
	return recipe{
		name: "nginx", programs: []string{"nginx"}, pkg: "nginx-light", options: o.Options,
		files: map[string]string{"nginx.conf": "nginx.conf.tmpl", "files/index.html": "hello.txt", "files/slow": "slow.txt"},
		data:  d, args: []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf", "-e", "stderr"},
		given:  given,
		serves: "files", probe: probe,
	}.start(ctx)
}
