// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"path/filepath"
	"strings"
	"testing"

	"causey/internal/testkit"
)

func TestMarkdownIsCurrent(t *testing.T) {
	testkit.Golden(t, filepath.Join("..", "..", "..", "docs", "makers.md"), Markdown())
}

func TestMarkdownHoldsEveryProduct(t *testing.T) {
	doc := string(Markdown())
	for _, p := range Products() {
		for _, part := range []string{"<a id=\"" + p.ID + "\"></a>", "### " + p.Name + "\n", p.Says} {
			if strings.Count(doc, part) != 1 {
				t.Errorf("%s: %q occurs %d times", p.ID, part, strings.Count(doc, part))
			}
		}
	}
}

// Each table row has as many cells as its head, whatever the texts hold.
func TestMarkdownTables(t *testing.T) {
	if rows := testkit.Tables(t, string(Markdown())); rows < 4*len(Products()) {
		t.Errorf("only %d rows", rows)
	}
}
