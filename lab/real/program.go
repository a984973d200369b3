// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import "context"

// Program is a server that this package has no Start function of its own for. In the templates {{.Dir}} is its
// directory, {{.Addr}} where it is to listen ({{.Host}} and {{.Port}}), {{.Log}} its log and {{.Data}} whatever Data is.
type Program struct {
	Options
	Name string
	// Commands are names of the program; the first that is found is taken. Package is the Debian package that has it.
	Commands []string
	Package  string
	// Files are templates of the files in its directory, by their names.
	Files map[string]string
	// Args and Env (NAME=VALUE) are templates too.
	Args, Env []string
	Data      any
}

// StartProgram runs it, and waits until it can be connected to.
func StartProgram(ctx context.Context, p Program) (*Process, error) {
	return recipe{
		name: p.Name, programs: p.Commands, pkg: p.Package, options: p.Options,
		texts: p.Files, args: p.Args, env: p.Env, data: p.Data, probe: accepts,
	}.start(ctx)
}
