// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"strings"
	"testing"
)

// I1.
func TestWrap(t *testing.T) {
	var p Page
	p.Wrap("1. ", "   ", strings.Repeat("x", Columns-3)+" `a b` "+strings.Repeat("y", Columns-3-6)+" `c d`")
	want := "1. " + strings.Repeat("x", Columns-3) + "\n" +
		"   `a b` " + strings.Repeat("y", Columns-9) + "\n" +
		"   `c d`\n"
	if p.String() != want {
		t.Errorf("got\n%s\nwant\n%s", p.String(), want)
	}
	p.Reset()
	p.Wrap("", "", strings.Repeat("z", 2*Columns)+" end")
	if want := strings.Repeat("z", 2*Columns) + "\nend\n"; p.String() != want {
		t.Errorf("an endless word: %q", p.String())
	}
}
