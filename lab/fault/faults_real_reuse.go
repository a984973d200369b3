// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"time"

	"causey/lab/real"
)

// realReuse are servers that close connections which the gateway means to use again. They
// stand some way off: on loopback a gateway nearly always sees the close before it sends.
var realReuse = []*Fault{
	{Cause: "ka.idle_race", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { // Node says 1 s and closes a second after that
			return s.quiet(nodeShop("KEEPALIVE_MS=1000"), 100*time.Millisecond, 1900*time.Millisecond)
		}},
	{Cause: "ka.idle_race", Name: "gunicorn", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error { // gunicorn says nothing, and looks once a second who has been idle for 1 s
			return s.quiet(gunicornShop("--workers 1 --threads 8 --keep-alive 1"), 200*time.Millisecond, 1500*time.Millisecond)
		}},
	{Cause: "ka.max_requests", Means: Real, Scope: "upstream",
		Set: func(s *Stage) error {
			s.Visitors.Clients = 2
			s.also(Ask{Method: "POST", Path: "/cart", Body: 300, Weight: 12})
			node, err := s.launch(nodeShop("ROTATE=15"))
			if err != nil {
				return err
			}
			far, err := s.distance(node.Addr(), 80*time.Millisecond)
			s.Config = shopConfig("", far)
			return err
		}},
}

// quiet sets up a shop, and a chat at some distance whose only visitor looks for news by a
// POST, about as often as the server closes idle connections.
func (s *Stage) quiet(chat real.Program, delay, every time.Duration) error {
	shop, err := s.launch(nodeShop())
	if err != nil {
		return err
	}
	p, err := s.launch(chat)
	if err != nil {
		return err
	}
	far, err := s.distance(p.Addr(), delay)
	if err != nil {
		return err
	}
	s.Config = sitesConfig(section{"shop", "", []string{shop.Addr()}}, section{"chat", "", []string{far}})
	s.Others = []Visitors{{Clients: 1, Asks: []Ask{{Method: "POST", Path: "/cart", Host: "chat.example", Body: 20, Every: every}}}}
	return nil
}
