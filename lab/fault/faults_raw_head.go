// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

func init() { lists = append(lists, rawHead) }

var rawHead = []*Fault{
	badHead("resp.bad_header", "space", "upstream", got, "space-before-colon"),
	badHead("resp.bad_header", "nul", "path", search, "nul"),
	badHead("resp.bad_header", "no-colon", "path", product, "no-colon"),
	badHead("resp.bad_length", "twice", "upstream", got, "cl-dup-differ"),
	badHead("resp.bad_length", "negative", "path", search, "cl-negative"),
	answers{cause: "resp.empty", name: "fin", scope: "upstream", match: sometimes(3, pages), target: "/lab/fin"}.fault().
		orElse(whyDying, "app.crashloop", "app.oom_killed"),
	answers{cause: "resp.empty", name: "rst", scope: "upstream", match: sometimes(3, pages), target: "/lab/rst"}.fault().
		orElse(whyDying, "app.crashloop", "app.oom_killed"),
	badHead("resp.bad_status", "word", "path", search, "status-alpha"),
	badHead("resp.bad_status", "short", "upstream", got, "status-short"),
	badHead("resp.desync", "stray", "upstream", got, "leftover?ms=5"),
	badHead("resp.desync", "answer", "upstream", got, "second-response?ms=5"),
	badHead("resp.interim", "", "path", search, "interim-flood"),
}

// badHead is a fault of what is sent instead of a good head: one of the origin's modes.
func badHead(cause, name, scope string, befalls match, mode string) *Fault {
	return answers{cause: cause, name: name, scope: scope, match: always(befalls), target: "/lab/" + mode}.fault()
}

// whyDying holds while it befalls requests without a pattern.
const whyDying = "a process that dies of a signal closes its connections as one does that chooses to: " +
	"only its log, or the kernel's, says which"
