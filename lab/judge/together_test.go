// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"errors"
	"testing"
)

const one = `sites:
  - host: shop.example
    routes: [{path: /, upstream: shop}]
upstreams:
  shop:
    servers: ["127.0.0.1:80"]
`

func TestTogether(t *testing.T) {
	got, err := together(one+"timeouts: {await_head: 4s}\n", renamed(one))
	if err != nil {
		t.Fatal(err)
	}
	want := `sites:
  - host: shop.example
    routes: [{path: /, upstream: shop}]
  - host: shop2.example
    routes: [{path: /, upstream: shop2}]
upstreams:
  shop:
    servers: ["127.0.0.1:80"]
  shop2:
    servers: ["127.0.0.1:80"]
timeouts: {await_head: 4s}
`
	if got != want {
		t.Errorf("together they are\n%s", got)
	}
	for _, apart := range [][2]string{
		{one + "timeouts: {await_head: 4s}\n", one + "timeouts: {await_head: 3s}\n"},
		{one, "sites: []\n"},
	} {
		if _, err := together(apart[0], apart[1]); !errors.Is(err, ErrApart) {
			t.Errorf("%q and %q are %v", apart[0], apart[1], err)
		}
	}
}
