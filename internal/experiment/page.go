// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"strings"

	"causey/internal/cause"
	"causey/internal/upstream"
)

// The experiments that ask for a page. It is answered if a whole head comes, with a
// status below 500.

// tryGet asks for what failed.
func tryGet(ctx context.Context, s *subject) (cause.Value, bool) {
	return s.tryPage(ctx, s.server, s.path, "the same page on a fresh connection")
}

// tryRoot asks for the front page.
func tryRoot(ctx context.Context, s *subject) (cause.Value, bool) {
	return s.tryPage(ctx, s.server, "/", "the page / on a fresh connection")
}

func (s *subject) tryPage(ctx context.Context, sv *upstream.Server, path, what string) (cause.Value, bool) {
	a := s.ask(ctx, &question{server: sv, proxy: s.up.Proxy, request: s.request(sv, path)})
	if a.why.ours || a.toSecure() {
		return unseen()
	}
	return truth(a.ok(), "%s: %s", what, a.says())
}

// trySmall asks for what failed with the shortest head there is.
func trySmall(ctx context.Context, s *subject) (cause.Value, bool) {
	return s.trySized(ctx, s.shortRequest(s.server, s.path), "the same page asked for with the shortest head")
}

// paddedBytes is how long a padded head is, in fields of paddingBytes: some servers take
// no longer lines than 1 KiB.
const (
	paddedBytes  = 4 << 10
	paddingBytes = 900
)

// tryPadded asks for the front page with a head that fills several packets.
func tryPadded(ctx context.Context, s *subject) (cause.Value, bool) {
	var fields []string
	for room := paddedBytes - len(s.request(s.server, "/")); room > 0; {
		n := min(room, paddingBytes)
		room -= n
		fields = append(fields, "X-Padding", strings.Repeat("x", max(n-len("X-Padding: \r\n"), 1)))
	}
	return s.trySized(ctx, s.request(s.server, "/", fields...), "the page / asked for with a head of 4 KiB")
}

// trySized tells nothing where no connection opens: the size has no part in that.
func (s *subject) trySized(ctx context.Context, request []byte, what string) (cause.Value, bool) {
	a := s.ask(ctx, &question{server: s.server, proxy: s.up.Proxy, request: request})
	if !a.opened || a.toSecure() {
		return unseen()
	}
	return truth(a.ok(), "%s: %s", what, a.says())
}

// tryOtherServer asks another server for what failed.
func tryOtherServer(ctx context.Context, s *subject) (cause.Value, bool) {
	return s.tryPage(ctx, s.other, s.path, "the same page at "+s.other.Name)
}

// tryOtherFamily asks the server by its address of the other family. Any answer will do:
// it is about the way.
func tryOtherFamily(ctx context.Context, s *subject) (cause.Value, bool) {
	a := s.ask(ctx, &question{server: s.server, address: s.otherAddress, proxy: s.up.Proxy, request: s.request(s.server, s.path)})
	if a.why.ours {
		return unseen()
	}
	family := "IPv6"
	if s.otherAddress.Addr().Unmap().Is4() {
		family = "IPv4"
	}
	return truth(a.status > 0, "asked by %s, at %s: %s", family, s.otherAddress, a.says())
}
