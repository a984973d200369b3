// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package pattern

import (
	"bytes"
	"io"
	"testing"
)

// I1
func TestPiecesEqualTheWhole(t *testing.T) {
	const n = 3*BlockBytes + 17
	whole := make([]byte, n)
	Fill(whole, 0)
	for _, step := range []int{1, 7, 15, 16, 17, 4096, BlockBytes - 1, BlockBytes + 1} {
		pieces := make([]byte, n)
		for at := 0; at < n; at += step {
			Fill(pieces[at:min(at+step, n)], int64(at))
		}
		if !bytes.Equal(whole, pieces) {
			t.Errorf("step %d: pieces differ from the whole", step)
		}
	}
	if got := string(whole[2*BlockBytes : 2*BlockBytes+16]); got != "000000000000002\n" {
		t.Errorf("mark of block 2 is %q", got)
	}
	if whole[300] != 0x33 { // 300 xor 31, low byte
		t.Errorf("byte 300 is %#x", whole[300])
	}
}

// I2
func TestCheckerFindsAnyChange(t *testing.T) {
	const n = 2*BlockBytes + 100
	good, err := io.ReadAll(NewReader(n))
	if err != nil || len(good) != n {
		t.Fatalf("read %d bytes, %v", len(good), err)
	}
	var fine Checker
	if _, err := fine.Write(good); err != nil || fine.Bytes() != n {
		t.Fatalf("a good copy was refused: %v after %d", err, fine.Bytes())
	}
	swapped := append(append(append([]byte{}, good[BlockBytes:2*BlockBytes]...), good[:BlockBytes]...), good[2*BlockBytes:]...)
	flipped := bytes.Clone(good)
	flipped[n-1] ^= 1
	for name, bad := range map[string][]byte{"blocks swapped": swapped, "last bit flipped": flipped, "one byte lost": good[1:]} {
		var c Checker
		if _, err := c.Write(bad); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestSumIsThatOfTheBytes(t *testing.T) {
	// The SHA-256 of no bytes at all is a published constant; the others must differ from one another.
	if got := Sum(0); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("Sum(0) = %s", got)
	}
	if Sum(BlockBytes) == Sum(BlockBytes+1) {
		t.Error("two lengths, one sum")
	}
}
