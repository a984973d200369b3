// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"causey/internal/cause"
)

// The table of a machine with a bridge for containers, as Linux of x86 and ARM writes it.
const (
	routes4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
eth0	0000000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	000010AC	00000000	0201	0	0	0	0000FFFF	0	0	0
`
	routes6 = `fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo
`
)

func TestRoutes(t *testing.T) {
	r := append(parseRoutes4(routes4), parseRoutes6(routes6)...)
	for a, want := range map[string]bool{"127.0.0.1": false, "::1": false, "10.0.0.3": true, "172.17.0.5": false, "172.16.0.5": true, "192.0.2.1": true, "2001:db8::1": true} {
		if got := r.Leaves(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s leaves: %v", a, got)
		}
	}
	if !r.HasDefault() || r[1:].HasDefault() {
		t.Error("the default route")
	}
	if len(r) != 4 {
		t.Errorf("%v", r)
	}
	if _, err := ReadRoutes(); err != nil {
		t.Skip(err)
	}
}

func TestTryUplink(t *testing.T) {
	away := func(last string) netip.AddrPort { return netip.MustParseAddrPort("10.0.0." + last) }
	r := newRig(t)
	table := parseRoutes4(routes4)
	r.o.Routes = func() (Routes, error) { return table, nil }
	r.servers(at(away("3:80")), at(away("4:80")))
	r.try("try_uplink", "unseen") // there is nobody to ask
	r.names.servers = []netip.AddrPort{away("53:53")}
	r.try("try_uplink", "unseen") // it may be that one name server
	r.names.servers = append(r.names.servers, away("54:53"))
	r.try("try_uplink", "no: nothing beyond this machine answers: neither the server nor 2 other references")
	r.try("try_resolver", "no: none of the name servers answers: 10.0.0.53:53, 10.0.0.54:53")
	r.names.answers = map[netip.AddrPort]bool{away("54:53"): true}
	r.try("try_uplink", "yes: the name server 10.0.0.54:53 answers")
	r.try("try_resolver", "yes: the name server 10.0.0.54:53 answers")
	r.names.answers, r.names.servers = nil, r.names.servers[:1]
	table = table[1:]
	r.try("try_uplink", "no: this machine has no default route, and nothing beyond it answers")
	r.o.LastGood = func(up, server string) time.Time {
		if up == "shop" && server == "10.0.0.4:80" {
			return time.Now().Add(-3 * time.Second)
		}
		return time.Time{}
	}
	r.try("try_uplink", "yes: 10.0.0.4:80 answered 3s ago")
	r.o.Routes = func() (Routes, error) { return nil, errors.New("not Linux") }
	r.try("try_uplink", "unseen")
	r.servers(at(r.listen(nil)))
	r.try("try_uplink", "unfit")
}

// A resolver on this machine says nothing of what lies beyond.
func TestLocalResolverIsNoReference(t *testing.T) {
	r := newRig(t)
	r.o.Routes = func() (Routes, error) { return parseRoutes4(routes4), nil }
	r.servers(at(netip.MustParseAddrPort("10.0.0.3:80")))
	local := netip.MustParseAddrPort("127.0.0.53:53")
	r.names.servers, r.names.answers = []netip.AddrPort{local}, map[netip.AddrPort]bool{local: true}
	r.try("try_uplink", "unseen")
	r.try("try_resolver", "yes: the name server 127.0.0.53:53 answers")
}

func TestOwnNetwork(t *testing.T) {
	yes, no := cause.Value{True: true}, cause.Value{}
	for _, c := range []struct {
		f    cause.Facts
		want string
	}{
		{cause.Facts{}, "unknown"},
		{cause.Facts{"try_resolver": no}, "unknown"},
		{cause.Facts{"try_uplink": no}, "unknown"},
		{cause.Facts{"try_uplink": no, "try_resolver": yes}, "unknown"},
		{cause.Facts{"try_uplink": no, "try_resolver": no}, "yes"},
		{cause.Facts{"try_uplink": yes, "try_resolver": no}, "no"},
	} {
		derive(c.f)
		got := "unknown"
		if v, known := c.f["own_network"]; known {
			if got = "no"; v.True {
				got = "yes"
			}
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.f, got, c.want)
		}
	}
}
