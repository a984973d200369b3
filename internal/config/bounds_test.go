// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// repeat builds a text of n numbered parts.
func repeat(n int, part func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(part(i))
	}
	return b.String()
}

// TestHostileShapes gives the reader files that are small and mean a lot, each
// of which takes minutes, gigabytes or the whole stack if a bound is missing
// (I4). What is wanted is the bound's own message.
func TestHostileShapes(t *testing.T) {
	const head = "version: 1\nlisten: :80\nupstreams: {a: {servers: 1}}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"brackets":                     {strings.Repeat("[", 1000), "nested more than 64 levels"},
		"braces":                       {strings.Repeat("{a: ", 1000), "nested more than 64 levels"},
		"dashes":                       {strings.Repeat("- ", 1000), "nested more than 64 levels"},
		"indents":                      {repeat(1000, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }), "nested more than 64 levels"},
		"all brackets":                 {strings.Repeat("[", fileLimitBytes), "more than 400000 words"},
		"all dashes":                   {strings.Repeat("- ", fileLimitBytes/2), "more than 400000 words"},
		"question marks":               {strings.Repeat("? ", 1000), "a key is written as"},
		"anchors":                      {strings.Repeat("&a\n", 1000) + "b", "two anchors"},
		"tags":                         {strings.Repeat("!a ", 1000) + "b", "tags such as"},
		"documents":                    {strings.Repeat("---\n", 1000), "a second document"},
		"keys":                         {repeat(20_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }), "more than 10000 keys"},
		"keys in lines of brackets":    {"{" + repeat(20_000, func(i int) string { return fmt.Sprintf("\nk%d: 1,", i) }) + "}", "more than 10000 keys"},
		"keys in one line of brackets": {"{" + repeat(60_000, func(i int) string { return fmt.Sprintf("k%d: 1,", i) }) + "}", "more problems are not shown"},
		"aliases": {head + "sites:\n- {host: x0, routes: &r [" + strings.Repeat("{upstream: a},", 2000) + "]}\n" +
			repeat(2000, func(i int) string { return fmt.Sprintf("- {host: y%d, routes: *r}\n", i) }), "stands for more than 400000 values"},
		"merge keys": {head + "timeouts: &t {" + repeat(2000, func(i int) string { return fmt.Sprintf("k%d: 1,", i) }) + "}\n" +
			"sites:\n" + repeat(2000, func(i int) string { return fmt.Sprintf("- {<<: *t, host: y%d}\n", i) }), "merge keys copy more than 100000 keys"},
		"alias of itself": {head + "sites: &s [*s]\n", "no anchor &s above"},
		"a long line":     {"a: " + strings.Repeat("x", fileLimitBytes-10), "unknown key"},
		"long words":      {strings.Repeat("x", 5000) + ": 1\n", "unknown key"},
		"numbers":         {head + "limits: {fields: " + strings.Repeat("9", 100_000) + "}\n", "is out of range"},
		"addresses":       {"version: 1\nlisten: [" + repeat(1000, func(i int) string { return fmt.Sprintf(":%d,", i+1) }) + "]\n", "the list has 1000 items, at most 256"},
		"unknown upstreams": {head + "sites: [{host: x, routes: [" + repeat(5000, func(i int) string { return fmt.Sprintf("{path: /%d, upstream: aa%d},", i, i) }) + "]}]\n",
			"4900 more problems are not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := parseText(tc.text)
			checkPlaces(t, []byte(tc.text), c, err)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				message := fmt.Sprint(err)
				t.Errorf("%.300s; want %q", message, tc.want)
			}
			if n := len(fmt.Sprint(err)); n > 100_000 {
				t.Errorf("the message has %d bytes", n)
			}
		})
	}
}

// TestLargeAndSound reads what the bounds must leave room for.
func TestLargeAndSound(t *testing.T) {
	text := "version: 1\nlisten: :80\nsites:\n- host: x\n  routes:\n" +
		repeat(10_000, func(i int) string { return fmt.Sprintf("  - {path: /section/%d, upstream: u%d}\n", i, i%1000) }) + "upstreams:\n" +
		repeat(1000, func(i int) string { return fmt.Sprintf("  u%d:\n    servers: [\"10.0.%d.%d:80\"]\n", i, i/250, i%250) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := parseText(text)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatalf("%.500s", err.Error())
	}
	if len(c.Sites[0].Routes) != 10_000 || len(c.Upstreams) != 1000 || len(c.Warnings) != 0 {
		t.Errorf("%d routes, %d upstreams, %d warnings", len(c.Sites[0].Routes), len(c.Upstreams), len(c.Warnings))
	}
	// 400 bytes per byte of text: measured 150 when this was written; what is
	// quadratic in the text has 100,000.
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(len(text))*400 {
		t.Errorf("reading %d bytes allocated %d", len(text), used)
	}
}

// TestBoundsHold looks at the work behind the messages of TestHostileShapes: the
// bound ends the work, not only the report.
func TestBoundsHold(t *testing.T) {
	tree := func(text string) *node {
		src, p := newSource("x", []byte(text))
		if p != nil {
			t.Fatal(p)
		}
		return parseTree(src, &reporter{})
	}
	root := tree("version: 1\nsites:\n- {host: x0, routes: &r [" + strings.Repeat("{upstream: a},", 2000) + "]}\n" +
		repeat(2000, func(i int) string { return fmt.Sprintf("- {host: y%d, routes: *r}\n", i) }))
	d := &decoder{outside: testWorld(), src: &source{name: "x", lines: []string{""}}, report: &reporter{}}
	if _, err := d.config(root); err == nil || d.steps > stepLimit+10_000 {
		t.Errorf("%d steps, %v", d.steps, err)
	}
	var pairs func(n *node) int
	pairs = func(n *node) int {
		sum := len(n.pairs)
		for _, p := range n.pairs {
			sum += pairs(p.value)
		}
		for _, item := range n.items {
			sum += pairs(item)
		}
		return sum
	}
	root = tree("t: &t {" + repeat(2000, func(i int) string { return fmt.Sprintf("k%d: 1,", i) }) + "}\n" +
		"sites:\n" + repeat(2000, func(i int) string { return fmt.Sprintf("- {<<: *t, host: y%d}\n", i) }))
	if n := pairs(root); n > mergeLimit+10_000 {
		t.Errorf("the tree has %d keys", n)
	}
}

// TestPlaceInText gives places that no text has, as a parser might (I1).
func TestPlaceInText(t *testing.T) {
	src, p := newSource("x", []byte("ab\nö\n"))
	if p != nil {
		t.Fatal(p)
	}
	for given, want := range map[place]place{
		{1, 2}: {1, 2}, {0, 0}: {1, 1}, {1, 99}: {1, 3}, {2, 99}: {2, 2}, {3, 1}: {3, 1}, {99, 1}: {3, 1}, {-1, -1}: {1, 1},
	} {
		p := src.problem(given, 500, "m", "").place()
		if (place{p.Line, p.Column}) != want {
			t.Errorf("%v became %d:%d, want %v", given, p.Line, p.Column, want)
		}
	}
}

// TestPagesTogether bounds all error pages, not only each; one file is read and
// counted once, however many sites name it.
func TestPagesTogether(t *testing.T) {
	reads := 0
	world := testWorld()
	world.read = func(string, int64) ([]byte, *Problem) {
		reads++
		return bytes.Repeat([]byte("x"), errorPageLimitBytes), nil
	}
	const sites = errorPagesLimitBytes/errorPageLimitBytes + 1
	text := func(file string) []byte {
		return []byte("version: 1\nlisten: :80\nupstreams: {a: {servers: 1}}\nsites:\n" + repeat(sites, func(i int) string {
			return fmt.Sprintf("- {host: x%d, routes: {upstream: a}, error_pages: {502: "+file+"}}\n", i, i)
		}))
	}
	if _, err := parse("x", text("p%d.html"), world); err == nil || !strings.Contains(err.Error(), "the error pages have more than 16MiB together") {
		t.Errorf("%v", err)
	}
	reads = 0
	if _, err := parse("x", text("p.html # %d\n"), world); err != nil || reads != 1 {
		t.Errorf("%d reads, %v", reads, err)
	}
}

// TestConfigsShareNothingWritten reads many configurations at once, which share
// the defaults of the table, and wants the first to stay as it was (I5).
func TestConfigsShareNothingWritten(t *testing.T) {
	first, err := parseText(sampleBase)
	if err != nil {
		t.Fatal(err)
	}
	was := toJSON(t, first)
	var wait sync.WaitGroup
	for path, sample := range samples {
		text := toJSON(t, set(baseFor(t, path), steps(path), fromJSON(t, sample)))
		wait.Go(func() {
			if _, err := parseText(text); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if now := toJSON(t, first); now != was {
		t.Errorf("the first configuration was\n%s\nand is now\n%s", was, now)
	}
}
