// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

// Software is what an answer says of the programs behind it. The zero value says that
// nobody looked.
type Software struct {
	// Runs is the set of known programs that it names.
	Runs Programs
	// Build is a hash of the fields that name a program or a version, never 0: two answers
	// with different ones are of different programs or versions.
	Build uint32
}

// Programs is a set of the constants.
type Programs uint16

// The programs that are told apart.
const (
	RunsNginx Programs = 1 << iota
	RunsApache
	RunsPHP
	RunsGunicorn
	RunsUvicorn
	RunsNode
	RunsPuma
	RunsPassenger
	RunsTomcat
	RunsIIS
)

// programNames names them, in the order of their bits.
var programNames = [...]string{"nginx", "apache", "php", "gunicorn", "uvicorn", "node", "puma", "passenger", "tomcat", "iis"}

// Names lists the programs of p.
func (p Programs) Names() []string {
	var names []string
	for i, name := range programNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
