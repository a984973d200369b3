// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package smuggling_test

import (
	"os"
	"testing"

	"causey/test/harness"
)

// TestMain runs every case plain, and with TLS to the client, where pieces are records.
func TestMain(m *testing.M) {
	os.Exit(harness.RunOver(m, harness.Wires{}, harness.Wires{Clients: harness.TLS}))
}
