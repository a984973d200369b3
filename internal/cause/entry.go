// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"strings"

	"causey/internal/failure"
)

// Entry is one root cause, as an owner and an engineer need it.
type Entry struct {
	// ID is its name for ever, "tcp.refused.down"; Number the short form, "F009".
	ID     string `yaml:"id" json:"id"`
	Number string `yaml:"number" json:"number"`
	// Layer is where it lies: one of Layers.
	Layer string `yaml:"layer" json:"layer"`
	// Title is a heading without a full stop. Meaning is one or two sentences for an owner,
	// in plain words.
	Title   string `yaml:"title" json:"title"`
	Meaning string `yaml:"meaning" json:"meaning"`
	// Prior says how often owners meet it.
	Prior Prior `yaml:"prior" json:"prior"`
	// ProxyError is the error type of RFC 9209 section 2.3 that fits best, "" for none.
	ProxyError string `yaml:"rfc9209" json:"rfc9209"`

	// Explains lists failure codes that it is behind, Answers the statuses of complete
	// answers of a server: "502", "5xx", Conditions what is seen where nothing fails, by the
	// names of Conditions. One of them has to be seen.
	Explains   []string `yaml:"explains" json:"explains"`
	Answers    []string `yaml:"answers" json:"answers"`
	Conditions []string `yaml:"conditions" json:"conditions"`
	// Needs are predicates without which it is out of the question; one whose fact was
	// not observed does not exclude it.
	Needs []string `yaml:"needs" json:"needs"`
	// Evidence are the lines of its score.
	Evidence []Line `yaml:"evidence" json:"evidence"`
	// LeadsTo lists causes that follow from it, in time: their failures belong to it.
	LeadsTo []string `yaml:"leads_to" json:"leads_to"`
	// Twins are the causes it is mistaken for, with what separates them.
	Twins []Twin `yaml:"twins" json:"twins"`
	// Experiments name those that separate it from its twins: of Experiments.
	Experiments []string `yaml:"experiments" json:"experiments"`
	// Fixes are what to do, the first thing first; at least one is for any stack.
	Fixes []Fix `yaml:"fixes" json:"fixes"`
	// Lab says how the project makes it happen: real, raw, kernel or emulated; "none: WHY"
	// where it cannot.
	Lab string `yaml:"lab" json:"lab"`

	codes    []failure.Code
	statuses []statusRange
	needs    []predicate
}

// Line is one line of a score: a predicate, and what its truth and its untruth weigh, in
// natural logarithms of odds. A weight of 0 says nothing.
type Line struct {
	If  string  `yaml:"if" json:"if"`
	Yes float64 `yaml:"yes" json:"yes"`
	No  float64 `yaml:"no" json:"no"`

	predicate predicate
}

// Twin is a cause that looks alike, and the question that tells the two apart.
type Twin struct {
	ID  string `yaml:"id" json:"id"`
	Ask string `yaml:"ask" json:"ask"`

	entry *Entry
}

// Fix is advice for users of one stack, "any" for all. Text between backquotes is to be
// typed; capitals in it stand for the reader's own names.
type Fix struct {
	Stack string `yaml:"stack" json:"stack"`
	Text  string `yaml:"text" json:"text"`
}

// Layers are where causes lie, in the order of a request's way.
var Layers = []string{
	"dns", "network", "tcp", "tls", "protocol", "request", "response", "keep-alive", "http2", "websocket",
	"capacity", "application", "deploy", "gateway", "cdn", "client", "attack", "systemic", "relayed",
}

// Party is whose side it lies on, and so who has to mend it: the gateway's is that of its
// machine and its configuration too.
func (e *Entry) Party() failure.Party {
	switch {
	case e.Layer == "client", e.Layer == "attack":
		return failure.Client
	case e.Layer == "gateway", strings.HasPrefix(e.ID, "gw."):
		return failure.Gateway
	}
	return failure.Upstream
}

// Conditions are what can be seen where no request fails, in words.
var Conditions = map[string]string{
	"check": "a health check that fails while requests go well",
	"disk":  "a full disk of the gateway's machine",
	"ended": "live connections that end without a failure",
}

// Stacks are whom fixes are for.
var Stacks = []string{
	"any", "linux", "systemd", "docker", "kubernetes", "cloud", "cloudflare", "cdn",
	"nginx", "apache", "haproxy", "caddy", "traefik", "varnish", "causey",
	"php-fpm", "wordpress", "gunicorn", "uvicorn", "uwsgi", "django", "flask", "node", "puma", "rails", "tomcat", "spring", "go", "dotnet", "iis",
	"mysql", "postgresql", "redis",
}

// Prior is how often owners meet a cause.
type Prior string

// The priors.
const (
	Everyday   Prior = "everyday"
	Common     Prior = "common"
	Occasional Prior = "occasional"
	Rare       Prior = "rare"
)

// priorScores are what a score begins with: each step is met about three times less.
var priorScores = map[Prior]float64{Everyday: 0, Common: -1, Occasional: -2, Rare: -3}

// Unknown is the id of the honest answer that none of the causes stands out.
const Unknown = "unknown"
