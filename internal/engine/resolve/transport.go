// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	// maxStrays is how many datagrams that are no reply to the query are read
	// before the question is asked over TCP, where nobody can join in. Guessing
	// the id takes 32768 of them on average.
	maxStrays = 32
	// datagramBytes leaves room for servers that send more than we announce.
	datagramBytes = 4096
)

// ask sends q to server on a socket of its own and returns what came, which is
// a reply or the reason why there is none. ctx bounds it.
func (r *Resolver) ask(ctx context.Context, server netip.AddrPort, q query) reply {
	network := networkOf(q.tcp)
	conn, err := r.cfg.Dial(ctx, network, server)
	if err != nil {
		return failed(ctx, err)
	}
	defer conn.Close()
	// A deadline in the past ends reads and writes at once, whether ctx ran out
	// of time or was canceled.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if q.tcp {
		return askStream(ctx, conn, q)
	}
	return askDatagram(ctx, conn, q)
}

func networkOf(tcp bool) string {
	if tcp {
		return "tcp"
	}
	return "udp"
}

func askDatagram(ctx context.Context, conn net.Conn, q query) reply {
	packet, err := q.append(nil)
	if err != nil {
		return failed(ctx, err)
	}
	if _, err = conn.Write(packet); err != nil {
		return failed(ctx, err)
	}
	buf := make([]byte, datagramBytes)
	stray := ""
	for range maxStrays {
		n, err := conn.Read(buf)
		if err != nil {
			rep := failed(ctx, err)
			if rep.kind == Timeout && stray != "" {
				// The server's address did talk to us: that is not silence.
				return malformed(stray)
			}
			return rep
		}
		var rep reply
		if rep, stray = parseReply(buf[:n], q); stray == "" {
			return rep
		}
	}
	rep := malformed("strays")
	rep.wantTCP = true
	return rep
}

// askStream is RFC 1035, section 4.2.2: each message has a length of two bytes
// before it. The two are written at once (RFC 7766, section 8).
func askStream(ctx context.Context, conn net.Conn, q query) reply {
	packet, err := q.append(make([]byte, 2, 512))
	if err != nil {
		return failed(ctx, err)
	}
	binary.BigEndian.PutUint16(packet, uint16(len(packet)-2))
	if _, err = conn.Write(packet); err != nil {
		return failed(ctx, err)
	}
	var size [2]byte
	if _, err = io.ReadFull(conn, size[:]); err != nil {
		return failed(ctx, err)
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err = io.ReadFull(conn, msg); err != nil {
		return failed(ctx, err)
	}
	rep, stray := parseReply(msg, q)
	if stray != "" {
		return malformed(stray)
	}
	return rep
}

// failed says why there is no reply. ctx is the context of the try.
func failed(ctx context.Context, err error) reply {
	var errno syscall.Errno
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return reply{kind: Canceled}
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return reply{kind: Timeout}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("closed")
	case !errors.As(err, &errno):
		return malformed("socket")
	}
	switch errno {
	case syscall.ETIMEDOUT:
		return reply{kind: Timeout, errno: errno}
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EADDRNOTAVAIL, syscall.EAGAIN:
		return reply{kind: Exhausted, errno: errno}
	}
	return reply{kind: Unreachable, errno: errno}
}
