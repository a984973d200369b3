// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"causey/lab/pki"
	"causey/lab/real"
)

func init() { lists = append(lists, netGateway()) }

// netGateway are the faults of the gateway's own machine: what it may use, what it may do and what time it is.
func netGateway() []*Fault {
	return []*Fault{
		{Cause: "gw.overload", Means: Kernel, Scope: "gateway", Set: fewCycles,
			Break: with(func(g *group) error { return g.share(5) }),
			Mend:  with(func(g *group) error { return g.share(1000) })},
		{Cause: "gw.fd_exhausted", Means: Kernel, Scope: "gateway", Set: fewDescriptors, Break: idleCrowd},
		{Cause: "gw.disk_full", Means: Kernel, Scope: "gateway", Set: smallDisk, Break: fillDisk,
			Mend: func(s *Stage) error { return os.Remove(filepath.Join(s.Dir, "disk", "dump")) }},
		{Cause: "sec.egress_denied", Means: Kernel, Scope: "upstream", Set: policed,
			Break: with(func(p *policy) error { return p.group.denyConnect(netip.MustParseAddrPort(p.shop).Addr()) })},
		{Cause: "tls.clock_skew", Name: "gateway", Means: Emulated, Scope: "gateway", Set: oneTime, Break: with((*clock).leap)},
	}
}

// pair are two sites on loopback, each on an address of its own.
func pair(s *Stage) (addrs [2]string, err error) {
	for i := range addrs {
		if addrs[i], err = real.FreeAddr("0"); err != nil {
			return addrs, err
		}
		if err := s.serve(nil, addrs[i], goods{closes: 10}); err != nil {
			return addrs, err
		}
	}
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	s.Config = manySites(map[string][]string{"shop": addrs[:1], "blog": addrs[1:]}, "shop", "blog")
	return addrs, nil
}

// fewCycles is a gateway in a container whose limit on processors somebody has set too low,
// far below what visitors need.
func fewCycles(s *Stage) error {
	g, err := s.cpuGroup()
	if err != nil {
		return err
	}
	if err := g.share(1000); err != nil {
		return err
	}
	_, err = pair(s)
	s.Visitors.PerSecond = 40
	return err
}

// descriptors is how many a gateway may have open: what it opens at its start, and some visitors.
const descriptors = 64

func fewDescriptors(s *Stage) error {
	if _, err := exec.LookPath("prlimit"); err != nil {
		return ErrNeeds{"prlimit, of the package util-linux"}
	}
	s.Before = []string{"prlimit", fmt.Sprintf("--nofile=%d:%d", descriptors, descriptors)}
	_, err := pair(s)
	return err
}

// idleCrowd are visitors who come, ask for one page, and keep their connections.
func idleCrowd(s *Stage) error {
	d := net.Dialer{Timeout: time.Second}
	for range descriptors {
		c, err := d.DialContext(s.ctx, "tcp", s.Gateway)
		if err != nil {
			return nil // there is no room for more, which is the point
		}
		s.AtEnd(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /static/1.css HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
			return nil
		}
	}
	return nil
}

// diskBytes is the size of the disk that the gateway's cache is on.
const diskBytes = 8 << 20

// smallDisk is a gateway whose cache is on a disk that others write to as well. The disk is mounted nowhere: it is
// there as long as its descriptor.
func smallDisk(s *Stage) error {
	if os.Geteuid() != 0 {
		return ErrNeeds{"root, to make a file system in memory"}
	}
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return ErrNeeds{"a kernel with fsopen(2): " + err.Error()}
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "size", fmt.Sprint(diskBytes)); err != nil {
		return os.NewSyscallError("fsconfig", err)
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return os.NewSyscallError("fsconfig", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fsmount", err)
	}
	s.AtEnd(func() { unix.Close(mount) })
	disk := filepath.Join(s.Dir, "disk")
	if err := os.Symlink(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), mount), disk); err != nil {
		return err
	}
	addr, err := real.FreeAddr("0")
	if err != nil {
		return err
	}
	s.Config = fmt.Sprintf(`cache: {memory: 4MiB, max_object: 1MiB, disk: {path: %q, size: 1GiB}}
sites:
  - host: shop.test
    routes: [{upstream: shop, cache: on}]
upstreams:
  shop: {servers: [%q]}
`, filepath.Join(disk, "cache"), addr)
	s.also(Ask{Method: "GET", Path: "/static/photo-*.jpg", Many: 500, Weight: 20})
	return s.serve(nil, addr, goods{})
}

// fillDisk writes until there is no room, as a dump of a database does.
func fillDisk(s *Stage) error {
	f, err := os.Create(filepath.Join(s.Dir, "disk", "dump"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for range 2 * diskBytes / len(block) {
		if _, err := f.Write(block); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return errors.New("the disk is larger than it should be")
}

// policed is a gateway in a group whose policy will forbid the address of shop.test.
func policed(s *Stage) error {
	g, err := s.bpfGroup()
	if err != nil {
		return err
	}
	addrs, err := pair(s)
	s.kept = &policy{g, addrs[0]}
	return err
}

type policy struct {
	group *group
	shop  string
}

// clock is the time that all servers of a stage have.
type clock struct {
	ahead   atomic.Int64 // of ours, a time.Duration
	servers []*listening
}

// oneTime is two sites with TLS, certified by different authorities. The gateway's clock cannot be set back without that
// of the machine, and a program in Go does not ask the library that faketime replaces. So everybody else's clock goes
// ahead: from the gateway it is the same.
func oneTime(s *Stage) error {
	c := &clock{}
	s.kept = c
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	sites, upstreams := "sites:\n", "upstreams:\n"
	for _, name := range []string{"shop", "blog"} {
		authority := pki.Root(name + "'s authority")
		addr, err := real.FreeAddr("0")
		if err != nil {
			return err
		}
		if err := c.open(s, addr, authority, pki.Leaf{Names: []string{name + ".test"}}); err != nil {
			return err
		}
		sites += fmt.Sprintf("  - host: %s.test\n    routes: [{upstream: %s}]\n", name, name)
		upstreams += fmt.Sprintf("  %s:\n    servers: [%q]\n    tls: {server_name: %s.test, ca_file: %q}\n",
			name, "https://"+addr, name, pki.Write(s.Dir, name+".pem", authority.PEM()))
	}
	s.Config = sites + upstreams
	return nil
}

const (
	leap      = 26 * time.Hour
	validFrom = leap - 25*time.Hour
)

// open starts a server whose certificate is always in force by its own clock.
func (c *clock) open(s *Stage, addr string, authority *pki.Authority, leaf pki.Leaf) error {
	now, later := authority.Issue(leaf).TLS(), authority.Issue(leaf.NotYetValid(validFrom)).TLS()
	ln, err := tls.Listen("tcp", addr, &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c.ahead.Load() > 0 {
				return &later, nil
			}
			return &now, nil
		}})
	if err != nil {
		return err
	}
	c.servers = append(c.servers, s.serveOn(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Duration(c.ahead.Load())).UTC().Format(http.TimeFormat))
		goods{}.ServeHTTP(w, r)
	})))
	return nil
}

// leap is a day later, for all. Connections that were open have ended meanwhile.
func (c *clock) leap() error {
	c.ahead.Store(int64(leap))
	for _, server := range c.servers {
		server.SetKeepAlivesEnabled(false)
		server.SetKeepAlivesEnabled(true)
	}
	return nil
}
