// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"os"
	"testing"

	"causey/test/harness"
)

// TestMain runs every test with each wire: I2.
func TestMain(m *testing.M) {
	worst := 0
	for _, w := range []struct {
		name             string
		clients, servers harness.Wire
	}{
		{"plain to plain", harness.Plain, harness.Plain},
		{"TLS to plain", harness.TLS, harness.Plain},
		{"plain to TLS", harness.Plain, harness.TLS},
	} {
		harness.Clients, harness.Servers = w.clients, w.servers
		fmt.Println("wires:", w.name)
		worst = max(worst, m.Run())
	}
	os.Exit(worst)
}
