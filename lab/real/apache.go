// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"errors"
	"time"
)

// ApacheOptions configure StartApache. Zero values are Apache's own defaults.
type ApacheOptions struct {
	Options
	// PHP is a running php-fpm that gets everything under /php/ through mod_proxy_fcgi. /upload, /slow and /sse are
	// always a CGI script.
	PHP *Process
	// TLS has it speak TLS, by mod_ssl; nil is plain HTTP.
	TLS *TLS
	// Keepalive is how long an idle connection is kept, in whole milliseconds; 0 is 5 s.
	Keepalive time.Duration
	// Requests is how many requests one connection may carry; 0 is 100.
	Requests int
	// Timeout is the TimeOut directive, in whole seconds; 0 is 60 s.
	Timeout time.Duration
}

// StartApache runs Apache httpd with the event MPM.
func StartApache(ctx context.Context, o ApacheOptions) (*Process, error) {
	d := struct {
		PHP, Modules             string
		KeepaliveMillis, Seconds int64
		Requests                 int
		TLS                      *TLS
	}{"", "/usr/lib/apache2/modules", o.Keepalive.Milliseconds(), int64(o.Timeout / time.Second), o.Requests, o.TLS}
	if o.Keepalive == 0 {
		d.KeepaliveMillis = 5000
	}
	if o.Timeout == 0 {
		d.Seconds = 60
	}
	if o.Requests == 0 {
		d.Requests = 100
	}
	if o.PHP != nil {
		if o.PHP.script == "" {
			return nil, errors.New("real: ApacheOptions.PHP is " + o.PHP.name)
		}
		d.PHP = "fcgi://" + o.PHP.addr + o.PHP.script
		if o.PHP.network == "unix" {
			d.PHP = "unix:" + o.PHP.addr + "|fcgi://localhost" + o.PHP.script
		}
	}
	return recipe{
		name: "apache", programs: []string{"apache2"}, pkg: "apache2", options: o.Options,
		files: map[string]string{"httpd.conf": "httpd.conf.tmpl", "app.cgi": "app.cgi", "files/index.html": "hello.txt"},
		data:  d, args: []string{"-d", "{{.Dir}}", "-f", "{{.Dir}}/httpd.conf", "-D", "FOREGROUND"},
		given:  o.TLS.files(),
		serves: "files", probe: o.TLS.probe(),
	}.start(ctx)
}
