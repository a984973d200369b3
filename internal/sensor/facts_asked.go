// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import "time"

// enough is of how many requests a share says something.
const enough = 10

// seeAsked sees whose requests they are, and what takes the servers' time.
func seeAsked(v *view) {
	if v.c.pool == nil {
		return
	}
	all := v.c.pool.askedSince(v.onset)
	if len(all) < enough {
		return
	}
	clients, counts, n := shares(all, func(a *asked) (string, bool) { return a.client.String(), a.client.IsValid() })
	if n > 0 {
		v.number("top_client_share", float64(counts[clients[0]])/float64(n), "one client sent %d of %d requests", counts[clients[0]], n)
	}
	nets, inNet, n := shares(all, func(a *asked) (string, bool) { return network(a.client).String(), a.client.IsValid() })
	if n > 0 {
		v.number("top_network_share", float64(inNet[nets[0]])/float64(n), "%s sent %d of %d requests", nets[0], inNet[nets[0]], n)
	}
	byPath, total := map[string]time.Duration{}, time.Duration(0)
	targets, files, robots, cdn, known, once := map[uint64]int{}, 0, 0, 0, 0, 0
	for _, a := range all {
		byPath[a.path.String()] += a.took
		total += a.took
		targets[a.target]++
		if a.file {
			files++
		}
		if a.robot {
			robots++
		}
		if a.peer.IsValid() {
			known++
			if v.s.isCDN(a.peer) {
				cdn++
			}
		}
	}
	top, most := "", time.Duration(0)
	for path, d := range byPath {
		if d > most || d == most && path < top {
			top, most = path, d
		}
	}
	if total > 0 {
		n := 0
		for _, a := range all {
			if a.path.String() == top {
				n++
			}
		}
		share, part := float64(most)/float64(total), float64(n)/float64(len(all))
		each := most / time.Duration(n)
		v.truth("costly_path", share > 0.5 && share > 2*part && each >= costly && v.busy(total/time.Duration(len(all))) >= 0.5,
			"%s used %.0f %% of the servers' time with %d of %d requests, %.1f s each", top, 100*share, n, len(all), each.Seconds())
		v.number("top_path_share", float64(most)/float64(total), "%s used %.0f %% of the servers' time", top, 100*float64(most)/float64(total))
	}
	for _, k := range targets {
		if k == 1 {
			once++
		}
	}
	v.number("distinct_share", float64(once)/float64(len(all)), "%d of %d requests were for URLs that were asked for only once", once, len(all))
	v.truth("assets_asked", files*4 > len(all)-files, "%d requests for files (pictures, styles, scripts) came beside %d for pages", files, len(all)-files)
	v.number("bots_share", float64(robots)/float64(len(all)), "%d of %d requests came from robots, by what they call themselves (User-Agent)", robots, len(all))
	if known > 0 {
		v.truth("from_cdn", 2*cdn > known, "%d of %d requests came from networks of a CDN", cdn, known)
	}
}

// costly is how long a page takes a server at least that uses it up with few requests.
const costly = 100 * time.Millisecond

// busy is how many requests the upstream has in hand on average if each takes so long.
func (v *view) busy(each time.Duration) float64 {
	now := v.now.Unix()
	return each.Seconds() * float64(v.c.pool.secs.sum(now-10, now-1).requests) / 10
}

// seeLeft sees after how long clients leave.
func seeLeft(v *view) {
	if v.c.pool == nil {
		return
	}
	from := v.onset.Add(-before)
	median, left := middle(v.c.pool.left.list, func(d departure) (float64, bool) { return d.after.Seconds(), !d.at.Before(from) })
	if len(left) < few {
		return
	}
	v.number("left_median", median, "%d clients left before their answer, after %s", len(left), span(left))
	v.truth("left_clustered", clustered(left, wallSlack(median)), "of %d clients that left before their answer most did so after %s", len(left), span(left))
}
