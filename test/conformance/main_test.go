// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"os"
	"testing"

	"causey/test/harness"
)

// TestMain runs every test with each wire: I2.
func TestMain(m *testing.M) {
	os.Exit(harness.RunOver(m, harness.Wires{}, harness.Wires{Clients: harness.TLS}, harness.Wires{Servers: harness.TLS}))
}
