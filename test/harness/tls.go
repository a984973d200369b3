// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"causey/lab/pki"
)

// Wire is what carries HTTP on one side of the gateway.
type Wire string

// The wires.
const (
	Plain Wire = ""
	TLS   Wire = "tls"
)

// Clients and Servers are the wires on either side: of listeners that are given by
// their address alone where sites and upstreams are the harness's, and of origins that
// Origin starts. They are for a TestMain, which may run the same tests with each: what a
// client sees must not depend on them.
var Clients, Servers Wire

// Wires are those on both sides.
type Wires struct{ Clients, Servers Wire }

// RunOver runs the tests of a package with each of the wires in turn, for its TestMain,
// and returns the worst code to exit with.
func RunOver(m *testing.M, wires ...Wires) int {
	worst := 0
	for _, w := range wires {
		Clients, Servers = w.Clients, w.Servers
		fmt.Printf("wires: %s to %s\n", w.Clients, w.Servers)
		worst = max(worst, m.Run())
	}
	return worst
}

// String is "plain" or "TLS".
func (w Wire) String() string {
	if w == TLS {
		return "TLS"
	}
	return "plain"
}

// Scheme is what clients come by.
func Scheme() string {
	if Clients == TLS {
		return "https"
	}
	return "http"
}

// serverName is the name by which clients ask.
const serverName = "a.example"

// credentials are shared by all gateways and origins of a process.
var credentials = sync.OnceValue(func() (c struct {
	ca   *pki.Authority
	leaf *pki.Certificate
}) {
	c.ca = pki.Root("Harness")
	c.leaf = c.ca.Issue(pki.Leaf{Names: []string{serverName, "127.0.0.1"}})
	return c
})

// ClientTLS is how clients speak TLS to a gateway, nil where they do not. Sessions are
// resumed.
func ClientTLS() *tls.Config {
	if Clients != TLS {
		return nil
	}
	c := pki.Client(serverName, credentials().ca)
	c.ClientSessionCache = sessions
	return c
}

var sessions = tls.NewLRUClientSessionCache(8)

// secure are the addresses of servers with TLS.
var secure sync.Map

// Gateways says that a gateway of the harness will listen on an address that is another
// one's server. Of those that listen it is known.
func Gateways(t testing.TB, addr string) {
	if Clients == TLS {
		keepSecure(t, addr)
	}
}

// keepSecure remembers a server with TLS until the test ends: the system gives its port
// to somebody else afterwards.
func keepSecure(t testing.TB, addr string) {
	secure.Store(addr, true)
	t.Cleanup(func() { secure.Delete(addr) })
}

func overTLS(addr string) bool {
	_, ok := secure.Load(addr)
	return ok
}

// writePKI puts the files into dir that configurations name.
func writePKI(dir string) {
	if Clients == Plain && Servers == Plain {
		return
	}
	credentials().leaf.Files(dir, "own")
	pki.Write(dir, "ca.pem", credentials().ca.PEM())
}

// shake makes c a connection as clients have it.
func shake(c net.Conn) (net.Conn, error) {
	cfg := ClientTLS()
	if cfg == nil {
		return c, nil
	}
	t := tls.Client(c, cfg)
	return t, t.Handshake()
}

// closeWrite ends our side: with TLS by close_notify, and by a FIN.
func closeWrite(c net.Conn) error {
	t, ok := c.(*tls.Conn)
	if !ok {
		return c.(interface{ CloseWrite() error }).CloseWrite()
	}
	return errors.Join(t.CloseWrite(), closeWrite(t.NetConn()))
}
