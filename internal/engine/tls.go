// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"causey/internal/failure"
)

// tlsLayer is TLS on a sock. The protocol is crypto/tls's; what lies under it is
// ours (rawConn), so that it can be read without waiting, parked, and asked what
// was seen on the wire.
//
// A nil layer is a connection without TLS.
type tlsLayer struct {
	conn *tls.Conn
	raw  rawConn
	held held
	// err is what TLS said first when it ended the stream, nil if the peer or the
	// kernel did. Reader and writer set it.
	err atomic.Pointer[error]
	// silent: the peer is not told of the end (any more).
	silent bool

	// facts are what the requests of a client have to know.
	facts tlsFacts
	// hello is the client's, while its handshake goes on, and policy what holds for
	// it. denied is why it was given no certificate.
	hello  *tls.ClientHelloInfo
	policy *TLSPolicy
	denied error
	// asked: the server asked for a certificate of ours.
	asked bool
}

// newTLS puts a layer under s. The caller makes its conn of raw.
func newTLS(s *sock) *tlsLayer {
	t := &tlsLayer{}
	t.raw.layer, t.raw.sock, t.raw.alert, t.raw.theirs = t, s, noAlert, noAlert
	s.tls = t
	return t
}

// handshake runs the handshake until the given time of the engine's clock, 0 for as
// long as it takes. Callbacks get ctx.
func (t *tlsLayer) handshake(ctx context.Context, until int64) error {
	s := t.raw.sock
	s.r.deadline.Store(until)
	s.w.deadline.Store(until)
	t.raw.waits = true
	t.raw.ownWrites(true)
	defer t.raw.ownWrites(false)
	err := t.conn.HandshakeContext(context.WithValue(ctx, layerKey{}, t))
	t.raw.waits = false
	s.r.deadline.Store(0)
	s.w.deadline.Store(0)
	return err
}

// layerKey finds the layer in the context that crypto/tls hands to callbacks.
type layerKey struct{}

// read reads what is there into room, as readFD does: EAGAIN where nothing is, and
// no bytes at the end. EPROTO stands for t.err.
func (t *tlsLayer) read(room []byte) (int, syscall.Errno) {
	n, err := t.conn.Read(room)
	switch {
	case n > 0:
		t.held.took(n == len(room))
		return n, 0
	case err == errWouldBlock || err == nil:
		t.held.tookAll()
		return 0, syscall.EAGAIN
	case t.raw.errno != 0:
		return 0, t.raw.errno
	case err == io.EOF || t.raw.eof:
		return 0, 0
	}
	t.ended(err)
	return 0, syscall.EPROTO
}

// write sends p and then q, waiting as sock.write does.
func (t *tlsLayer) write(p, q []byte) ioEnd {
	if s := t.raw.sock; s.stopped(&s.w) {
		return ioCanceled // before crypto/tls hears of it, and never sends again
	}
	t.raw.ownWrites(true)
	var err error
	for _, part := range [2][]byte{p, q} {
		if len(part) > 0 && err == nil {
			_, err = t.conn.Write(part)
		}
	}
	end := t.raw.ownWrites(false)
	if err != nil && end == ioOK {
		t.ended(err)
		t.raw.sock.w.errno = syscall.EPROTO
		return ioErrno
	}
	return end
}

// holdsNothing reports that TLS holds nothing that could be read without the kernel.
// It errs on the side of no. A nil layer holds nothing.
func (t *tlsLayer) holdsNothing() bool { return t == nil || t.held.records == 0 && !t.held.more }

// held counts the records that came whole and that TLS may not have taken yet. One that
// it holds would not wake anybody: the kernel has no part of it any more.
type held struct {
	records int
	// more: the record that was taken last may have more to give.
	more bool
	// header and left are how much of the present record's header has come, and how
	// much of it has not.
	header, left int
}

// came follows the records (RFC 8446 section 5.1) through bytes that came.
func (h *held) came(b []byte) {
	for len(b) > 0 {
		if h.header < recordHeader {
			if h.header >= recordHeader-2 {
				h.left = h.left<<8 | int(b[0])
			}
			h.header++
			b = b[1:]
		} else {
			n := min(h.left, len(b))
			h.left, b = h.left-n, b[n:]
		}
		if h.header == recordHeader && h.left == 0 {
			h.header = 0
			h.records++
		}
	}
}

// took notes a read that gave something: the rest of a record or one more, and maybe
// some that were for TLS itself, which stay counted until nothing is left.
func (h *held) took(full bool) {
	if !h.more {
		h.records = max(h.records-1, 0)
	}
	h.more = full
}

// tookAll notes that TLS asked for more than it held.
func (h *held) tookAll() { h.records, h.more = 0, false }

// ended notes that TLS ended the stream with err.
func (t *tlsLayer) ended(err error) { t.err.CompareAndSwap(nil, &err) }

// cut reports that the stream ended without the peer's word that it was whole: TCP
// ended, TLS did not (RFC 8446 section 6.1).
func (t *tlsLayer) cut() bool { return t != nil && t.raw.eof }

// sayGoodbye sends close_notify, once, if the kernel takes it at once. Nobody reads
// or writes meanwhile but a reader, whom it does not concern.
func (t *tlsLayer) sayGoodbye() {
	if t != nil {
		t.sayGoodbyeOn(t.raw.sock.fd)
	}
}

// sayGoodbyeOn is sayGoodbye for a connection that is parked, whose descriptor is fd.
func (t *tlsLayer) sayGoodbyeOn(fd int) {
	if t.silent {
		return
	}
	t.silent = true
	t.raw.last.Store(int64(fd) + 1)
	t.conn.CloseWrite() // before the end of the handshake it does nothing
}

// leaveSilently makes the end of the connection look like what it is, an accident.
func (t *tlsLayer) leaveSilently() {
	if t != nil {
		t.silent = true
	}
}

// noAlert stands for no alert.
const noAlert = -1

// receivedAlert returns the number of the alert with which the peer ended the
// stream. crypto/tls keeps its type of alerts to itself, but says by Op whose it is.
func receivedAlert(err error) int {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return int(v.Uint())
		}
	}
	return noAlert
}

// ReceivedAlert is the number of the alert by which the other side ended a connection,
// ok if that is what err says.
func ReceivedAlert(err error) (alert int, ok bool) {
	alert = receivedAlert(err)
	return alert, alert != noAlert
}

// evidence is what is known of the handshake, for a failure with the given error.
func (t *tlsLayer) evidence(err error) *failure.TLS {
	ev := &failure.TLS{Alert: receivedAlert(err)}
	if ev.Alert == noAlert {
		ev.Alert = t.raw.theirs
	}
	if ev.Alert == noAlert && t.raw.alert != noAlert {
		ev.Alert, ev.AlertSent = t.raw.alert, true
	}
	return ev
}

// rawConn is the net.Conn under crypto/tls.
type rawConn struct {
	layer *tlsLayer
	sock  *sock
	// waits: a handshake goes on. Read waits for bytes then, and alerts in clear are
	// looked for; afterwards it answers errWouldBlock.
	waits bool
	// last, if not 0, is the descriptor plus one of a connection that is about to be
	// closed.
	last atomic.Int64
	// eof: the peer's FIN was read. errno is what the kernel said instead.
	eof   bool
	errno syscall.Errno
	// wmu is held during Write and guards writing: the writer is in write, or a
	// handshake goes on. Whatever is sent otherwise crypto/tls sends for a reader, such
	// as the answer to a KeyUpdate.
	wmu     sync.Mutex
	writing bool
	// rend and wend say how a wait for reading or writing ended, if it did not end
	// well.
	rend, wend ioEnd
	// first are the first bytes that came.
	first    [failure.FirstBytesMax]byte
	firstLen uint8
	// alert is the one that we sent in clear, theirs one that came in clear; noAlert for
	// none.
	alert, theirs int
}

var _ net.Conn = (*rawConn)(nil)

// errWouldBlock is what Read answers when nothing is there. crypto/tls goes on after
// an error that is temporary.
var errWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "nothing to read yet" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// errEnded is the error of a connection that ended otherwise than by a FIN; rend,
// wend and errno say how.
var errEnded = errors.New("the connection ended")

// Read implements net.Conn.
func (r *rawConn) Read(b []byte) (int, error) {
	s := r.sock
	for {
		if s.stopped(&s.r) {
			r.rend = ioCanceled
			return 0, errWouldBlock
		}
		s.r.n, s.r.errno = readFD(s.fd, b)
		s.noteRead(len(b))
		switch {
		case s.r.errno == syscall.EAGAIN && !r.waits:
			return 0, errWouldBlock
		case s.r.errno == syscall.EAGAIN:
		case s.r.errno != 0:
			r.errno, r.rend = s.r.errno, ioErrno
			return 0, errEnded
		case s.r.n == 0:
			r.eof = true
			return 0, io.EOF
		default:
			if int(r.firstLen) < len(r.first) {
				r.firstLen += uint8(copy(r.first[r.firstLen:], b[:s.r.n]))
			}
			r.layer.held.came(b[:s.r.n])
			if r.waits {
				r.noteTheirs(b[:s.r.n])
			}
			return s.r.n, nil
		}
		if r.rend = s.await(&s.r); r.rend != ioOK {
			return 0, errEnded
		}
	}
}

// Write implements net.Conn.
func (r *rawConn) Write(b []byte) (int, error) {
	if r.waits {
		r.noteAlert(b)
	}
	r.wmu.Lock()
	defer r.wmu.Unlock()
	switch fd := r.last.Load(); {
	case fd != 0:
		return writeOnce(int(fd-1), b)
	case !r.writing:
		// The writer's half of the sock is not a reader's to use, nor may a reader wait
		// for a peer to take something: it reads, and has no deadline for that.
		n, err := writeOnce(r.sock.fd, b)
		r.sock.w.total.Add(int64(n))
		return n, err
	}
	if r.wend = r.sock.writeRaw(b, nil); r.wend != ioOK {
		return 0, errEnded
	}
	return len(b), nil
}

// ownWrites says whether what is sent from now on is the writer's, and tells how its
// writes ended so far. One that a reader has begun meanwhile, under the writer's
// deadlines, is waited for.
func (r *rawConn) ownWrites(own bool) ioEnd {
	r.wmu.Lock()
	defer r.wmu.Unlock()
	r.writing = own
	return r.wend
}

// writeOnce offers b to the kernel. What it does not take whole is lost, and with it the
// connection.
func writeOnce(fd int, b []byte) (int, error) {
	n, errno := writeFD(fd, b)
	if errno != 0 || n < len(b) {
		return n, errEnded
	}
	return n, nil
}

// noteTheirs looks for an alert in clear at the end of what came. A peer that gives up
// TLS 1.3 before it has begun to encrypt, as OpenSSL's clients do when they do not
// like a certificate, says so in clear, where crypto/tls expects what is encrypted.
func (r *rawConn) noteTheirs(b []byte) {
	if len(b) < alertRecord {
		return
	}
	if b = b[len(b)-alertRecord:]; b[0] == typeAlert && b[1] == 3 && b[3] == 0 && b[4] == 2 && (b[5] == warning || b[5] == fatal) {
		r.theirs = int(b[6])
	}
}

// An alert in clear is a record (RFC 8446 section 5.1: type, version, length) with the
// level and the description.
const (
	recordHeader   = 5
	alertRecord    = recordHeader + 2
	typeAlert      = 21
	warning, fatal = 1, 2
)

// noteAlert looks for a fatal alert among the records that leave in clear. Records
// come whole.
func (r *rawConn) noteAlert(b []byte) {
	for len(b) >= recordHeader {
		n := int(b[3])<<8 | int(b[4])
		if b[0] == typeAlert && n == 2 && len(b) >= alertRecord && b[5] == fatal {
			r.alert = int(b[6])
		}
		b = b[min(recordHeader+n, len(b)):]
	}
}

// Close implements net.Conn. The sock's owner closes.
func (r *rawConn) Close() error { return nil }

// LocalAddr implements net.Conn. It is asked for where a client names no host; of
// servers it is not.
func (r *rawConn) LocalAddr() net.Addr {
	if c := r.sock.client; c != nil { // at its proxy, if one introduced it
		if a := c.Local(); a.IsValid() {
			return net.TCPAddrFromAddrPort(a)
		}
	}
	return nowhere
}

// RemoteAddr implements net.Conn. crypto/tls keeps sessions by it where no name was
// asked for; such sessions are not kept.
func (r *rawConn) RemoteAddr() net.Addr { return nowhere }

var nowhere = &net.UnixAddr{Net: "unix"}

// SetDeadline implements net.Conn: deadlines are the sock's.
func (r *rawConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (r *rawConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (r *rawConn) SetWriteDeadline(time.Time) error { return nil }
