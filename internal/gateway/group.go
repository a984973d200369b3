// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"causey/internal/config"
	"causey/internal/exchange"
	"causey/internal/upstream"
)

// The translation of upstreams, and of what routes do about failures.

func groupOptions(c *config.Config, u *config.Upstream) upstream.Options {
	return upstream.Options{
		MaxIdle:     u.KeepAlive.MaxIdle,
		IdleTimeout: u.KeepAlive.IdleTimeout.Std(),
		MaxRequests: uint32(u.KeepAlive.MaxRequests),
		Proxy:       proxyVersion(u),
		Balance: map[config.Balance]upstream.Balance{
			config.BalanceAdaptive: upstream.Adaptive, config.BalanceRoundRobin: upstream.RoundRobin,
			config.BalanceLeast: upstream.LeastRequests, config.BalanceHash: upstream.Hash}[u.Balance],
		Zone:      c.Zone,
		SlowStart: u.SlowStart.Std(),
		Silence:   u.Outliers.Silence.Std(),
		Outlier: upstream.Outlier{
			Consecutive: u.Outliers.Consecutive, FailureRate: part(u.Outliers.FailureRate), MinRequests: u.Outliers.MinRequests,
			Latency: float64(u.Outliers.Latency), MaxShare: part(u.Outliers.MaxShare),
			For: u.Outliers.For.Std(), MaxFor: u.Outliers.MaxFor.Std(),
		},
		Retry: upstream.BudgetOptions{Share: part(u.Retry.Share), Least: float64(u.Retry.Least)},
		Hold:  upstream.HoldOptions{Most: u.HoldRequests},
		Limit: upstream.LimitOptions{Most: u.Concurrency.Most, Adaptive: u.Concurrency.Adaptive},
		Check: checkRules(u),
	}
}

func part(p config.Percent) float64 { return float64(p) / 100 }

// specs describes servers.
func specs(servers []config.Server) []upstream.Spec {
	list := make([]upstream.Spec, 0, len(servers))
	for i := range servers {
		list = append(list, spec(&servers[i]))
	}
	return list
}

func spec(sv *config.Server) upstream.Spec {
	a := &sv.Address
	s := upstream.Spec{
		Place: upstream.Place{Name: a.String(), MaxConnections: int64(sv.MaxConnections)},
		Role:  upstream.Role{Weight: uint32(sv.Weight), Priority: sv.Priority, Zone: sv.Zone},
	}
	if a.Network == config.Unix {
		s.Path, s.Authority = a.Path, "localhost"
		return s
	}
	s.Authority, s.TLS = net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))), a.TLS
	ip, err := netip.ParseAddr(a.Host)
	if err != nil {
		s.Host = a.Host
	}
	s.Addr = netip.AddrPortFrom(ip, a.Port)
	return s
}

// buildRetry is what the exchanges of r do about attempts that fail.
func buildRetry(r *config.Route, u *config.Upstream) exchange.Retry {
	x := exchange.Retry{Tries: r.Retry.Tries, Unsafe: r.RetryUnsafe, Within: r.Retry.Within.Std(), Body: int(r.Retry.Body), Hold: u.Hold.Std(), Hedge: u.Hedge}
	for _, on := range r.Retry.On {
		switch on {
		case config.RetryBroken:
			x.Broken = true
		case config.RetryMalformed:
			x.Malformed = true
		case config.RetryTimeout:
			x.Timeout = true
		default:
			if status, ok := on.Status(); ok {
				x.Statuses = append(x.Statuses, status)
			}
		}
	}
	return x
}

// buildAffinity is what ties requests to the servers of u.
func buildAffinity(u *config.Upstream) exchange.Affinity {
	a := exchange.Affinity{Cookie: u.Sticky, Name: u.HashBy.Name}
	if u.HashBy.What == config.HashHeader {
		a.Name = strings.ToLower(a.Name)
	}
	if u.Balance == config.BalanceHash {
		a.By = map[config.HashWhat]exchange.AffinityBy{
			config.HashAddress: exchange.ByAddress, config.HashPath: exchange.ByPath,
			config.HashCookie: exchange.ByCookie, config.HashHeader: exchange.ByField}[u.HashBy.What]
	}
	return a
}
