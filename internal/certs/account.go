// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// account is ours at the CA: registered once, then kept in the storage.
type account struct {
	mu    sync.Mutex
	known acme.Account
}

// get returns the account: known, stored, or registered now. Gateways that share
// the storage register one, by the storage's lock.
func (c *account) get(ctx context.Context, i *issuer) (acme.Account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.Status != "" {
		return c.known, nil
	}
	storage, at := i.a.storage, accountPath(i.key)
	if err := storage.Lock(ctx, "account_"+i.key); err != nil {
		return acme.Account{}, fmt.Errorf("certs: storage: %w", err)
	}
	defer func() { _ = storage.Unlock(context.WithoutCancel(ctx), "account_"+i.key) }()
	stored, err := loadAccount(ctx, storage, at)
	switch {
	case err == nil:
		c.known = i.withContact(ctx, stored)
		return c.known, nil
	case !errors.Is(err, fs.ErrNotExist):
		return acme.Account{}, fmt.Errorf("certs: the stored account: %w", err)
	}
	fresh, err := register(ctx, i)
	if err != nil {
		return acme.Account{}, fmt.Errorf("registering an account: %w", err)
	}
	if err := storeAccount(ctx, storage, at, fresh); err != nil {
		return acme.Account{}, fmt.Errorf("certs: storing the account: %w", err)
	}
	c.known = fresh
	return fresh, nil
}

// withContact tells the CA another mail address, if the configuration has another
// than the account. An account is usable whatever its address, so that failing to is
// only told.
func (i *issuer) withContact(ctx context.Context, stored acme.Account) acme.Account {
	wanted := i.contact()
	if slices.Equal(stored.Contact, wanted) || len(wanted) == 0 {
		return stored // to take an address away is no reason to disturb the CA
	}
	stale := stored
	stored.Contact = wanted
	// Not what the CA makes of it: the configuration is what it is compared with.
	_, err := i.client.UpdateAccount(ctx, acme.Account{
		Contact: wanted, Location: stored.Location, PrivateKey: stored.PrivateKey,
	})
	if err == nil {
		err = storeAccount(ctx, i.a.storage, accountPath(i.key), stored)
	}
	if err != nil {
		i.a.log.Warn("certs: cannot tell the CA the new mail address; it has the old one until the next start", "error", err)
		return stale
	}
	return stored
}

// contact is the mail address as an account has it.
func (i *issuer) contact() []string {
	if i.a.conf.Email == "" {
		return nil
	}
	return []string{"mailto:" + i.a.conf.Email}
}

// forget drops an account that the CA does not know (any more), unless another order
// or gateway has already put another in its place.
func (c *account) forget(ctx context.Context, i *issuer, location string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.Location != location {
		return
	}
	c.known = acme.Account{}
	storage, at := i.a.storage, accountPath(i.key)
	if storage.Lock(ctx, "account_"+i.key) != nil {
		return // if it stays, the next order tells
	}
	defer func() { _ = storage.Unlock(context.WithoutCancel(ctx), "account_"+i.key) }()
	if stored, err := loadAccount(ctx, storage, at); err != nil || stored.Location == location {
		_ = storage.Delete(ctx, at+".json")
	}
}

func register(ctx context.Context, i *issuer) (acme.Account, error) {
	generated, err := certmagic.StandardKeyGenerator{KeyType: certmagic.P256}.GenerateKey()
	if err != nil {
		return acme.Account{}, err
	}
	signer, ok := generated.(crypto.Signer)
	if !ok {
		return acme.Account{}, errors.New("a key that cannot sign")
	}
	return i.client.NewAccount(ctx, acme.Account{PrivateKey: signer, TermsOfServiceAgreed: true, Contact: i.contact()})
}

func accountPath(key string) string {
	return path.Join("accounts", certmagic.StorageKeys.Safe(key), "account")
}

func loadAccount(ctx context.Context, storage *certmagic.FileStorage, at string) (acme.Account, error) {
	var stored acme.Account
	text, err := storage.Load(ctx, at+".json")
	if err != nil {
		return stored, err
	}
	if err = json.Unmarshal(text, &stored); err != nil {
		return stored, err
	}
	key, err := storage.Load(ctx, at+".key")
	if err != nil {
		return stored, err
	}
	stored.PrivateKey, err = certmagic.PEMDecodePrivateKey(key)
	return stored, err
}

func storeAccount(ctx context.Context, storage *certmagic.FileStorage, at string, c acme.Account) error {
	key, err := certmagic.PEMEncodePrivateKey(c.PrivateKey)
	if err != nil {
		return err
	}
	if err = storage.Store(ctx, at+".key", key); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return storage.Store(ctx, at+".json", text) // last: with it the account exists
}
