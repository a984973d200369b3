// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// This file is an exchange of a route with a cache. Without one nothing of it is run.

// throughCache answers from the cache, or asks the upstream and lets the cache see
// what comes. A failure for which a stale answer stands in is not the exchange's: the
// record has it as hidden.
func (x *Exchange) throughCache() *failure.Error {
	x.Enter(phase.Cache)
	if r := x.refresh; r != nil {
		x.visit, r.visit = r.visit, nil
	} else {
		a := x.client.Arrival()
		x.visit = x.route.Cache.Visit(CacheRequest{
			Head: &x.req, Secure: a.Secure() || x.cameByHTTPS(), Identified: len(a.ClientCert) > 0, Again: x.spareVisit,
		})
	}
	for {
		switch x.visit.Step(x.last) {
		case CacheServe:
			x.beginRefresh()
			return x.serveStored()
		case CacheRefuse:
			x.refuseUncached()
			return nil
		case CacheWait:
			x.Watch(x.visit)
			x.visit.Wait()
			if gone := x.unwatch(); gone != Present {
				return x.departed(gone)
			}
			x.Enter(phase.Cache) // the same, and the time is another
		case CacheAsk:
			return x.askForCache()
		}
	}
}

// askForCache asks the upstream in a visit.
func (x *Exchange) askForCache() *failure.Error {
	if p := x.visit.StandsBy(); p > 0 && (x.timeouts.AwaitHead == 0 || p < x.timeouts.AwaitHead) {
		x.timeouts.AwaitHead = p
	}
	err := x.askUpstream()
	switch {
	case err != nil && !final(err) && x.visit.Failed(err.Code, x.env.Now()):
		x.rec.Hidden = x.checked(err).Code
		return x.serveStored()
	case err != nil:
		return err
	case x.res.Framing == wire.FramingTunnel:
		return x.tunnel()
	case x.visit.Answered(&x.res, x.lease.HeadAt()):
		return x.serveStored()
	case x.refresh != nil:
		return x.keepAnswer()
	}
	return x.relayAnswer()
}

// serveStored sends the answer that is in the cache. What the server may still send is
// nobody's: its lease is given back as it is.
func (x *Exchange) serveStored() *failure.Error {
	if x.refresh != nil {
		return nil
	}
	x.Enter(phase.RelayBody)
	x.scratch = x.scratch[:0]
	x.visit.MakeAnswer(&x.out, x.last)
	x.addHSTS()
	x.addCacheStatus()
	x.rec.Status = x.out.Status
	if err := x.client.SendHead(&x.out); err != nil {
		return x.orStopped(err)
	}
	if !x.out.NoBody {
		for p := x.visit.Piece(); p != nil; p = x.visit.Piece() {
			if err := x.client.WriteBody(p); err != nil {
				return x.orStopped(err)
			}
			x.rec.BodyOut += int64(len(p))
		}
	}
	if err := x.client.EndBody(nil); err != nil {
		return x.orStopped(err)
	}
	x.rec.Outcome = record.Relayed
	return nil
}

// keepAnswer reads an answer that goes to the cache only.
func (x *Exchange) keepAnswer() *failure.Error {
	x.enterRelay()
	for x.visit.Keeps() && x.res.Framing != wire.FramingNone {
		x.Watch(x.lease)
		piece, end, err := x.lease.ReadBody()
		if err = x.waited(err, end); err != nil {
			return x.orStopped(err)
		}
		x.visit.Write(piece)
		if end {
			break
		}
	}
	x.visit.Complete()
	return nil
}

// refuseUncached answers a client that wants a kept answer or none: "SHOULD either
// respond using a stored response consistent with the other constraints of the request
// or respond with a 504" (RFC 9111 section 5.2.1.7).
func (x *Exchange) refuseUncached() {
	x.beginOwn(504)
	x.addString("Cache-Control", "no-store")
	x.addCacheStatus()
	x.addString("Content-Length", "0")
	x.sendOwn(nil)
}

// addCacheStatus adds our member behind those of the caches before us (RFC 9211
// section 2). The failure that a stale answer hides is for those who may see failures.
func (x *Exchange) addCacheStatus() {
	o := &x.out
	o.Skip[wire.CacheStatus] = true
	x.add("Cache-Status", func(b []byte) []byte {
		if o.Head != nil {
			for i := range o.Head.Fields {
				if o.Head.Fields[i].ID == wire.CacheStatus && !o.Head.Fields[i].Hop {
					b = append(append(b, o.Head.Value(i)...), ", "...)
				}
			}
		}
		b = appendToken(b, x.plan.name())
		b = x.visit.AppendStatus(b, x.last)
		_, hidden := x.visit.Report()
		if hidden.IsNone() {
			hidden = x.rec.Hidden
		}
		if !hidden.IsNone() && x.plan.showsDetails(x.rec.Peer) {
			b = append(append(append(b, `; detail="`...), failure.Lookup(hidden).Name...), '"')
		}
		return b
	})
}

// endVisit takes what came of a visit into the record. A visit that has not kept a
// whole answer by now keeps none.
func (x *Exchange) endVisit() {
	v := x.visit
	x.visit = nil
	var hidden failure.Code
	if x.rec.Cache, hidden = v.Report(); x.rec.Hidden.IsNone() {
		x.rec.Hidden = hidden
	}
	v.Close()
	x.spareVisit = v
}
