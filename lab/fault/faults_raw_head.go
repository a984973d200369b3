// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

func init() { lists = append(lists, rawHead) }

var rawHead = []*Fault{
	answers{cause: "resp.bad_header", name: "space", scope: "upstream", match: always(got), target: "/lab/space-before-colon"}.fault(),
	answers{cause: "resp.bad_header", name: "nul", scope: "path", match: always(search), target: "/lab/nul"}.fault(),
	answers{cause: "resp.bad_header", name: "no-colon", scope: "path", match: always(product), target: "/lab/no-colon"}.fault(),
	answers{cause: "resp.bad_length", name: "twice", scope: "upstream", match: always(got), target: "/lab/cl-dup-differ"}.fault(),
	answers{cause: "resp.bad_length", name: "negative", scope: "path", match: always(search), target: "/lab/cl-negative"}.fault(),
	answers{cause: "resp.empty", name: "fin", scope: "upstream", match: sometimes(3, pages), target: "/lab/fin",
		twins: dying, why: whyDying}.fault(),
	answers{cause: "resp.empty", name: "rst", scope: "upstream", match: sometimes(3, pages), target: "/lab/rst",
		twins: dying, why: whyDying}.fault(),
	answers{cause: "resp.bad_status", name: "word", scope: "path", match: always(search), target: "/lab/status-alpha"}.fault(),
	answers{cause: "resp.bad_status", name: "short", scope: "upstream", match: always(got), target: "/lab/status-short"}.fault(),
	answers{cause: "resp.desync", name: "stray", scope: "upstream", match: always(got), target: "/lab/leftover?ms=5"}.fault(),
	answers{cause: "resp.desync", name: "answer", scope: "upstream", match: always(got), target: "/lab/second-response?ms=5"}.fault(),
	answers{cause: "resp.interim", scope: "path", match: always(search), target: "/lab/interim-flood"}.fault(),
}

// dying are causes that look alike from outside while they befall requests without a pattern.
var dying = []string{"app.segfault", "app.oom_killed"}

const whyDying = "a process that dies of a signal closes its connections as one does that chooses to: only its log, or the kernel's, says which"
