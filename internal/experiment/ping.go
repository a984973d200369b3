// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"causey/internal/cause"
)

// tryPing asks the machine of a server, not the server. A machine that is silent may still
// be there.
func tryPing(ctx context.Context, s *subject) (cause.Value, bool) {
	_, address, ok := s.target(s.server)
	at, err := netip.ParseAddrPort(address)
	if !ok || err != nil {
		return unseen()
	}
	begin := s.Now()
	answers, err := s.Ping(ctx, at.Addr(), s.Now)
	switch {
	case err != nil:
		return unseen()
	case answers:
		return truth(true, "the machine %s answers a ping after %s", at.Addr(), roundly(s.Now().Sub(begin)))
	}
	return truth(false, "the machine %s answers no ping", at.Addr())
}

// pingWait is how long an answer is waited for, pingAgain when it is asked once more.
const (
	pingWait  = time.Second
	pingAgain = pingWait / 2
)

// Ping reports whether a machine answers an echo request (RFC 792, RFC 4443 section 4). It
// is an error if none can be sent, as where the kernel allows it to nobody
// (net.ipv4.ping_group_range) and the process may not do as it likes either.
func Ping(ctx context.Context, to netip.Addr, now func() time.Time) (answers bool, err error) {
	to = to.Unmap()
	asks, replies, protocol := icmp.Type(ipv4.ICMPTypeEcho), icmp.Type(ipv4.ICMPTypeEchoReply), 1
	networks := [2]string{"udp4", "ip4:icmp"}
	if to.Is6() {
		asks, replies, protocol = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, 58
		networks = [2]string{"udp6", "ip6:ipv6-icmp"}
	}
	var dst net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	conn, err := icmp.ListenPacket(networks[0], "")
	if err != nil {
		if conn, err = icmp.ListenPacket(networks[1], ""); err != nil {
			return false, err
		}
		dst = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(now()) })
	defer stop()
	// The identifier is the kernel's in one of the two networks: what comes back is known by
	// its data.
	data := make([]byte, 16)
	rand.Read(data)
	for n := range int(pingWait / pingAgain) {
		echo := icmp.Message{Type: asks, Body: &icmp.Echo{ID: int(binary.BigEndian.Uint16(data)), Seq: n + 1, Data: data}}
		packet, err := echo.Marshal(nil) // of IPv6 the kernel makes the checksum
		if err != nil {
			return false, err
		}
		_, err = conn.WriteTo(packet, dst)
		if ctx.Err() != nil || err != nil {
			return false, errors.Join(ctx.Err(), err)
		}
		if heard, err := hears(conn, now().Add(pingAgain), protocol, replies, data); heard || ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return heard, ctx.Err()
		}
	}
	return false, nil
}

// hears waits until a time for the answer with this data.
func hears(conn *icmp.PacketConn, until time.Time, protocol int, replies icmp.Type, data []byte) (bool, error) {
	conn.SetReadDeadline(until)
	for buf := make([]byte, 1500); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return false, err
		}
		m, err := icmp.ParseMessage(protocol, buf[:n])
		if err != nil || m.Type != replies {
			continue
		}
		if echo, ok := m.Body.(*icmp.Echo); ok && string(echo.Data) == string(data) {
			return true, nil
		}
	}
}
