// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ailment is what is wrong with a shop. The zero value is well.
type ailment struct {
	// slow is added to the work of every request.
	slow time.Duration
	// share of the requests, 0 to 1, suffer.
	share  float64
	suffer func(s *Server, w http.ResponseWriter, r *http.Request)
	// health: it is the health check that suffers, and nothing else.
	health bool
}

// sufferings are what can happen instead of an answer.
var sufferings = map[string]func(s *Server, w http.ResponseWriter, r *http.Request){
	"500": func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the shop has a bug", http.StatusInternalServerError)
	},
	"503": func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the shop is full", http.StatusServiceUnavailable)
	},
	"garbage": func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		seize(w, func(c *net.TCPConn) { _, _ = io.WriteString(c, "\x00\x01\x02 segmentation fault\r\n\r\n") })
	},
	"reset": func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		seize(w, func(c *net.TCPConn) { _ = c.SetLinger(0) })
	},
	"close": func(_ *Server, w http.ResponseWriter, _ *http.Request) { seize(w, func(*net.TCPConn) {}) },
	// Nothing at all until the peer goes.
	"silence": func(s *Server, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	},
}

// seize ends the connection after f.
func seize(w http.ResponseWriter, f func(c *net.TCPConn)) {
	nc, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f(nc.(*net.TCPConn))
	_ = nc.Close()
}

func (a *ailment) show(s *Server, w http.ResponseWriter, r *http.Request) { a.suffer(s, w, r) }

// hits reports whether request n suffers: the share is spread evenly, and the same in
// every run.
func (a *ailment) hits(n uint64) bool {
	return uint64(float64(n)*a.share) != uint64(float64(n-1)*a.share)
}

// Orders lists what Tell takes.
const Orders = `well                 nothing is wrong
slow DURATION        every request takes so much longer
fail WHAT SHARE      a share of the requests, 0 to 1, gets 500, 503, garbage, reset, close or silence
sick                 the health check says 500, and everything else works
shut                 connections are ended, and no more are accepted: the listen queue is full`

var errOrder = errors.New("shop: no such order")

// Tell changes what is wrong with the shop.
func (s *Server) Tell(order string) error {
	words := strings.Fields(order)
	if len(words) == 0 {
		return errOrder
	}
	a := &ailment{}
	shut := false
	var err error
	switch {
	case words[0] == "well" && len(words) == 1:
	case words[0] == "shut" && len(words) == 1:
		shut = true
	case words[0] == "sick" && len(words) == 1:
		a.health, a.suffer = true, sufferings["500"]
	case words[0] == "slow" && len(words) == 2:
		a.slow, err = time.ParseDuration(words[1])
	case words[0] == "fail" && len(words) == 3:
		a.suffer = sufferings[words[1]]
		a.share, err = strconv.ParseFloat(words[2], 64)
		if a.suffer == nil {
			err = errOrder
		}
	default:
		err = errOrder
	}
	if err != nil {
		return fmt.Errorf("%w: %q", err, order)
	}
	s.ailment.Store(a)
	if shut {
		return s.gate.shut()
	}
	s.gate.open()
	return nil
}
