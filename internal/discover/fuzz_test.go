// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzContainers: whatever a daemon lists, reading it does not panic, keeps no more
// than MaxServers, and a container that is a server has an address that can be dialled,
// a name that is one, and a weight within bounds.
func FuzzContainers(f *testing.F) {
	f.Add([]byte(`[{"Id":"8dfafdbc3a40","Names":["/boring_feynman"],"Labels":{"causey.upstream":"app","causey.port":"3000"},"Ports":[{"PrivatePort":2222,"PublicPort":3333,"Type":"tcp"}],"HostConfig":{"NetworkMode":"default"},"NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2","GlobalIPv6Address":""}}}}]`))
	f.Add([]byte(`[{"Id":"a","Names":["/x/y","//"],"Ports":[{"PrivatePort":70000,"Type":"tcp"},{"PrivatePort":80,"Type":"udp"}],"NetworkSettings":{"Networks":{"a":{"IPAddress":"0.0.0.0"},"b":null}}}]`))
	f.Add([]byte(`[{"HostConfig":{"NetworkMode":"host"},"Labels":{"causey.port":"80","causey.weight":"1000","causey.scheme":"https"}}]`))
	f.Add([]byte(`[null,{}]`))
	f.Add([]byte(`[{"Labels":{"causey.port":"1"},"NetworkSettings":{"Networks":{"n":{"IPAddress":"fe80::1%eth0","GlobalIPv6Address":"ff02::1"}}}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readContainers(bytes.NewReader(data))
		if len(list) > MaxServers || err != nil && list != nil {
			t.Fatalf("%d containers with %v", len(list), err)
		}
		for i := range list {
			s, err := list[i].spec("")
			if err != nil {
				continue
			}
			if a := s.Addr; !a.IsValid() || a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "" {
				t.Errorf("server at %v", a)
			}
			if s.Weight < 1 || s.Weight > 1000 || s.Host != "" || s.Path != "" || len(s.Name) > 300 {
				t.Errorf("server %+v", s)
			}
		}
	})
}

// FuzzDockerEvent: an event is read or refused, and one that says that a container goes
// says so whatever else it says.
func FuzzDockerEvent(f *testing.F) {
	f.Add([]byte(`{"Type":"container","Action":"kill","Actor":{"ID":"ede5","Attributes":{"image":"alpine","signal":"15"}},"time":1461943101}`))
	f.Add([]byte(`{"Action":"health_status: unhealthy","Actor":{"ID":"ede5"}}`))
	f.Add([]byte(`{"Action":"health_status","Actor":{"ID":"ede5","Attributes":{"health_status":"healthy"}}}`))
	f.Add([]byte(`{"Action":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e dockerEvent
		if json.Unmarshal(data, &e) != nil {
			return
		}
		if m := e.meaning(); e.Action == "die" && m != leaves || m > ails {
			t.Errorf("%q means %d", e.Action, m)
		}
	})
}
