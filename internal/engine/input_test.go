// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// inputModel is what an input holds, said plainly.
type inputModel struct {
	head, unread []byte
}

// TestInputAgainstItsModel drives an input as the connections do, in any order,
// and compares it with its model. I2: an input that holds nothing has no buffer
// once it was asked to let go.
func TestInputAgainstItsModel(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var in input
		var m inputModel
		next := byte(0)
		for step := range 400 {
			var headAt *byte
			if len(m.head) > 0 {
				headAt = &in.b[0]
			}
			op := rng.IntN(10)
			switch {
			case op < 4: // read
				if len(m.unread) > 80<<10 || len(m.head) > 0 && len(m.unread) > 0 {
					// The parser's limits stop it before; and with a head in use a
					// connection reads on only when it has used up what it has.
					continue
				}
				in.brief = rng.IntN(2) == 0
				brief := in.brief && in.b == nil
				room := in.room()
				if len(room) == 0 {
					t.Fatalf("seed %d, step %d: no room", seed, step)
				}
				if len(m.head) == 0 && len(room) < readMin && !(brief && len(room) == smallBuf) {
					t.Fatalf("seed %d, step %d: %d bytes of room", seed, step, len(room))
				}
				n := 1 + rng.IntN(len(room))
				if rng.IntN(2) == 0 {
					n = min(n, 100)
				}
				for i := range room[:n] {
					room[i] = next
					next++
				}
				in.w += n
				m.unread = append(m.unread, room[:n]...)
				if headAt != nil && &in.b[0] != headAt {
					t.Fatalf("seed %d, step %d: a read moved the head in use", seed, step)
				}
			case op == 4: // nothing came
				if rng.IntN(2) == 0 || len(m.head) > 0 {
					in.releaseIfEmpty()
				} else {
					in.shrink()
				}
				if len(m.head)+len(m.unread) == 0 && in.r == 0 && in.b != nil {
					t.Fatalf("seed %d, step %d: an empty input keeps its buffer", seed, step)
				}
			case op == 5 && len(m.head) == 0 && len(m.unread) > 0: // a head is complete
				in.unpin() // heads begin at the front
				n := 1 + rng.IntN(len(m.unread))
				in.pinHead(n)
				m.head, m.unread = m.unread[:n:n], m.unread[n:]
				if rng.IntN(2) == 0 {
					if got := in.settle(); !bytes.Equal(got, m.head) {
						t.Fatalf("seed %d, step %d: settle returns another head", seed, step)
					}
				}
				if len(in.b)-in.pin < readMin { // as headRead does where a body follows
					in.moveTo(make([]byte, in.pin+largeBuf))
				}
			case op < 8 && len(m.unread) > 0: // body bytes are used
				n := 1 + rng.IntN(len(m.unread))
				in.r += n
				m.unread = m.unread[n:]
			case op == 8: // the exchange is over
				in.unpin()
				m.head = nil
				if len(m.unread) == 0 && in.b != nil {
					t.Fatalf("seed %d, step %d: nothing is left and the buffer stays", seed, step)
				}
			case op == 9 && len(m.head) == 0 && len(m.unread) > 1: // an empty line in front
				in.unpin()
				in.skip(2)
				m.unread = m.unread[2:]
			}
			if in.pin < 0 || in.pin > in.r || in.r > in.w || in.w > len(in.b) {
				t.Fatalf("seed %d, step %d: pin %d, r %d, w %d, len %d", seed, step, in.pin, in.r, in.w, len(in.b))
			}
			if !bytes.Equal(in.bytes(), m.unread) || !bytes.Equal(in.b[:len(m.head)], m.head) || in.pin < len(m.head) {
				t.Fatalf("seed %d, step %d, op %d: the input holds something else", seed, step, op)
			}
		}
		in.release()
		if in.b != nil || in.w != 0 {
			t.Fatal("release keeps something")
		}
	}
}

// What is given back comes out again empty, of the size that was asked for, and
// slices of other sizes never get into the pools.
func TestBuffersComeBackInTheirSize(t *testing.T) {
	for range 100 {
		putBuf(make([]byte, 10, 5000))
		putBuf(make([]byte, largeBuf+1))
		putBuf(getLarge()[:largeBuf])
		putBuf(append(getLarge(), make([]byte, largeBuf+1)...))
		putBuf(getSmall())
		if b := getLarge(); len(b) != 0 || cap(b) != largeBuf {
			t.Fatalf("large: %d of %d", len(b), cap(b))
		}
		if b := getSmall(); len(b) != 0 || cap(b) != smallBuf {
			t.Fatalf("small: %d of %d", len(b), cap(b))
		}
	}
}
