// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	cloudflareAPI        = "https://api.cloudflare.com/client/v4"
	cloudflareLimitBytes = 1 << 20
	cloudflareTimeout    = 30 * time.Second
)

// Cloudflare is a DNSProvider for zones at Cloudflare.
type Cloudflare struct {
	// Token may edit the DNS of the zones (Zone / DNS / Edit, and Zone / Zone / Read
	// to find them).
	Token string

	api string // its address; empty: Cloudflare's
}

// cloudflareAnswer is the envelope of every answer.
type cloudflareAnswer struct {
	Success bool `json:"success"`
	Errors  []struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
	Result json.RawMessage `json:"result"`
}

type cloudflareThing struct {
	ID string `json:"id"`
}

// Present adds the record.
func (c *Cloudflare) Present(ctx context.Context, name, value string) error {
	zone, err := c.zone(ctx, name)
	if err != nil {
		return err
	}
	record := map[string]any{"type": "TXT", "name": name, "content": `"` + value + `"`, "ttl": 60}
	_, err = c.call(ctx, http.MethodPost, "/zones/"+zone+"/dns_records", record)
	return err
}

// CleanUp deletes the record, and no other at its name.
func (c *Cloudflare) CleanUp(ctx context.Context, name, value string) error {
	zone, err := c.zone(ctx, name)
	if err != nil {
		return err
	}
	for _, content := range []string{`"` + value + `"`, value} { // records from before quotes were kept have none
		query := url.Values{"type": {"TXT"}, "name": {name}, "content": {content}}
		records, err := c.call(ctx, http.MethodGet, "/zones/"+zone+"/dns_records?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		for _, r := range records {
			if _, err = c.call(ctx, http.MethodDelete, "/zones/"+zone+"/dns_records/"+url.PathEscape(r.ID), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// zone finds the zone that name is in: the longest one that the token can see.
func (c *Cloudflare) zone(ctx context.Context, name string) (string, error) {
	for rest := name; strings.Contains(rest, "."); {
		found, err := c.call(ctx, http.MethodGet, "/zones?"+url.Values{"name": {rest}}.Encode(), nil)
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return url.PathEscape(found[0].ID), nil
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return "", fmt.Errorf("certs: cloudflare: the token sees no zone that %s is in", name)
}

// call makes one call and returns the things of its result, one or a list.
func (c *Cloudflare) call(ctx context.Context, method, path string, body any) ([]cloudflareThing, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudflareTimeout)
	defer cancel()
	things, err := c.exchange(ctx, method, path, body)
	if err != nil {
		return nil, fmt.Errorf("certs: cloudflare: %s %s: %w", method, path, err)
	}
	return things, nil
}

func (c *Cloudflare) exchange(ctx context.Context, method, path string, body any) ([]cloudflareThing, error) {
	base := c.api
	if base == "" {
		base = cloudflareAPI
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if body == nil {
		text = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(io.LimitReader(response.Body, cloudflareLimitBytes))
	if err != nil {
		return nil, err
	}
	var answer cloudflareAnswer
	if err = json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%s, and no JSON: %w", response.Status, err)
	}
	if !answer.Success {
		if len(answer.Errors) == 0 {
			return nil, errors.New(response.Status)
		}
		return nil, fmt.Errorf("%s: %s (code %d)", response.Status, answer.Errors[0].Message, answer.Errors[0].Code)
	}
	var many []cloudflareThing
	if json.Unmarshal(answer.Result, &many) == nil {
		return many, nil
	}
	var one cloudflareThing
	if err = json.Unmarshal(answer.Result, &one); err != nil {
		return nil, err
	}
	return []cloudflareThing{one}, nil
}
