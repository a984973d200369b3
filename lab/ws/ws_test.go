// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package ws

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func TestAcceptKeyOfTheRFC(t *testing.T) {
	// The worked example of RFC 6455 section 1.3.
	if got := AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("AcceptKey = %s", got)
	}
}

func TestFramesOfTheRFC(t *testing.T) {
	// RFC 6455 section 5.7: a single unmasked and a single masked text frame holding "Hello".
	for _, raw := range []string{"810548656c6c6f", "818537fa213d7f9f4d5158"} {
		b, _ := hex.DecodeString(raw)
		f, err := ReadFrame(bytes.NewReader(b), 100)
		if err != nil || !f.Last || f.Opcode != Text || string(f.Payload) != "Hello" {
			t.Errorf("%s: %+v, %v", raw, f, err)
		}
	}
	masked := AppendFrame(nil, Frame{Last: true, Opcode: Text, Payload: []byte("Hello")}, &[4]byte{0x37, 0xfa, 0x21, 0x3d})
	if got := hex.EncodeToString(masked); got != "818537fa213d7f9f4d5158" {
		t.Errorf("masked frame = %s", got)
	}
}

// I2
func TestFramesOfEverySizeClassComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		for _, mask := range []*[4]byte{nil, {1, 2, 3, 4}} {
			f := Frame{Last: n%2 == 0, Opcode: Binary, Payload: bytes.Repeat([]byte{'x'}, n)}
			got, err := ReadFrame(bytes.NewReader(AppendFrame(nil, f, mask)), n)
			if err != nil || got.Last != f.Last || got.Opcode != f.Opcode || !bytes.Equal(got.Payload, f.Payload) {
				t.Errorf("%d bytes, mask %v: %v", n, mask, err)
			}
		}
	}
}

// I1
func TestFrameAboveTheLimitIsRefused(t *testing.T) {
	huge := []byte{0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	if _, err := ReadFrame(bytes.NewReader(huge), 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
}
