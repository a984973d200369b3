// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

//go:build invariants

package engine

// poison overwrites a buffer that is given back, so that whoever still reads it
// is found out.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}
