// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causey/lab/client"
)

// askServer sends a request to the n-th server as a gateway would, over a fresh connection, and waits 2 s for a whole
// answer.
func askServer(ctx context.Context, s *Stage, n int, request string) client.Result {
	return client.RawUntil(ctx, client.Target{Addr: s.servers()[n], Deadline: 2 * time.Second}, []byte(request),
		client.Responses(strings.Fields(request)[0]))
}

// getting is a GET of the shop's.
func getting(target string, lines ...string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: shop.example\r\n%s\r\n", target, strings.Join(append(lines, ""), "\r\n"))
}

// posting is an order of n bytes, of which so many are sent.
func posting(target string, n, sent int, lines ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n%s\r\n%s", target, n,
		strings.Join(append(lines, ""), "\r\n"), strings.Repeat("x", sent))
}

// answered is the symptom of one request: how the conversation ended, how what arrived begins, and what is in it.
func answered(request string, end client.End, begins, has string) proof {
	return func(ctx context.Context, s *Stage) error {
		return looks(askServer(ctx, s, 0, request), end, begins, has)
	}
}

func looks(r client.Result, end client.End, begins, has string) error {
	got := string(r.Received)
	if r.End != end || !strings.HasPrefix(got, begins) || !strings.Contains(got, has) || (begins == "" && has == "" && got != "") {
		return instead("%s (%v), %.120q", r.End, r.Err, got)
	}
	return nil
}

// every has several symptoms show at once.
func every(all ...proof) proof {
	return func(ctx context.Context, s *Stage) error {
		for _, one := range all {
			if err := one(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// fine is a request that the server answers well.
func fine(request string) proof {
	return answered(request, client.Satisfied, "HTTP/1.1 200 OK\r\n", "")
}

// ofSome is a symptom that shows in some of ten requests.
func ofSome(one proof) proof {
	return func(ctx context.Context, s *Stage) (err error) {
		for range 10 {
			if err = one(ctx, s); err == nil {
				return nil
			}
		}
		return err
	}
}
