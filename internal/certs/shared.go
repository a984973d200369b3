// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

const (
	sharedDirectory  = "challenges" // in the storage
	sharedLimitBytes = 4 << 10
	sharedLeft       = time.Hour // no order takes that long
	// Strangers can ask for challenges that nobody has. Beyond this pace only our own
	// are answered.
	sharedEvery = 10 * time.Millisecond
	sharedBurst = 100
)

// shared has the answers of the gateways that share the storage: the CA may come to
// any of them. Names of files are hashes, so that no stranger makes us read another.
type shared struct {
	storage *certmagic.FileStorage
	now     func() time.Time
	pace    pacer
}

func newShared(a *automatic) *shared {
	return &shared{storage: a.storage, now: a.now, pace: pacer{every: sharedEvery, burst: sharedBurst}}
}

// sharedAnswer is what a file holds.
type sharedAnswer struct {
	Name   string    `json:"name"`
	Answer string    `json:"answer"`
	Until  time.Time `json:"until"` // the gateway that made it may be gone
}

// sharedKey is where the storage has an answer. token is empty for TLS-ALPN-01, which
// tells only the name.
func sharedKey(name, token string) string {
	sum := sha256.Sum256([]byte(name + "\n" + token))
	return sharedDirectory + "/" + hex.EncodeToString(sum[:]) + ".json"
}

func (s *shared) store(ctx context.Context, token string, c acme.Challenge) error {
	text, err := json.Marshal(sharedAnswer{c.Identifier.Value, c.KeyAuthorization, s.now().Add(orderTimeout)})
	if err != nil {
		return err
	}
	return s.storage.Store(ctx, sharedKey(c.Identifier.Value, token), text)
}

// remove also takes place after an order that was given up.
func (s *shared) remove(ctx context.Context, token string, c acme.Challenge) error {
	return s.storage.Delete(context.WithoutCancel(ctx), sharedKey(c.Identifier.Value, token))
}

// find returns another gateway's answer, false if there is none, or too many are
// looked for.
func (s *shared) find(name, token string) (string, bool) {
	if !s.pace.allow(s.now()) {
		return "", false
	}
	f, err := os.Open(s.storage.Filename(sharedKey(name, token)))
	if err != nil {
		return "", false
	}
	defer f.Close()
	var a sharedAnswer
	if json.NewDecoder(io.LimitReader(f, sharedLimitBytes)).Decode(&a) != nil || a.Name != name || s.now().After(a.Until) {
		return "", false
	}
	return a.Answer, true
}

// certificate answers TLS-ALPN-01 for another gateway, nil if none asked for it.
func (s *shared) certificate(name string) *tls.Certificate {
	answer, ok := s.find(name, "")
	if !ok {
		return nil
	}
	cert, err := acmez.TLSALPN01ChallengeCert(acme.Challenge{
		Type: acme.ChallengeTypeTLSALPN01, KeyAuthorization: answer,
		Identifier: acme.Identifier{Type: "dns", Value: name},
	})
	if err != nil {
		return nil
	}
	return cert
}

// clean removes what gateways left that ended in the middle of an order.
func (s *shared) clean() {
	directory := s.storage.Filename(sharedDirectory)
	left, _ := os.ReadDir(directory) // none if there is no such directory
	for _, entry := range left {
		if info, err := entry.Info(); err == nil && s.now().Sub(info.ModTime()) > sharedLeft {
			_ = os.Remove(filepath.Join(directory, entry.Name()))
		}
	}
}
