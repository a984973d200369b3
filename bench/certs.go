// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"causey/bench/peers"
)

// manyCerts is how many certificates there are in the row about them.
const manyCerts = 1000

// oneCert is causey with one certificate, in that row.
const oneCert = "one cert"

// withCerts returns causey with many certificates, and causey with one: processes of
// the same age and of nothing else.
func (b *bench) withCerts() ([]*contender, error) {
	if b.certs != nil {
		return b.certs, nil
	}
	for _, k := range []struct {
		name string
		more int
	}{{"causey", manyCerts - 1}, {oneCert, 0}} {
		at := filepath.Join(b.dir, fmt.Sprintf("causey-certs-%d", k.more+1))
		if err := os.MkdirAll(at, 0o755); err != nil {
			return nil, err
		}
		c, err := makeMany(at, k.more)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		one, err := startGateway("causey", b.o, at, values{Listen: peers.FreeAddr(), Origin: b.origin, Dir: at, TLS: c})
		if err != nil {
			return nil, err
		}
		one.name, one.tls = k.name, c.client
		b.certs = append(b.certs, one)
		if _, err := fetch(one.addr, one.tls, "/"); err != nil {
			return nil, err
		}
		one.started = time.Since(began)
	}
	return b.certs, nil
}
