// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"causey/internal/testkit"
)

func TestMarkdownIsCurrent(t *testing.T) {
	testkit.Golden(t, filepath.Join("..", "..", "docs", "failures.md"), Markdown())
}

func TestMarkdownHoldsEveryCode(t *testing.T) {
	doc := string(Markdown())
	for _, e := range All() {
		for _, part := range []string{"](#" + e.Name + ")", "<a id=\"" + e.Name + "\"></a>", "#### `" + e.Name + "`", e.Meaning} {
			if strings.Count(doc, part) != 1 {
				t.Errorf("%s: %q occurs %d times", e.Name, part, strings.Count(doc, part))
			}
		}
	}
}

// Each table row has as many cells as its head, whatever the texts hold.
func TestMarkdownTables(t *testing.T) {
	if rows := testkit.Tables(t, string(Markdown())); rows < 2*len(All()) {
		t.Errorf("only %d rows", rows)
	}
}

func TestMarkdownHeadings(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^##+ .*$`).FindAllString(string(Markdown()), -1) {
		if seen[h] {
			t.Errorf("%q is there twice", h)
		}
		seen[h] = true
	}
}
