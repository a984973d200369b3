// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// scenario is one outage.
type scenario struct {
	name, doc string
	// origin is a key of kinds.
	origin  string
	servers int
	// posts is the share of visitors who post, 0 to 1.
	posts float64
	// longer is how much longer it lasts than others; 0 is 1.
	longer float64
	// least is how long it lasts at least.
	least time.Duration
	// bursts: all visitors of a second come at once.
	bursts bool
	// idleClose is when shops end idle connections; 0 is never.
	idleClose time.Duration
	// named: gateways know the servers by a name, which the first one has.
	named bool
	// ill is what one shop, or both, are told to suffer from (shop.Orders) for half of
	// the time.
	ill  string
	both bool
	// script is what happens otherwise; nil is nothing.
	script func(st *stage)
}

func (s *scenario) length(seconds float64) time.Duration {
	if s.longer > 0 {
		seconds *= s.longer
	}
	return max(s.least, time.Duration(seconds*float64(time.Second)))
}

// orders is the share of POSTs where servers take any.
const orders = 0.1

// scenarios is the list, in the order of the table.
var scenarios = []*scenario{
	{name: "calm", doc: "nothing happens: what is left of the others is the outage",
		origin: "shop", servers: 2, posts: orders},

	{name: "kill", doc: "kill -9 of one of two servers, back after 40 % of the time",
		origin: "shop", servers: 2, posts: orders, script: killed},
	{name: "kill-nginx", doc: "the same with nginx", origin: "nginx", servers: 2, script: killed},
	{name: "kill-php-fpm", doc: "the same with php-fpm; the nginx before it lives and answers 502",
		origin: "php-fpm", servers: 2, posts: orders, script: killed},
	{name: "kill-node", doc: "the same with Node", origin: "node", servers: 2, posts: orders, script: killed},
	{name: "stop", doc: "SIGTERM to one of two gunicorns, back after 40 % of the time",
		origin: "gunicorn", servers: 2, posts: orders, script: stopped},
	{name: "restart", doc: "SIGTERM to one of two Nodes, started again at once",
		origin: "node", servers: 2, posts: orders, script: func(st *stage) { st.until(0.3); st.stop(0); st.again(0) }},
	{name: "rolling", doc: "20 deployments, 3 s apart: each of two gunicorns restarted in turn",
		origin: "gunicorn", servers: 2, posts: orders, longer: 3.2, script: rolling},
	{name: "alone", doc: "the only server restarted: 2 s of nobody",
		origin: "shop", servers: 1, posts: orders, least: 8 * time.Second,
		script: func(st *stage) { st.until(0.3); st.stop(0); st.rest(2 * time.Second); st.again(0) }},
	{name: "moved", doc: "the server gets another address, kept for 1 s in DNS; the old one goes 3 s later",
		origin: "shop", servers: 2, posts: orders, named: true, script: moved},
	{name: "flapping", doc: "one of two dies every 2 s, for 1 s",
		origin: "shop", servers: 2, posts: orders, script: flapping},

	{name: "freeze", doc: "SIGSTOP of one of two for half of the time",
		origin: "shop", servers: 2, posts: orders,
		script: func(st *stage) { st.until(0.2); st.freeze(0); st.until(0.7); st.thaw(0) }},
	{name: "stalls", doc: "stalls of 5 s, as of a garbage collector, of each of two in turn",
		origin: "shop", servers: 2, posts: orders, least: 16 * time.Second, script: stalls},
	{name: "silence", doc: "one of two accepts and answers nothing, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail silence 1"},
	{name: "full", doc: "one of two accepts nobody, its queue is full, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "shut"},

	{name: "errors", doc: "one of two answers 30 % with 500, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail 500 0.3"},
	{name: "garbage", doc: "one of two answers 30 % with what is no HTTP, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail garbage 0.3"},
	{name: "resets", doc: "one of two resets 30 % of the requests, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail reset 0.3"},
	{name: "broken", doc: "one of two answers everything with 500, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail 500 1"},
	{name: "all-sick", doc: "the health checks of both say 500, the pages are good, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "sick", both: true},
	{name: "all-half", doc: "both answer 50 % with 500, for half of the time",
		origin: "shop", servers: 2, posts: orders, ill: "fail 500 0.5", both: true},
	{name: "storm", doc: "both answer 20 % with 503, for half of the time: how much is asked again?",
		origin: "shop", servers: 2, posts: orders, ill: "fail 503 0.2", both: true},

	{name: "slow", doc: "one of two takes 300 ms longer, all the time: who is asked?",
		origin: "shop", servers: 2, posts: orders, script: func(st *stage) { st.tell(0, "slow 300ms") }},
	{name: "idle-close", doc: "both end connections idle for 1 s; visitors come in bursts a second apart",
		origin: "shop", servers: 2, posts: orders, bursts: true, idleClose: time.Second},
}

func killed(st *stage) {
	st.until(0.2)
	st.kill(0)
	st.until(0.6)
	st.again(0)
}

func stopped(st *stage) {
	st.until(0.2)
	st.stop(0)
	st.until(0.6)
	st.again(0)
}

// deployments is how many restarts rolling makes.
const deployments = 20

// rolling waits between two restarts, as deployments do, to see that the one before
// went well.
func rolling(st *stage) {
	for i := range deployments {
		st.rest(3 * time.Second)
		st.stop(i % 2)
		st.again(i % 2)
	}
}

func flapping(st *stage) {
	for st.until(0.1); !st.over(); st.rest(time.Second) {
		st.kill(0)
		st.rest(time.Second)
		st.again(0)
	}
}

// moved is what an orchestrator does: the new server is there before the old one goes.
func moved(st *stage) {
	st.until(0.3)
	st.name(1)
	st.rest(3 * time.Second)
	st.stop(0)
}

func stalls(st *stage) {
	for i, at := range []float64{0.1, 0.5} {
		st.until(at)
		st.freeze(i)
		st.rest(5 * time.Second)
		st.thaw(i)
	}
}

// illness tells shops to be ill for half of the time: the first one, or all.
func illness(st *stage) {
	ill := st.servers[:1]
	if st.scenario.both {
		ill = st.servers
	}
	for _, step := range []struct {
		at    float64
		order string
	}{{0.2, st.scenario.ill}, {0.7, "well"}} {
		st.until(step.at)
		for i := range ill {
			st.tell(i, step.order)
		}
	}
}
