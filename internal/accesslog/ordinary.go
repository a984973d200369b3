// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"crypto/tls"
	"encoding/hex"
	"net/netip"
	"strconv"

	"causey/internal/failure"
	"causey/internal/record"
)

// isOrdinary reports whether appendOrdinary can write r: nothing failed, nothing had
// to be saved or held, and there is no list of attempts to show.
func isOrdinary(r *record.Record) bool {
	return r.Error == nil && r.Failure.IsNone() && r.TrailLen == 0 && r.Saved == 0 && r.Held() == 0 &&
		!listsAttempts(line{Record: r})
}

// appendOrdinary writes what the table of fields writes for an ordinary record,
// byte for byte, in half the time: nearly all records are ordinary, and at full load
// their lines are the largest cost beside the exchange itself. The keys are mostly
// not longer than sixteen bytes, which are copied without a call. The table stays
// the definition; TestOrdinaryLinesFollowTheTable compares the two, so
// a new field that an ordinary line shows is added to both.
func (e *Encoder) appendOrdinary(dst []byte, r *record.Record) []byte {
	dst = append(dst, `"time":`...)
	dst = e.stamp.appendMilli(dst, r.Start)
	dst = append(dst, `,"id":"`...)
	dst = e.id.append(dst, r.ID)
	if b := r.Text(record.RequestID); len(b) > 0 {
		dst = append(dst, `","client_request_id":"`...)
		dst = appendText(dst, b)
	}
	if r.Trace.Exists() {
		dst = append(dst, `","trace_id":"`...)
		dst = hex.AppendEncode(dst, r.Trace.ID[:])
	}
	dst = append(dst, `","client":`...)
	dst = appendClientAndPeer(dst, r.Client, r.Peer)
	if r.Proxied {
		dst = append(dst, `,"proxy":`...)
		dst = appendAddrPort(dst, r.Proxy)
	}
	dst = append(dst, `,"listener":"`...)
	dst = appendText(dst, []byte(r.Listener))
	dst = append(dst, `","exchange":`...)
	dst = appendInt(dst, int64(r.Exchanges))
	dst = append(dst, `,"method":"`...)
	dst = appendText(dst, r.Text(record.Method))
	dst = append(dst, `","host":"`...)
	dst = appendText(dst, r.Text(record.Host))
	dst = append(dst, `","target":"`...)
	dst = appendText(dst, r.Text(record.Target))
	dst = append(dst, `","http":"`...)
	dst = appendVersion(dst, r.Version)
	dst = append(dst, '"')
	if r.TLS.Version != 0 {
		dst = append(dst, `,"tls":"`...)
		dst = append(dst, failure.TLSVersionName(r.TLS.Version)...)
		dst = append(dst, `","tls_cipher":"`...)
		dst = append(dst, tls.CipherSuiteName(r.TLS.Cipher)...)
		dst = append(dst, `","tls_resumed":`...)
		dst = strconv.AppendBool(dst, r.TLS.Resumed)
	}
	dst = append(dst, `,"status":`...)
	dst = appendInt(dst, int64(r.Status))
	dst = append(dst, `,"outcome":"`...)
	dst = append(dst, r.Outcome.String()...)
	dst = append(dst, `","failure":"`...)
	if r.Cache != record.CacheNone {
		dst = append(dst, `","cache":"`...)
		dst = append(dst, r.Cache.String()...)
	}
	if !r.Hidden.IsNone() {
		dst = append(dst, `","hidden":"`...)
		dst = append(dst, r.Hidden.String()...)
	}
	dst = append(dst, `","body_in":`...)
	dst = appendInt(dst, r.BodyIn)
	dst = append(dst, `,"body_out":`...)
	dst = appendInt(dst, r.BodyOut)
	dst = append(dst, `,"total_ms":`...)
	dst = appendMS(dst, r.Total)
	dst = append(dst, `,"phases":`...)
	dst = appendPhases(dst, &r.Phases)
	return appendOrdinaryRoute(dst, r)
}

// appendOrdinaryRoute writes the second half: where the exchange went, and what
// only some clients send.
func appendOrdinaryRoute(dst []byte, r *record.Record) []byte {
	var server string
	var reused bool
	if a := r.LastAttempt(); a != nil {
		server, reused = a.Server, a.Reused
	}
	dst = append(dst, `,"site":"`...)
	dst = appendText(dst, []byte(r.Site))
	dst = append(dst, `","route":"`...)
	dst = appendText(dst, []byte(r.Route))
	dst = append(dst, `","upstream":"`...)
	dst = appendText(dst, []byte(r.Upstream))
	dst = append(dst, `","server":"`...)
	dst = appendText(dst, []byte(server))
	dst = append(dst, `","upstream_status":`...)
	dst = appendInt(dst, int64(r.UpStatus))
	dst = append(dst, `,"attempts":`...)
	dst = appendInt(dst, int64(r.AttemptLen))
	dst = append(dst, `,"reused":`...)
	dst = strconv.AppendBool(dst, reused)
	if b := r.Text(record.UserAgent); len(b) > 0 {
		dst = append(dst, `,"user_agent":`...)
		dst = appendString(dst, b)
	}
	if b := r.Text(record.Referer); len(b) > 0 {
		dst = append(dst, `,"referer":`...)
		dst = appendString(dst, b)
	}
	for i := range cutKeys {
		if c := &cutKeys[i]; r.TextCut(c.text) {
			dst = append(dst, c.key...)
		}
	}
	return dst
}

// cutKeys are the members that mark a text as cut.
var cutKeys = [...]struct {
	text record.Text
	key  string
}{
	{record.RequestID, `,"client_request_id_cut":true`},
	{record.Method, `,"method_cut":true`},
	{record.Host, `,"host_cut":true`},
	{record.Target, `,"target_cut":true`},
	{record.UserAgent, `,"user_agent_cut":true`},
	{record.Referer, `,"referer_cut":true`},
}

// appendClientAndPeer appends both addresses with the key between them. Most
// clients are their own peer: then the address is spelled out once.
func appendClientAndPeer(dst []byte, client netip.Addr, peer netip.AddrPort) []byte {
	const key = `,"peer":`
	begin := len(dst)
	dst = appendAddr(dst, client)
	if !client.Is4() || client != peer.Addr() {
		dst = append(dst, key...)
		return appendAddrPort(dst, peer)
	}
	address := dst[begin : len(dst)-1] // without the closing quote
	dst = append(dst, key...)
	dst = append(dst, address...)
	dst = append(dst, ':')
	dst = appendInt(dst, int64(peer.Port()))
	return append(dst, '"')
}
