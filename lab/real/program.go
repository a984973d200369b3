// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import "context"

// Program is a server whose configuration and application are the caller's.
type Program struct {
	Options
	// Name is for errors and for the directory. Programs are the names of the executable, of which the first that is
	// found is taken; Package is the Debian package that has it.
	Name     string
	Programs []string
	Package  string
	// Unix listens on a unix socket instead of TCP.
	Unix bool
	// Files are put into the server's directory as they are. Templates are expanded before, as Args and Env are: {{.Dir}} is
	// that directory, {{.Addr}} where to listen, {{.Log}} a file that Log reads, {{.Data}} is Data.
	Files, Templates map[string]string
	Data             any
	Args, Env        []string
	// Ready is how to find out that it has started.
	Ready Ready
}

// Ready is when a server counts as started.
type Ready int

// What a server is asked until it answers.
const (
	AnswersHTTP Ready = iota // GET / over TCP, to be answered 200
	Accepts                  // a connection
	AtOnce                   // nothing
)

// Start runs a program.
func Start(ctx context.Context, o Program) (*Process, error) {
	r := recipe{name: o.Name, programs: o.Programs, pkg: o.Package, options: o.Options, given: map[string][]byte{},
		texts: o.Templates, data: o.Data, args: o.Args, env: o.Env}
	if o.Unix {
		r.network = "unix"
	}
	for name, content := range o.Files {
		r.given[name] = []byte(content)
	}
	switch o.Ready {
	case AnswersHTTP:
		r.probe = answersHTTP
	case Accepts:
		r.probe = accepts
	default:
		r.probe = func(*Process) func(context.Context) error { return func(context.Context) error { return nil } }
	}
	return r.start(ctx)
}
