// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// An incident is written without null and with times in UTC, and read back the same.
func TestJSON(t *testing.T) {
	zone := time.FixedZone("there", 3600)
	i := Incident{ID: "x", State: Open, Opened: time.Date(2026, 3, 9, 15, 0, 0, 1_500_000, zone), Updated: time.Unix(1, 0), LastSeen: time.Unix(2, 0)}
	body, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(body); strings.Contains(s, "null") || strings.Contains(s, `"closed"`) || strings.Count(s, `"opened"`) != 1 ||
		!strings.Contains(s, `"opened":"2026-03-09T14:00:00.001Z"`) {
		t.Error(s)
	}
	i.Ended = time.Unix(3, 0)
	if body, err = json.Marshal(&i); err != nil || !strings.Contains(string(body), `"closed":"1970-01-01T00:00:03.000Z"`) {
		t.Errorf("%s %v", body, err)
	}
	var back Incident
	if err := json.Unmarshal(body, &back); err != nil || back.ID != "x" || !back.Ended.Equal(i.Ended) || !back.Opened.Equal(i.Opened.Truncate(time.Millisecond)) {
		t.Errorf("%+v %v", back, err)
	}
}
