// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/lab/shop"
)

// It does what it is told, ends with its input, and its journal tells of both lives: I1.
func TestRun(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	for life := range 2 {
		in, orders := io.Pipe()
		printed, out := io.Pipe()
		ended := make(chan error, 1)
		ctx, leave := context.WithCancel(t.Context())
		go func() { ended <- run(ctx, []string{"-journal", journal}, in, out) }()
		addr, err := bufio.NewReader(printed).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + strings.TrimSpace(addr) + shop.Page
		want := http.StatusOK
		if life == 1 {
			want = http.StatusInternalServerError
			if _, err := io.WriteString(orders, "fail 500 1\n"); err != nil {
				t.Fatal(err)
			}
		}
		for deadline := time.Now().Add(5 * time.Second); ; { // an order takes effect in its own time
			resp, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("life %d: %s", life, resp.Status)
			}
		}
		http.DefaultClient.CloseIdleConnections()
		if life == 0 {
			orders.Close()
		}
		if life == 1 {
			leave()
		}
		if err := <-ended; err != nil {
			t.Errorf("life %d ended with %v", life, err)
		}
		leave()
	}
	if list, err := shop.ReadJournal(journal); len(list) < 2 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	if err := run(t.Context(), []string{"-work", "x"}, strings.NewReader(""), io.Discard); err == nil {
		t.Error("a bad flag is taken")
	}
	if err := run(t.Context(), nil, strings.NewReader("dance\n"), io.Discard); err == nil {
		t.Error("a bad order is taken")
	}
}
