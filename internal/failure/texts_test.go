// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"causey/internal/text"
)

// commandColumns bounds a command, so that it stands on one line of a terminal
// behind the indent of a list item.
const commandColumns = text.Columns - 6

var quoted = regexp.MustCompile("`[^`]*`")

// texts yields all texts of e with a name for messages.
func texts(e *Entry) map[string]string {
	m := map[string]string{"title": e.Title, "meaning": e.Meaning}
	for i, s := range e.Reasons {
		m[fmt.Sprintf("reason %d", i+1)] = s
	}
	for i, s := range e.LookAt {
		m[fmt.Sprintf("look at %d", i+1)] = s
	}
	return m
}

func TestEntriesAreComplete(t *testing.T) {
	for _, e := range All() {
		if n := utf8.RuneCountInString(e.Title); n == 0 || n > 50 {
			t.Errorf("%s: title of %d letters", e.Name, n)
		}
		if n := len(sentences(e.Meaning)); n < 1 || n > 3 {
			t.Errorf("%s: meaning of %d sentences", e.Name, n)
		}
		if n := len(e.Reasons); n < 2 || n > 5 {
			t.Errorf("%s: %d reasons", e.Name, n)
		}
		if n := len(e.LookAt); n < 2 || n > 5 {
			t.Errorf("%s: %d things to look at", e.Name, n)
		}
	}
}

func TestTextsAreWellFormed(t *testing.T) {
	for _, e := range All() {
		for where, text := range texts(e) {
			for _, problem := range problems(text, where == "title") {
				t.Errorf("%s, %s: %s: %q", e.Name, where, problem, text)
			}
		}
	}
}

// problems says what would look wrong in a terminal or in Markdown.
func problems(text string, title bool) (found []string) {
	say := func(wrong bool, what string) {
		if wrong {
			found = append(found, what)
		}
	}
	plain := quoted.ReplaceAllString(text, "")
	first, _ := utf8.DecodeRuneInString(text)
	say(unicode.IsLower(first), "begins small")
	say(strings.HasSuffix(text, ".") == title, "full stop: a title has none, a sentence has one")
	say(strings.Contains(plain, "`"), "a backquote without its other half")
	say(strings.ContainsAny(plain, "<>|*[]\\_~"), "a sign that Markdown would read outside backquotes")
	say(strings.TrimSpace(text) != text || strings.Contains(text, "  "), "stray spaces")
	for _, r := range text {
		say(r < ' ' || r > '~', "a letter outside ASCII")
	}
	for _, command := range quoted.FindAllString(text, -1) {
		say(len(command) > commandColumns, "a command that does not fit in a line")
	}
	return found
}

func TestProblemsAreFound(t *testing.T) {
	for _, text := range []string{
		"small.", "No stop", "Odd ` quote.", "A <b> tag.", "Two  spaces.", " Before.", "Na\u00efve.", "A\nline.",
		"Run `" + strings.Repeat("x", commandColumns) + "`.",
	} {
		if len(problems(text, false)) == 0 {
			t.Errorf("nothing is wrong with %q", text)
		}
	}
	if p := problems("Read `a | b <c>`.", false); p != nil {
		t.Errorf("a good text has %q", p)
	}
}

// Different codes say different things: a sentence that fits two codes explains
// neither.
func TestNoSentenceTwice(t *testing.T) {
	seen := map[string]string{}
	for _, e := range All() {
		for where, text := range texts(e) {
			for _, s := range sentences(text) {
				here := e.Name + ", " + where
				if there, ok := seen[s]; ok {
					t.Errorf("%q stands in %s and in %s", s, there, here)
				}
				seen[s] = here
			}
		}
	}
}

// sentences splits a text into sentences, made comparable.
func sentences(text string) []string {
	var all []string
	for _, s := range strings.Split(text+" ", ". ") {
		if s = strings.ToLower(strings.Trim(s, " .")); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// codeMention is what looks like a code in a text.
var codeMention = regexp.MustCompile(`\b(client|upstream|gateway)\.[a-z-]+\.[a-z-]+`)

func TestMentionedCodesExist(t *testing.T) {
	mentions := 0
	for _, e := range All() {
		for where, text := range texts(e) {
			for _, name := range codeMention.FindAllString(text, -1) {
				mentions++
				if _, ok := ParseCode(name); !ok || name == e.Name {
					t.Errorf("%s, %s: %s is no other code", e.Name, where, name)
				}
			}
		}
	}
	if mentions == 0 {
		t.Error("no text refers to another code: the pattern is wrong")
	}
}
