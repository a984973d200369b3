// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// Entry is one line of a journal: a request that arrived.
type Entry struct {
	// At is when it was written down, Sent when the visitor sent it, by the field X-Sent;
	// zero if that was not there. A server that was frozen writes late what it got in time.
	At, Sent time.Time
	// What is page, order or health.
	What string
	// Order is the order's number, 0 for the others.
	Order int
}

// ReadJournal reads a journal. One that was never begun is empty.
func ReadJournal(path string) ([]Entry, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Entry
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 4 {
			return nil, fmt.Errorf("%s: a line is %q", path, line)
		}
		at, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		sent, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		e := Entry{At: time.Unix(0, at), What: words[2]}
		if sent != 0 {
			e.Sent = time.Unix(0, sent)
		}
		if e.What == "order" {
			if e.Order, err = strconv.Atoi(words[3]); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		list = append(list, e)
	}
	return list, nil
}
