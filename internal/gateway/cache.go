// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"errors"
	"time"

	"causey/internal/admin"
	"causey/internal/cache"
	"causey/internal/config"
	"causey/internal/metrics"
)

// usesCache reports that a route has a cache.
func usesCache(c *config.Config) bool {
	for i := range c.Sites {
		for j := range c.Sites[i].Routes {
			if c.Sites[i].Routes[j].Cache.On {
				return true
			}
		}
	}
	return false
}

// openCache returns the store of cfg's routes: the present one, a new one where there
// was none, or nil where no route has a cache. The present one keeps what it has over a
// reload.
func (g *Gateway) openCache(cfg *config.Config, present *cache.Store) (*cache.Store, error) {
	switch {
	case !usesCache(cfg):
		return nil, nil
	case present != nil:
		if cfg.Cache.Disk != g.cfg.Cache.Disk {
			g.opts.Logger.Warn("changes of cache.disk take effect at the next start")
		}
		return present, nil
	}
	d := cfg.Cache.Disk
	return cache.New(cacheLimits(cfg), cache.DiskOptions{Path: d.Path, Size: int64(d.Size)},
		cache.Env{Now: g.clock.now, After: time.After, Logger: g.opts.Logger})
}

func cacheLimits(cfg *config.Config) cache.Limits {
	c := &cfg.Cache
	return cache.Limits{Memory: int64(c.Memory), ObjectMax: int64(c.MaxObject), CollapseWait: c.CollapseWait.Std()}
}

// cacheRule makes the cache of a route, nil if it has none.
func (l *live) cacheRule(c *config.RouteCache) *cache.Rule {
	if !c.On {
		return nil
	}
	rule := cache.NewRule(l.cache, cache.Options{
		StaleIfError: c.StaleIfError.Std(), StaleWhileRevalidate: c.StaleWhileRevalidate.Std(), DefaultTTL: c.DefaultTTL.Std(),
		BypassCookies: c.BypassCookies, BypassHeaders: c.BypassHeaders, IgnoreQuery: c.IgnoreQuery,
		ObeyClients: c.ClientDirectives == config.DirectivesObey,
	})
	l.rules = append(l.rules, rule)
	return rule
}

// cacheSnapshot tells the state of a store for a scrape.
func cacheSnapshot(store *cache.Store) metrics.Cache {
	if store == nil {
		return metrics.Cache{}
	}
	st := store.Stats()
	m := metrics.Cache{Objects: st.Objects, Bytes: st.Bytes, Incoming: st.Filling, Kept: st.Kept, Abandoned: st.Abandoned}
	if d := st.Disk; d != nil {
		m.DiskObjects, m.DiskBytes, m.Loaded = d.Files, d.Bytes, d.Loads
		m.Skipped, m.DiskFailures, m.BrokenOnDisk = d.Skipped, d.Failures, d.Broken
	}
	return m
}

// useCache puts what cfg says of caches to use.
func (g *Gateway) useCache(cfg *config.Config, l live) {
	if l.cache != nil {
		l.cache.Use(cacheLimits(cfg), l.rules)
	}
	g.env.Refreshes.SetMax(cfg.Cache.Refreshes)
}

// cacheStore returns the present store, nil for none.
func (g *Gateway) cacheStore() *cache.Store {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.live.cache
}

// cacheState tells the admin side what is kept.
func (g *Gateway) cacheState() admin.CacheState {
	store := g.cacheStore()
	if store == nil {
		return admin.CacheState{}
	}
	st := store.Stats()
	out := admin.CacheState{On: true, Objects: st.Objects, Bytes: st.Bytes, BytesMax: st.BytesMax, IncomingBytes: st.Filling,
		Kept: st.Kept, Abandoned: st.Abandoned}
	if d := st.Disk; d != nil {
		out.Disk = &admin.CacheDiskState{Path: d.Path, Objects: d.Files, Bytes: d.Bytes, BytesMax: d.SizeMax,
			Loaded: d.Loads, Skipped: d.Skipped, Failed: d.Failures, Broken: d.Broken, Trouble: d.Trouble}
	}
	return out
}

// purge makes the cache forget.
func (g *Gateway) purge(p admin.Purge) (r admin.PurgeResult, err error) {
	store := g.cacheStore()
	switch {
	case store == nil:
	case p.All:
		r.Dropped = store.PurgeAll()
	case p.Tag != "":
		r.Dropped = store.PurgeTag(p.Tag)
	case p.Host != "":
		r.Dropped = store.PurgeHost(p.Host)
	default:
		var ok bool
		if r.Dropped, ok = store.PurgeURL(p.URL); !ok {
			err = errors.New("url must be a whole URL, such as https://shop.example/catalogue")
		}
	}
	return r, err
}
