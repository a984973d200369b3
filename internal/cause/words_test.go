// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// jargon are words that an owner need not know. One that our texts use has to be
// explained in docs/plain-words.md; so has each word in capitals.
var jargon = strings.Fields(`
	ALPN backlog certificate chain cipher container deadlock descriptor FIN firewall GOAWAY handshake header idle
	intermediate kernel listener loopback MTU NAT origin pool port preface proxy redirect resolver RST SNI socket stream
	SYN thread TLS TTL upstream WAF websocket worker`)

// stacksOwn are words in capitals of advice for users of one stack, who know them.
var stacksOwn = strings.Fields(`AAAA AJP ALB API ASGI AWS CA CGI CNAME CONTENT_LENGTH CPU CR CVE DNSSEC EADDRINUSE ECDHE ECDSA
	ENHANCE_YOUR_CALM ERROR FCGI_GET_VALUES GB GCM HEAD HOST HTML HTTP_1_1_REQUIRED ICMP ID INTERNAL_ERROR IO IP IPS JIT JSON KB LF MB MPM NUL OCSP
	OVH PFX RE2 REFUSED_STREAM RFC RSA SIGUSR1 SMTP SSL TCP UDP VXLAN W3 WP WSGI`)

var (
	quotedText = regexp.MustCompile("`[^`]*`")
	capitals   = regexp.MustCompile(`\b[A-Z][A-Z0-9_]+\b`)
	wordRow    = regexp.MustCompile(`(?m)^\| ([^|]+) \| [A-Z][^|]*[.:"] \|$`)
)

// plainWords reads the words that the page explains.
func plainWords(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "plain-words.md"))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, m := range wordRow.FindAllStringSubmatch(string(page), -1) {
		for w := range strings.SplitSeq(m[1], ", ") {
			if words[w] {
				t.Errorf("docs/plain-words.md has %q twice", w)
			}
			words[w] = true
		}
	}
	if rows := strings.Count(string(page), "\n| ") - 2; len(wordRow.FindAllString(string(page), -1)) != rows {
		t.Errorf("docs/plain-words.md: %d of %d rows are a word and a sentence", len(wordRow.FindAllString(string(page), -1)), rows)
	}
	return words
}

// hard returns the words of a text that have to be explained.
func hard(text string) []string {
	text = quotedText.ReplaceAllString(text, "")
	found := map[string]bool{}
	for _, w := range jargon {
		if regexp.MustCompile(`(?i)\b` + w + `s?\b`).MatchString(text) {
			found[w] = true
		}
	}
	for _, w := range capitals.FindAllString(text, -1) {
		if !slices.Contains(stacksOwn, w) {
			found[w] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestWordsAreExplained: no text of the catalogue uses a hard word that the page of plain
// words does not explain.
func TestWordsAreExplained(t *testing.T) {
	plain := plainWords(t)
	used := map[string]bool{}
	check := func(where, text string) {
		for _, w := range hard(text) {
			if used[w] = true; !plain[w] {
				t.Errorf("%s: docs/plain-words.md does not explain %q: %s", where, w, text)
			}
		}
	}
	for _, e := range catalogue(t).All() {
		check(e.ID, e.Title)
		check(e.ID, e.Meaning)
		for _, tw := range e.Twins {
			check(e.ID, tw.Ask)
		}
		for _, f := range e.Fixes {
			check(e.ID+", "+f.Stack, f.Text)
		}
	}
	for _, f := range facts {
		check(f.Name, f.Means)
	}
	if !used["upstream"] || !used["TLS"] || !used["worker"] {
		t.Errorf("the texts use only %v: the reader is wrong", used)
	}
	for _, text := range []string{"Two backlogs.", "A FIN came.", "The XYZ is off."} {
		if len(hard(text)) != 1 {
			t.Errorf("%q has the hard words %q", text, hard(text))
		}
	}
	if w := hard("Run `sysctl XYZ backlog`."); len(w) != 0 {
		t.Errorf("what is to be typed has the hard words %q", w)
	}
}
