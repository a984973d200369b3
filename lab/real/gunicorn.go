// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"time"
)

// GunicornOptions configure StartGunicorn. Zero values are gunicorn's own defaults unless said otherwise.
type GunicornOptions struct {
	Options
	// Workers is how many processes answer; 0 is 2.
	Workers int
	// Threads above 0 takes gthread workers, which keep connections alive; 0 is sync workers, which never do.
	Threads int
	// Timeout is after how much silence a worker is killed, in whole seconds; 0 is 30 s.
	Timeout time.Duration
	// Keepalive is how long an idle connection is kept, in whole seconds; 0 is 2 s.
	Keepalive time.Duration
	// Backlog is the listen queue's length; 0 is 2048.
	Backlog int
}

// StartGunicorn runs gunicorn with a small WSGI application.
func StartGunicorn(ctx context.Context, o GunicornOptions) (*Process, error) {
	d := struct {
		Workers, Threads, Backlog int
		Class                     string
		Timeout, Keepalive        int64
	}{o.Workers, max(o.Threads, 1), o.Backlog, "sync", int64(o.Timeout / time.Second), int64(o.Keepalive / time.Second)}
	if o.Threads > 0 {
		d.Class = "gthread"
	}
	if o.Workers == 0 {
		d.Workers = 2
	}
	if o.Backlog == 0 {
		d.Backlog = 2048
	}
	if o.Timeout == 0 {
		d.Timeout = 30
	}
	if o.Keepalive == 0 {
		d.Keepalive = 2
	}
	return recipe{
		name: "gunicorn", programs: []string{"gunicorn", "gunicorn3"}, pkg: "gunicorn", options: o.Options,
		files: map[string]string{"app.py": "app.py"}, data: d,
		args: []string{"--chdir", "{{.Dir}}", "--worker-tmp-dir", "{{.Dir}}", "--bind", "{{.Addr}}",
			"--workers", "{{.Data.Workers}}", "--threads", "{{.Data.Threads}}", "--worker-class", "{{.Data.Class}}",
			"--timeout", "{{.Data.Timeout}}", "--keep-alive", "{{.Data.Keepalive}}", "--backlog", "{{.Data.Backlog}}", "app:application"},
		probe: answersHTTP,
	}.start(ctx)
}
