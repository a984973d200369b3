// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	asksMax    = 8                     // questions to the ask URL at a time
	askEvery   = 50 * time.Millisecond // and after a burst of asksBurst, from question to question
	asksBurst  = 50
	askTimeout = 5 * time.Second
)

// errRefused: the ask URL says that a name may have no certificate.
var errRefused = errors.New("certs: the ask URL refuses the name")

// asker asks the owner's URL about names, at a pace that strangers do not set.
type asker struct {
	url    *url.URL
	token  string
	client *http.Client
	places chan struct{}
	pace   pacer
	now    func() time.Time
	after  func(time.Duration) <-chan time.Time
}

func newAsker(a *automatic, o OnDemand) *asker {
	u, _ := url.Parse(o.Ask) // checked before
	return &asker{
		url: u, token: o.Token, now: a.now, after: a.after,
		client: &http.Client{
			Timeout:       askTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		places: make(chan struct{}, asksMax), pace: pacer{every: askEvery, burst: asksBurst},
	}
}

// ask waits for its turn and asks: nil if the name may have a certificate, errRefused
// if it may not, another error if there is no answer.
func (k *asker) ask(ctx context.Context, name string) error {
	select {
	case k.places <- struct{}{}:
		defer func() { <-k.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if wait := k.pace.wait(k.now()); wait > 0 {
		select {
		case <-k.after(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	u := *k.url
	query := u.Query()
	query.Set("domain", name)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	if k.token != "" {
		request.Header.Set("Authorization", "Bearer "+k.token)
	}
	response, err := k.client.Do(request)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			return of.Err // without the URL, which is longer than what is wrong
		}
		return err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // so that the connection can be used again
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return errRefused
	}
	return fmt.Errorf("certs: the ask URL answered %s", response.Status) // a wrong token, say: no word about the name
}
