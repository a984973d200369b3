// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

// Diagnosis is how far the gateway finds out why things fail.
type Diagnosis struct {
	Enabled     bool `json:"enabled"`
	Experiments bool `json:"experiments"`
	// NeighbourPorts lets experiments look at other ports of a server's host.
	NeighbourPorts bool `json:"neighbour_ports"`
}

// IsZero reports that nothing differs from the defaults.
func (d Diagnosis) IsZero() bool { return d == diagnosisDefaults }

var diagnosisSwitch = onOff(func(string) string { return "write on, off, or keys: {experiments: off}" })

var diagnosisOnOff = onOff(func(string) string { return "write on or off" })

var diagnosisKind = object[Diagnosis]{
	name: "diagnosis",
	doc:  "How the gateway finds out why things fail: it compares the failures with what goes well, ranks root causes, and keeps incidents. `on` or `off` in place of the keys sets `enabled`.",
	fields: []field[Diagnosis]{
		{entry{name: "enabled", def: "on",
			doc:   "Whether failures are watched and incidents kept. Without it each failure still has its code, its evidence and its line in the log. A change takes effect at the next start, or by `causey upgrade`.",
			avoid: "Turn it off to measure what it costs, not to save that."},
			to(diagnosisOnOff, func(d *Diagnosis) *bool { return &d.Enabled })},
		{entry{name: "experiments", def: "on",
			doc:   "Whether the gateway tries out what separates causes that look alike, while something fails: a fresh connection, a handshake, a GET of the page that failed. At most 6 a minute at one server and 30 in all, to your own servers and resolver only. See [operating.md](operating.md#experiments).",
			avoid: "Turn it off where a GET of a page that a visitor asked for changes something.",
			peers: "nginx, HAProxy, Envoy and Caddy have health checks, and nothing that asks why one failed."},
			to(diagnosisOnOff, func(d *Diagnosis) *bool { return &d.Experiments })},
		{entry{name: "neighbour_ports", def: "off",
			doc:   "Whether experiments may open connections to nine other usual ports of a failing server's machine, and close them at once: 22, 80, 443, 3000, 5000, 8000, 8080, 8443, 9000. That tells a machine that is down from a program that is, and from a firewall.",
			avoid: "Leave it off on networks whose owner takes that for a port scan."},
			to(diagnosisOnOff, func(d *Diagnosis) *bool { return &d.NeighbourPorts })},
	},
	shortShape: diagnosisSwitch.shape,
	short: func(d *decoder, c cursor, v *Diagnosis) (ok bool) {
		v.Enabled, ok = diagnosisSwitch.read(d, c)
		return ok
	},
}.kind()

var diagnosisDefaults = diagnosisKind.preset()
