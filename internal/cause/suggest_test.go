// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	c := catalogue(t)
	for asked, want := range map[string]string{
		"tcp.refused.down": "tcp.refused.down", "TCP.REFUSED.DWON": "tcp.refused.down", "refused.down": "tcp.refused.down",
		"wrong_port": "tcp.refused.wrong_port", "wrong port": "tcp.refused.wrong_port", "still starting": "tcp.refused.starting",
	} {
		if near := c.Suggest(asked); len(near) == 0 || near[0].ID != want {
			t.Errorf("%s: %v", asked, near)
		}
	}
	for _, asked := range []string{"", "...", "x", "nothing like it", strings.Repeat("tcp.", 40)} {
		if near := c.Suggest(asked); len(near) != 0 {
			t.Errorf("%q: %s", asked, near[0].ID)
		}
	}
	if near := c.Suggest("server"); len(near) != suggestMax {
		t.Errorf("%d suggestions", len(near))
	}
	if below := c.Below("TCP.refused."); len(below) < 3 || !strings.HasPrefix(below[0].ID, "tcp.refused.") {
		t.Errorf("%v", below)
	}
	if below := c.Below("tcp.refused.down"); below != nil {
		t.Errorf("below a whole id: %v", below)
	}
}
