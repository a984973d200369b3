// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"time"
)

// Cache bounds what the caches of all routes keep together.
type Cache struct {
	Memory       Size      `json:"memory"`
	MaxObject    Size      `json:"max_object"`
	CollapseWait Duration  `json:"collapse_wait"`
	Refreshes    int       `json:"refreshes"`
	Disk         CacheDisk `json:"disk,omitzero"`
}

// IsZero reports that nothing differs from the defaults.
func (c Cache) IsZero() bool { return c == cacheDefaults }

// CacheDisk is where answers outlive the process; a Path of "" is nowhere.
type CacheDisk struct {
	Path string `json:"path"`
	Size Size   `json:"size"`
}

// IsZero reports that there is no disk.
func (c CacheDisk) IsZero() bool { return c.Path == "" }

// RouteCache is what a route's cache may do.
type RouteCache struct {
	// On is whether the route has one: by the word on, or by a mapping.
	On                   bool     `json:"-"`
	StaleIfError         Duration `json:"stale_if_error"`
	StaleWhileRevalidate Duration `json:"stale_while_revalidate"`
	DefaultTTL           Duration `json:"default_ttl"`
	BypassCookies        []string `json:"bypass_cookies"`
	BypassHeaders        []string `json:"bypass_headers"`
	IgnoreQuery          []string `json:"ignore_query"`
	// ClientDirectives says whether the Cache-Control of requests counts.
	ClientDirectives ClientDirectives `json:"client_directives"`
}

// IsZero reports that the route has no cache.
func (c RouteCache) IsZero() bool { return !c.On }

// ClientDirectives is what the Cache-Control of requests is worth.
type ClientDirectives string

// What it is worth.
const (
	DirectivesIgnore ClientDirectives = "ignore"
	DirectivesObey   ClientDirectives = "obey"
)

var cacheDiskKind = object[CacheDisk]{
	name: "cache disk",
	doc:  "A second store, on disk, that survives restarts. Answers go to both; what memory has no room for is read from here.",
	fields: []field[CacheDisk]{
		{entry{name: "path", required: true, sample: "path: /var/cache/causey",
			doc:   "A directory of its own, which is made if it is not there. What is in its files is checked before it is used.",
			avoid: "Never share it between two gateways, nor with anything else: files with names like ours are removed."},
			to(filePath, func(c *CacheDisk) *string { return &c.Path })},
		{entry{name: "size", def: "1GiB",
			doc:   "How much of the disk it may take. The answers not used for the longest time go first. A disk that is full before, or breaks, is reported, and the cache goes on in memory.",
			peers: "nginx `proxy_cache_path … max_size`, without a bound unless told."},
			to(within(sizeKind, 1<<20, 1<<44), func(c *CacheDisk) *Size { return &c.Size })},
	},
	shortShape: filePath.shape,
	short: func(d *decoder, c cursor, disk *CacheDisk) (ok bool) {
		disk.Path, ok = filePath.read(d, c)
		return ok
	},
}.kind()

var cacheKind = object[Cache]{
	name: "cache",
	doc:  "What the caches of all routes may take together. Nothing is kept unless a route says `cache: on`.",
	fields: []field[Cache]{
		{entry{name: "memory", def: "64MiB",
			doc:   "How many bytes of answers are kept in memory, with what keeping them costs. Answers on their way in may take half as much besides.",
			avoid: "Leave room for the connections: each active one takes some 16 KiB.",
			peers: "Varnish `-s malloc`, Caddy's Souin 100 MB and more, HAProxy `total-max-size` in megabytes."},
			to(within(sizeKind, 1<<20, 1<<40), func(c *Cache) *Size { return &c.Memory })},
		{entry{name: "max_object", def: "4MiB",
			doc:   "The longest body that is kept. Longer ones pass. At most a quarter of `memory`, and 256 MiB.",
			avoid: "Videos and archives want a server that sends files, not a cache in memory: one of them would drive out a thousand pages.",
			peers: "HAProxy `max-object-size`, 1/256 of its cache; nginx none."},
			to(within(sizeKind, 1<<10, 256<<20), func(c *Cache) *Size { return &c.MaxObject })},
		{entry{name: "collapse_wait", def: "5s",
			doc:   "Of several requests for an answer that is not there, one asks the server and the others wait for it, for this long; then each asks for itself. Answers that turn out not to be kept make nobody wait. Where a stale answer may stand in, a server has this long too to begin its answer.",
			peers: "nginx `proxy_cache_lock_timeout` 5 s, off unless told."},
			to(between(time.Millisecond, time.Minute), func(c *Cache) *Duration { return &c.CollapseWait })},
		{entry{name: "refreshes", def: "64",
			doc: "How many answers that were served stale are asked for anew at a time, while nobody waits for them."},
			to(integer(1, 10_000), func(c *Cache) *int { return &c.Refreshes })},
		{entry{name: "disk", doc: "A store that survives restarts. A text is its directory."},
			to(cacheDiskKind, func(c *Cache) *CacheDisk { return &c.Disk })},
	},
	check: func(d *decoder, c cursor, v *Cache) {
		if v.MaxObject > v.Memory/4 {
			d.fail(d.at("%s.max_object", c.path), "raise memory, or lower max_object", "max_object is %s and above a quarter of memory, which is %s", v.MaxObject, v.Memory)
		}
	},
}.kind()

var cacheDefaults = cacheKind.preset()

var cacheSwitch = onOff(func(string) string { return "write on, off, or keys: {stale_if_error: 1h}" })

var cookiePatternKind = leaf(&shape{
	name: "cookie", want: "the name of a cookie, such as session or wp_*", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^[!#-'+.^_`|~0-9A-Za-z-]{1,128}\\*?$"},
}, parsePattern)

var parameterKind = leaf(&shape{
	name: "parameter", want: "the name of a query parameter, such as gclid or utm_*", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^[!#-'+.^_`|~0-9A-Za-z-]{1,128}\\*?$"},
}, parsePattern)

var fieldNameKind = leaf(&shape{
	name: "field", want: "the name of a field, such as x-preview", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^[!#-'*+.^_`|~0-9A-Za-z-]{1,128}$"},
}, func(s string) (string, error) {
	if len(s) > patternLimitBytes || !isToken(s) {
		return "", wrong("letters, digits and hyphens", "%s is no name of a field", quote(s))
	}
	return strings.ToLower(s), nil
})

const patternLimitBytes = 128

// parsePattern reads a name that may end in a star.
func parsePattern(s string) (string, error) {
	front := s
	if n := len(s); n > 0 && s[n-1] == '*' {
		front = s[:n-1]
	}
	if len(s) > patternLimitBytes || !isToken(front) || strings.Contains(front, "*") {
		return "", wrong("a name, or its front with a * at the end", "%s is no name", quote(s))
	}
	return s, nil
}

// sessionCookies are those by which widespread software knows a visitor: a page made for
// one who has them is not for others.
const sessionCookies = `["wordpress_logged_in_*", "wp-postpass_*", "comment_author_*", woocommerce_items_in_cart, "wp_woocommerce_session_*", ` +
	`PHPSESSID, JSESSIONID, "ASP.NET_SessionId", ".AspNetCore.*", connect.sid, sessionid, laravel_session, _session_id, "PrestaShop-*", "SESS*", "SSESS*"]`

var routeCacheKind = object[RouteCache]{
	name: "route cache",
	doc:  "What is kept of the answers of a route, and for whom. Answers say themselves how long they are good (RFC 9111: Cache-Control, Expires); never kept are those that are private, set a cookie, or have a status of 500 and above. See cache.md.",
	fields: []field[RouteCache]{
		{entry{name: "stale_if_error", def: "24h",
			doc:   "How long after its end an answer may stand in where the server cannot be reached, is too slow, or answers with 500 and above, unless the answer says its own time (`stale-if-error`) or forbids it (`must-revalidate`, `proxy-revalidate`, `s-maxage`, `no-cache`). 0 for never.",
			avoid: "0 where an old answer is worse than none, such as prices or seats.",
			peers: "nginx `proxy_cache_use_stale` off, Varnish grace 10 s, Fastly off."},
			to(between(0, 365*day), func(c *RouteCache) *Duration { return &c.StaleIfError })},
		{entry{name: "stale_while_revalidate", def: "0",
			doc:   "How long after its end an answer is still served at once, while it is asked for anew, unless the answer says its own time or forbids it.",
			peers: "Varnish does so within its grace of 10 s; nginx `proxy_cache_background_update`, off."},
			to(between(0, 365*day), func(c *RouteCache) *Duration { return &c.StaleWhileRevalidate })},
		{entry{name: "default_ttl", def: "0",
			doc:   "How long an answer of status 200 is good that says nothing about it, to a request without cookies. 0 leaves such answers to RFC 9111: a tenth of the time since Last-Modified, a day at most; without that they are not kept.",
			avoid: "Only for routes whose pages are the same for everybody.",
			peers: "Varnish 2 minutes, nginx `proxy_cache_valid`, none unless told."},
			to(between(0, 365*day), func(c *RouteCache) *Duration { return &c.DefaultTTL })},
		{entry{name: "bypass_cookies", def: "[" + sessionCookies[1:len(sessionCookies)-1] + "]",
			doc:   "Requests with one of these cookies go to the server, and its answer is not kept: they belong to somebody who is logged in, or has a cart. A name may end in `*`.",
			avoid: "Shorten it only if you know what your application does: a page with the name of one customer must not reach another.",
			peers: "nginx `proxy_cache_bypass` and `proxy_no_cache`, none unless told; Varnish passes every request with any cookie."},
			to(list(cookiePatternKind, 0, 256), func(c *RouteCache) *[]string { return &c.BypassCookies })},
		{entry{name: "bypass_headers", def: "[]",
			doc: "The same for requests with one of these fields."},
			to(list(fieldNameKind, 0, 64), func(c *RouteCache) *[]string { return &c.BypassHeaders })},
		{entry{name: "ignore_query", def: "[]",
			doc:   "Query parameters that make no difference to the answer, such as `utm_*`, `gclid` and `fbclid`: requests that differ only in them share one. The server still sees them.",
			avoid: "Never a parameter that the application reads."},
			to(list(parameterKind, 0, 256), func(c *RouteCache) *[]string { return &c.IgnoreQuery })},
		{entry{name: "client_directives", def: "ignore",
			doc:   "Whether the Cache-Control of a request counts (`obey`) or not (`ignore`). RFC 9111 leaves it to the cache.",
			avoid: "Not `obey` on the open net: whoever sends `no-cache` then reaches your server with every request.",
			peers: "nginx, Varnish and CDNs ignore it, Squid and Apache obey."},
			to(enum("client_directives", DirectivesIgnore, DirectivesObey), func(c *RouteCache) *ClientDirectives { return &c.ClientDirectives })},
	},
	check: func(d *decoder, c cursor, v *RouteCache) {
		v.On = true
		d.noDuplicates(c.path+".bypass_cookies", v.BypassCookies)
		d.noDuplicates(c.path+".bypass_headers", v.BypassHeaders)
		d.noDuplicates(c.path+".ignore_query", v.IgnoreQuery)
	},
	shortShape: cacheSwitch.shape,
	short: func(d *decoder, c cursor, v *RouteCache) (ok bool) {
		v.On, ok = cacheSwitch.read(d, c)
		return ok
	},
}.kind()

// checkCache finds a cache that nothing uses.
func (d *decoder) checkCache(c *Config) {
	for i := range c.Sites {
		for j := range c.Sites[i].Routes {
			if c.Sites[i].Routes[j].Cache.On {
				return
			}
		}
	}
	if _, written := d.where["cache"]; written {
		d.warn(d.at("cache"), "write cache: on in a route", "no route has a cache, so this does nothing")
	}
}
