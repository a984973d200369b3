// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// answer is an answer whose head has been read, with the lease that its body comes
// by.
type answer struct {
	lease Lease
	res   wire.Response
	bad   *record.Answer
	// chosen is Want.Chosen of its server.
	chosen uint64
}

// keep lays the present answer aside while another server is asked: if that comes
// to nothing, what the origin said is better than anything of ours.
func (x *Exchange) keep() {
	x.unkeep()
	x.kept.lease, x.kept.bad, x.kept.chosen = x.lease, x.bad, x.want.Chosen
	x.lease = nil
	x.want.Fresh = false // it is another server's turn
	x.kept.res, x.res = x.res, x.kept.res
	x.ended(x.rec.LastAttempt())
	x.upload.again()
}

// useKept makes the answer that was laid aside the one that counts.
func (x *Exchange) useKept() *failure.Error {
	x.lease, x.bad, x.kept.lease = x.kept.lease, x.kept.bad, nil
	x.kept.res, x.res = x.res, x.kept.res
	x.rec.UpStatus, x.want.Chosen, x.upload.err = x.res.Status, x.kept.chosen, nil
	x.Enter(phase.RelayBody) // the time since its head came was that of the others
	return nil
}

// dropKept ends an answer that was laid aside for one that is better, or at least
// newer.
func (x *Exchange) dropKept() {
	if x.kept.lease != nil {
		x.rec.Saved |= record.ByRetry
	}
	x.unkeep()
}

// keptRest is how many pieces are read of a body that nobody wants, so that its
// connection can be used again.
const keptRest = 4

func (x *Exchange) unkeep() {
	l := x.kept.lease
	if l == nil {
		return
	}
	x.kept.lease = nil
	l.Cancel() // what is not here yet is not waited for
	for range keptRest {
		if !l.BodyHere() {
			break
		}
		if _, end, err := l.ReadBody(); end || err != nil {
			break
		}
	}
	l.Release(failure.Code{})
}
