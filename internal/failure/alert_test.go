// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"strings"
	"testing"
)

// The names go into a field of HTTP as they are (RFC 9209 section 2.1.19).
func TestAlertNames(t *testing.T) {
	for number, name := range alertNames {
		if number < 0 || number > 255 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("alert %d is called %q", number, name)
		}
	}
	for number, want := range map[int]string{-1: "", 0: "close_notify", 40: "handshake_failure", 116: "certificate_required", 200: ""} {
		if got := AlertName(number); got != want {
			t.Errorf("alert %d is called %q, want %q", number, got, want)
		}
	}
}

func TestTLSVersionName(t *testing.T) {
	for version, want := range map[uint16]string{0: "", 0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3", 0x0305: "0x0305", 0x0002: "0x0002"} {
		if got := TLSVersionName(version); got != want {
			t.Errorf("%04x is called %q, want %q", version, got, want)
		}
	}
}
