// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"os"
	"testing"

	"causey/test/harness"
)

// TestMain runs every test plain, and with TLS to the client.
func TestMain(m *testing.M) {
	code := harness.RunOver(m, harness.Wires{}, harness.Wires{Clients: harness.TLS})
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}
