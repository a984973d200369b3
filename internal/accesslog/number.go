// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"encoding/binary"
	"strconv"
	"time"
)

// thousandths are ".000" to ".999" as the four bytes that stand in memory, so that
// three digits cost one load and one store. A line holds some twenty numbers.
var thousandths = func() (t [1000]uint32) {
	for i := range t {
		d := [...]byte{'.', byte('0' + i/100), byte('0' + i/10%10), byte('0' + i%10)}
		t[i] = binary.LittleEndian.Uint32(d[:])
	}
	return t
}()

// appendInt appends n in decimal.
func appendInt(dst []byte, n int64) []byte {
	switch u := uint64(n); {
	case u < 1000:
		return appendBelow1000(dst, u)
	case u < 1_000_000:
		dst = appendBelow1000(dst, u/1000)
		end := len(dst) + 3
		return binary.LittleEndian.AppendUint32(dst, thousandths[u%1000]>>8)[:end]
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendBelow1000 appends n without leading zeros. It writes four bytes and keeps
// as many as n has digits.
func appendBelow1000(dst []byte, n uint64) []byte {
	digits := 1
	if n >= 10 {
		digits = 2
	}
	if n >= 100 {
		digits = 3
	}
	end := len(dst) + digits
	return binary.LittleEndian.AppendUint32(dst, thousandths[n]>>(8*(4-digits)))[:end]
}

// appendMS appends d in milliseconds with microsecond precision, such as 12.345;
// nothing is negative here.
func appendMS(dst []byte, d time.Duration) []byte {
	us := uint64(max(d.Microseconds(), 0))
	dst = appendInt(dst, int64(us/1000))
	return binary.LittleEndian.AppendUint32(dst, thousandths[us%1000])
}
