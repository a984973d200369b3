// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/engine/netpoll"
)

// lot is where idle clients wait without a goroutine: their descriptors stand in
// an epoll set of our own, and a few dozen bytes remember them. The same set
// tells when a client leaves while its exchange waits.
//
// The set's own descriptor waits on the runtime's poller, so that no thread is
// held. Entries are found by slot and generation, never by descriptor number, which may
// name something else by the time an event is read.
type lot struct {
	eng   *Engine
	epfd  int
	poll  netpoll.Desc // of epfd
	done  chan struct{}
	count atomic.Int64 // parked connections

	mu      sync.Mutex
	ended   bool // nobody may stay any more
	parked  []parkedConn
	free    []uint32
	watched map[uint32]*clientConn
	// intros are those of the slots that are marked as introduced.
	intros  map[uint32]*introduction
	watchID uint32
	looked  int64 // when idle times were last looked at
	// taken counts what parked since memory was given back at returned; lastTaken is
	// when the newest did.
	taken               int
	lastTaken, returned int64
}

// A crowd that has parked leaves the stacks and buffers of its goroutines behind,
// and a gateway that makes no garbage does not collect any for minutes. After
// crowdMin parked connections, once none has parked for crowdQuiet or twice
// crowdEvery has passed, all that is unused goes back to the system; at most once
// in crowdEvery, because anybody can make connections park.
const (
	crowdMin   = 1000
	crowdQuiet = time.Second
	crowdEvery = time.Minute
)

// parkedConn is all that is kept of a parked connection.
type parkedConn struct {
	fd         int32 // -1: the slot is free
	generation uint32
	since      int64 // engine's clock
	listener   *Listener
	tls        *tlsLayer
	addr       [16]byte
	port       uint16
	family     uint8 // 4, 6, or 0 for a unix socket
	introduced bool  // by a PROXY header; see lot.intros
	exchanges  uint32
}

// watchBit marks an event of a watched connection; the other bits of the pad are
// the generation.
const watchBit = 1 << 31

func newLot(e *Engine) (*lot, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	l := &lot{eng: e, epfd: fd, done: make(chan struct{}), watched: map[uint32]*clientConn{},
		intros: map[uint32]*introduction{}}
	if err := l.poll.Open(fd); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll descriptor: %w", err)
	}
	go l.run()
	return l, nil
}

func (l *lot) close() {
	l.poll.Interrupt(netpoll.Read)
	<-l.done
	l.poll.Close()
	unix.Close(l.epfd)
}

// take parks c's connection: afterwards c is no more.
func (l *lot) take(c *clientConn) {
	l.count.Add(1) // before the socket goes, so that the sweeper stays awake
	fd := c.detach()
	p := parkedConn{fd: int32(fd), since: c.since, listener: c.listener, tls: c.tls, exchanges: c.arrival.Exchanges}
	p.tls.park()
	switch a := c.arrival.Peer.Addr(); {
	case a.Is4():
		p.family, p.addr = 4, a.As16()
	case a.IsValid():
		p.family, p.addr = 6, a.As16()
	}
	p.port = c.arrival.Peer.Port()
	if l.add(p, fd, c.intro) {
		l.closeAll()
	}
}

// add puts p into the set. It reports that the time of parked connections is over.
func (l *lot) add(p parkedConn, fd int, intro *introduction) (ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var slot uint32
	if n := len(l.free); n > 0 {
		slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		slot = uint32(len(l.parked))
		l.parked = append(l.parked, parkedConn{})
	}
	l.taken++
	l.lastTaken = l.eng.sweep.now()
	p.generation = (l.parked[slot].generation + 1) &^ watchBit
	if p.introduced = intro != nil; p.introduced {
		l.intros[slot] = intro
	}
	l.parked[slot] = p
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(slot), Pad: int32(p.generation)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		l.drop(slot)
	}
	return l.ended
}

// drop closes a parked connection; l.mu is held.
func (l *lot) drop(slot uint32) {
	p, _ := l.vacate(slot)
	if p.tls != nil {
		p.tls.sayGoodbyeOn(int(p.fd))
	}
	closeFD(int(p.fd))
	l.eng.leave(p.listener)
}

// vacate frees a slot and returns what was in it; l.mu is held.
func (l *lot) vacate(slot uint32) (parkedConn, *introduction) {
	p := l.parked[slot]
	var intro *introduction
	if p.introduced {
		intro = l.intros[slot]
		delete(l.intros, slot)
	}
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, int(p.fd), nil)
	l.parked[slot] = parkedConn{fd: -1, generation: p.generation}
	l.free = append(l.free, slot)
	l.count.Add(-1)
	return p, intro
}

func (l *lot) run() {
	defer close(l.done)
	var events [256]unix.EpollEvent
	for {
		n, _ := unix.EpollWait(l.epfd, events[:], 0)
		if n <= 0 {
			if l.poll.Wait(netpoll.Read) != netpoll.Ready {
				return // closed
			}
			continue
		}
		for i := range events[:n] {
			l.handle(&events[i])
		}
	}
}

func (l *lot) handle(ev *unix.EpollEvent) {
	id, pad := uint32(ev.Fd), uint32(ev.Pad)
	if pad&watchBit != 0 {
		l.mu.Lock()
		c := l.watched[id]
		l.mu.Unlock()
		if c != nil {
			c.noticed(ev.Events, id)
		}
		return
	}
	l.mu.Lock()
	if int(id) >= len(l.parked) || l.parked[id].fd < 0 || l.parked[id].generation != pad {
		l.mu.Unlock()
		return
	}
	p, intro := l.vacate(id)
	l.mu.Unlock()
	l.wake(&p, intro)
}

// wake gives a parked connection a goroutine again.
func (l *lot) wake(p *parkedConn, intro *introduction) {
	var peer netip.AddrPort
	switch p.family {
	case 4:
		peer = netip.AddrPortFrom(netip.AddrFrom16(p.addr).Unmap(), p.port)
	case 6:
		peer = netip.AddrPortFrom(netip.AddrFrom16(p.addr), p.port)
	}
	c := l.eng.newClient(p.listener, int(p.fd), peer)
	c.arrival.Exchanges, c.since = p.exchanges, p.since
	p.tls.wake(c)
	if intro != nil {
		c.introduce(intro)
	}
	l.eng.hands.serve(c)
}

// turn closes what has been idle for too long; the sweeper calls it.
func (l *lot) turn(now int64) bool {
	idle := int64(l.eng.opts.Load().Idle)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now-l.looked < int64(time.Second) {
		return true
	}
	l.looked = now
	if l.crowdLeft(now) {
		l.taken, l.returned = 0, now
		go giveBack()
	}
	for i := range l.parked {
		if p := &l.parked[i]; p.fd >= 0 && p.listener != nil && now-p.since >= idle {
			l.drop(uint32(i))
		}
	}
	return true
}

// crowdLeft reports that memory is worth giving back; l.mu is held.
func (l *lot) crowdLeft(now int64) bool {
	switch since := now - l.returned; {
	case l.taken < crowdMin, l.returned != 0 && since < int64(crowdEvery):
		return false
	case now-l.lastTaken >= int64(crowdQuiet):
		return true
	default:
		return since >= 2*int64(crowdEvery)
	}
}

// giveBack returns unused memory to the system. What lies in a sync.Pool survives
// the first collection.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}

// closeAll ends every parked connection, those to come as well, except those whose
// next request is here already: they get a goroutine and an answer.
func (l *lot) closeAll() {
	l.mu.Lock()
	l.ended = true
	type lateConn struct {
		parkedConn
		intro *introduction
	}
	var late []lateConn
	for i := range l.parked {
		p := &l.parked[i]
		if p.listener == nil {
			continue
		}
		if n, errno := peekFD(int(p.fd)); errno == 0 && n > 0 {
			p, intro := l.vacate(uint32(i))
			late = append(late, lateConn{p, intro})
		} else {
			l.drop(uint32(i))
		}
	}
	l.mu.Unlock()
	for i := range late {
		l.wake(&late[i].parkedConn, late[i].intro)
	}
}
