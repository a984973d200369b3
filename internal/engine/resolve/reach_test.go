// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestAnswers(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		well := n.add("192.0.2.53:53", denies(dnsmessage.RCodeSuccess, 60))
		sick := n.add("192.0.2.54:53", rcode(dnsmessage.RCodeServerFailure))
		mute := n.add("192.0.2.55:53", silent)
		r := n.resolver(t, nil, mute, well, sick)
		want(t, "the first of them", r.Nameservers()[0], mute.addr)
		want(t, "all of them", len(r.Nameservers()), 3)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		want(t, "one that is well answers", r.Answers(ctx, well.addr), true)
		want(t, "one that can not say answers too", r.Answers(ctx, sick.addr), true)
		want(t, "a silent one does not", r.Answers(ctx, mute.addr), false)
		want(t, "what was asked", well.questions()[0], ". A udp")
		canceled, cease := context.WithCancel(t.Context())
		cease()
		want(t, "what was broken off says nothing", r.Answers(canceled, mute.addr), false)
	})
}
