// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package smuggling_test

import (
	"fmt"
	"os"
	"testing"

	"causey/test/harness"
)

// TestMain runs every case plain, and with TLS to the client, where pieces are records.
func TestMain(m *testing.M) {
	worst := 0
	for _, w := range []harness.Wire{harness.Plain, harness.TLS} {
		harness.Clients = w
		fmt.Printf("clients come by %s\n", harness.Scheme())
		worst = max(worst, m.Run())
	}
	os.Exit(worst)
}
