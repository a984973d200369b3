// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	opUpdate      = 5                     // RFC 2136, section 1.3
	classNone     = dnsmessage.Class(254) // section 2.4
	typeTSIG      = 250                   // RFC 8945, section 4.2
	tsigFudge     = 300                   // seconds that the clocks may differ; section 10 recommends it
	notAuth       = dnsmessage.RCode(9)   // RFC 2136, section 2.2, and RFC 8945, section 5.2
	updateTTL     = 60
	updateTimeout = 20 * time.Second
)

// Update is a DNSProvider that changes a zone by dynamic updates (RFC 2136), signed
// with a shared key (RFC 8945). BIND, Knot, PowerDNS and Windows take them.
type Update struct {
	// Server is the zone's primary, as host:port. Zone is the zone's name.
	Server, Zone string
	// KeyName, Secret (base64) and Algorithm ("hmac-sha256", also if empty, or
	// "hmac-sha512") sign the update. Without KeyName it is not signed.
	KeyName, Secret, Algorithm string
	// Now is the clock: time.Now.
	Now func() time.Time
}

// Present adds the record.
func (u *Update) Present(ctx context.Context, name, value string) error {
	return u.send(ctx, name, value, dnsmessage.ClassINET)
}

// CleanUp deletes the record, and no other at its name.
func (u *Update) CleanUp(ctx context.Context, name, value string) error {
	return u.send(ctx, name, value, classNone)
}

func (u *Update) send(ctx context.Context, name, value string, class dnsmessage.Class) error {
	message, err := u.message(name, value, class)
	if err != nil {
		return fmt.Errorf("certs: DNS update of %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	code, err := exchange(ctx, u.Server, message)
	switch {
	case err != nil:
		return fmt.Errorf("certs: DNS update of %s: %w", name, err)
	case code == notAuth:
		return fmt.Errorf("certs: DNS update of %s: %s refuses it: it is not the zone's primary, or the key or a clock is wrong",
			name, u.Server)
	case code != dnsmessage.RCodeSuccess:
		return fmt.Errorf("certs: DNS update of %s: %s refuses it: %v", name, u.Server, code)
	}
	return nil
}

// message makes the signed update.
func (u *Update) message(name, value string, class dnsmessage.Class) ([]byte, error) {
	if !strings.HasSuffix(name, "."+u.Zone) {
		return nil, fmt.Errorf("the name is not in the zone %s", u.Zone)
	}
	zone, err := dnsmessage.NewName(u.Zone + ".")
	if err != nil {
		return nil, err
	}
	owner, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, err
	}
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), OpCode: opUpdate},
		Questions: []dnsmessage.Question{{Name: zone, Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET}},
		Authorities: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: class},
			Body:   &dnsmessage.TXTResource{TXT: []string{value}},
		}},
	}
	if class == dnsmessage.ClassINET { // "TTL MUST be specified as zero" for a deletion (section 2.5.4)
		m.Authorities[0].Header.TTL = updateTTL
	}
	packed, err := m.Pack()
	if err != nil || u.KeyName == "" {
		return packed, err
	}
	return u.sign(packed)
}

// sign appends the TSIG record, whose digest covers the message before it and its
// own variables (RFC 8945, section 4.3.3).
func (u *Update) sign(message []byte) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(u.Secret)
	if err != nil {
		return nil, fmt.Errorf("the secret is not base64: %w", err)
	}
	var digest func() hash.Hash
	algorithm := u.Algorithm
	switch algorithm {
	case "", "hmac-sha256":
		algorithm, digest = "hmac-sha256", sha256.New
	case "hmac-sha512":
		digest = sha512.New
	default:
		return nil, fmt.Errorf("unknown algorithm %q", algorithm)
	}
	key, err := wireName(u.KeyName)
	if err != nil {
		return nil, err
	}
	alg, _ := wireName(algorithm)
	stamp := binary.BigEndian.AppendUint64(nil, uint64(u.Now().Unix()))[2:] // 48 bits
	stamp = binary.BigEndian.AppendUint16(stamp, tsigFudge)

	variables := append([]byte{}, key...)
	variables = append(variables, 0, 255, 0, 0, 0, 0) // class ANY, TTL 0
	variables = append(append(variables, alg...), stamp...)
	variables = append(variables, 0, 0, 0, 0) // no error, no other data
	mac := hmac.New(digest, secret)
	mac.Write(message)
	mac.Write(variables)
	sum := mac.Sum(nil)

	data := append(append([]byte{}, alg...), stamp...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(sum)))
	data = append(data, sum...)
	data = append(data, message[:2]...) // the ID
	data = append(data, 0, 0, 0, 0)
	message = append(message, key...)
	message = append(message, 0, typeTSIG, 0, 255, 0, 0, 0, 0)
	message = binary.BigEndian.AppendUint16(message, uint16(len(data)))
	message = append(message, data...)
	binary.BigEndian.PutUint16(message[10:], binary.BigEndian.Uint16(message[10:])+1) // ARCOUNT
	return message, nil
}

// wireName packs a name in lower case and uncompressed, as the digest wants it.
func wireName(name string) ([]byte, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !isDNSName(name) {
		return nil, fmt.Errorf("%q is no name of a key", name)
	}
	var wire []byte
	for label := range strings.SplitSeq(name, ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return append(wire, 0), nil
}

// exchange sends a message over TCP and returns the response code. The answer's own
// signature is not looked at: one who forges it makes an order fail, which he could
// by dropping it too.
func exchange(ctx context.Context, server string, message []byte) (dnsmessage.RCode, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	if _, err = conn.Write(append(framed, message...)); err != nil {
		return 0, err
	}
	var size [2]byte
	if _, err = io.ReadFull(conn, size[:]); err != nil {
		return 0, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err = io.ReadFull(conn, answer); err != nil {
		return 0, err
	}
	var p dnsmessage.Parser
	header, err := p.Start(answer)
	switch {
	case err != nil:
		return 0, err
	case !header.Response || header.ID != binary.BigEndian.Uint16(message):
		return 0, errors.New("an answer to another message")
	}
	return header.RCode, nil
}
