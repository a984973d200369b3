// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often files are looked at, and staples that are due.
const lookEvery = 10 * time.Second

// Keeper has the certificates of all sites. Its zero value is not usable; see New.
type Keeper struct {
	live       atomic.Pointer[live]
	challenges *challenges
	now        func() time.Time
	after      func(time.Duration) <-chan time.Time
	orders     orders

	// mu serialises Start, Reload, Close and the look at files; handshakes do not
	// take it.
	mu      sync.Mutex
	started bool
	ctx     context.Context // done by Close
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// live is what handshakes use, replaced as a whole (I2).
type live struct {
	options   Options
	table     *table
	pairs     map[Pair]*slot
	automatic *automatic // nil: none
}

// New loads the certificate files and what the storage has. It uses no network;
// what waits in the background for Start, certmagic's maintenance, Close ends too.
func New(o Options) (*Keeper, error) {
	k := &Keeper{challenges: newChallenges(), now: o.Now, after: o.After}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	if err := k.apply(o, &live{}); err != nil {
		return nil, err
	}
	return k, nil
}

// Start begins to obtain and renew certificates, to watch files and to fetch
// staples.
func (k *Keeper) Start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.started {
		return
	}
	k.started = true
	if a := k.live.Load().automatic; a != nil {
		a.start()
	}
	k.work.Go(k.watch)
	k.work.Go(k.stapleLoop)
}

// Reload serves other sites, or the same with what their files hold now. After an
// error everything is as before (I2). Handshakes under way are not disturbed.
func (k *Keeper) Reload(o Options) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		return errors.New("certs: closed")
	}
	return k.apply(o, k.live.Load())
}

// Close ends what Start began, within stopWait. Certificates remain to be had.
func (k *Keeper) Close() {
	k.mu.Lock()
	if k.ctx.Err() != nil {
		k.mu.Unlock()
		return
	}
	k.cancel()
	if a := k.live.Load().automatic; a != nil {
		k.work.Go(a.stop)
	}
	k.mu.Unlock()
	k.work.Wait()
}

// apply makes o live in place of old. Nothing that old uses is changed before the
// last step that can fail.
func (k *Keeper) apply(o Options, old *live) error {
	for _, site := range o.Sites {
		for _, host := range site.Hosts {
			if err := CheckHost(host); err != nil {
				return err
			}
		}
	}
	files, err := k.loadAll(o, old)
	if err != nil {
		return err
	}
	next := &live{options: o, pairs: map[Pair]*slot{}}
	if old.automatic != nil && o.Automatic == old.options.Automatic {
		next.automatic = old.automatic
	} else if o.Automatic != nil {
		if next.automatic, err = newAutomatic(*o.Automatic, k, o); err != nil {
			return err
		}
	}
	for _, f := range files {
		next.pairs[f.pair] = f.commit(o, k.now())
	}
	next.table = k.table(next)
	k.live.Store(next)

	if a := next.automatic; a != nil {
		a.forget(next.table)
		if k.started {
			a.start()
		}
	}
	if a := old.automatic; a != nil && a != next.automatic {
		k.work.Go(a.stop) // a question to the CA may be under way
	}
	return nil
}

func (k *Keeper) table(l *live) *table {
	return build(l.options, l.pairs, func(host string) *slot {
		if l.automatic == nil || !l.automatic.conf.obtainable(host) {
			return nil
		}
		return l.automatic.slot(host)
	})
}

// file is a pair on its way into a slot.
type file struct {
	pair  Pair
	hosts []string // of the sites that have it
	slot  *slot    // the one in use, or a new one
	stamp stamp
	loaded
}

// loadAll reads the pairs of all sites, those that old has only if their files
// have changed, on all processors, since parsing RSA keys takes its time.
func (k *Keeper) loadAll(o Options, old *live) ([]*file, error) {
	var files []*file
	known := map[Pair]*file{}
	add := func(p Pair, hosts []string) {
		if known[p] == nil {
			known[p] = &file{pair: p, slot: old.pairs[p]}
			files = append(files, known[p])
		}
		known[p].hosts = append(known[p].hosts, hosts...)
	}
	for _, site := range o.Sites {
		for _, p := range site.Files {
			add(p, site.Hosts)
		}
	}
	if o.Default != (Pair{}) {
		add(o.Default, nil)
	}
	errs := make([]error, len(files))
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				errs[i] = files[i].read(k.now())
			}
		})
	}
	work.Wait()
	return files, errors.Join(errs...)
}

func (f *file) read(now time.Time) (err error) {
	if f.stamp, err = stampOf(f.pair); err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	if f.slot != nil && f.slot.failed() == 0 && f.slot.stamp == f.stamp {
		return nil
	}
	if f.loaded, err = load(f.pair, now); err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	return nil
}

// commit puts what was read into the slot, and tells the owner what is odd.
func (f *file) commit(o Options, now time.Time) *slot {
	if f.slot == nil {
		f.slot = &slot{pair: &f.pair}
	}
	if f.cert == nil {
		return f.slot
	}
	f.slot.stamp, f.slot.broken, f.slot.looks = f.stamp, stamp{}, 0
	f.slot.cert.Store(f.cert)
	f.slot.note(now, nil, time.Time{})
	named := len(f.hosts) == 0
	for _, host := range f.hosts {
		named = named || covers(f.cert.Leaf, host)
	}
	if !named {
		f.warnings = append(f.warnings, "it names none of the hosts it is served for: "+strings.Join(f.hosts, ", "))
	}
	for _, w := range f.warnings {
		o.Logger.Warn("certs: "+w, "certificate", f.pair.Certificate, "names", names(f.cert.Leaf))
	}
	return f.slot
}
