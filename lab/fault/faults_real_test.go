// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causey/lab/client"
)

// sign is what a fault looks like to visitors who come to the server itself, as a gateway
// would. What it says must not be so before the fault is there.
type sign struct {
	// seen is asked of what visitors saw in the last moments; nil where look says all.
	seen func(Counts) bool
	// look asks the server something of its own.
	look func(ctx context.Context, addr string, s *Stage) error
	// patience is that of the visitors who have none of their own, 0 for 3 s.
	patience time.Duration
	// server is which of the gateway's servers they come to.
	server int
}

// realSigns are those of the faults with real software, by ID.
var realSigns = map[string]sign{
	"dns.stale":                       {seen: noAnswer, look: movedAway},
	"dns.localhost_v6":                {seen: noAnswer, look: refused},
	"tcp.refused.down":                {seen: noAnswer, look: refused},
	"tcp.refused.wrong_port":          {seen: noAnswer, look: refused},
	"tcp.refused.bind_loopback":       {seen: noAnswer, look: refused},
	"tcp.refused.starting":            {seen: noAnswer, look: refused},
	"tcp.backlog_overflow:gunicorn":   {look: dialsLate},
	"unix.missing":                    {seen: noAnswer, look: dials(syscall.ENOENT)},
	"unix.permission":                 {look: mode0600},
	"unix.backlog":                    {look: dials(syscall.EAGAIN)},
	"unix.stale":                      {seen: noAnswer, look: refused},
	"proto.fastcgi":                   {seen: noAnswer},
	"proto.fastcgi:uwsgi":             {seen: noAnswer},
	"req.body_too_large":              {seen: noAnswerOr(413)},
	"req.body_too_large:node":         {seen: noAnswerOr(413)},
	"req.body_too_large:php":          {seen: status(413)},
	"req.headers_too_large":           {seen: status(431)},
	"req.headers_too_large:uwsgi":     {seen: noAnswer},
	"req.headers_too_large:nginx":     {seen: status(400)},
	"resp.header_too_big":             {look: headAbove64KiB},
	"resp.header_too_big:node":        {look: headAbove64KiB},
	"resp.header_too_big:php":         {seen: status(502)},
	"app.oom_killed":                  {seen: cut},
	"app.oom_killed:workers":          {seen: cut},
	"app.crashloop:input":             {seen: noAnswer},
	"app.crashloop":                   {seen: noAnswer, look: refused},
	"app.worker_timeout":              {seen: anyFailed, look: endsAfter("/report", 3*time.Second)},
	"app.worker_timeout:php":          {seen: status(502)},
	"app.recycle":                     {seen: anyFailed},
	"app.poison_request":              {seen: noAnswer},
	"ops.rolling_no_drain":            {seen: noAnswer, look: refused},
	"ops.restart":                     {seen: noAnswer, look: refused},
	"ops.bad_deploy":                  {seen: status(500)},
	"ops.scale_in":                    {seen: noAnswer, look: refused},
	"ops.reload_drop":                 {seen: cut},
	"ops.reload_drop:php":             {seen: status(502)},
	"ops.maintenance":                 {seen: status(503)},
	"ops.one_bad_replica":             {seen: status(500)},
	"ops.periodic_job":                {seen: status(500)},
	"tmo.gateway_too_short":           {seen: func(n Counts) bool { return n.UnderWay > 1 }, look: slow("/export", 3*time.Second)},
	"ops.health_check_wrong":          {look: gets("/healthz", 404, time.Second)},
	"gw.passive_ejection":             {seen: func(n Counts) bool { return n.Status[502] > 20 }},
	"ws.upgrade_refused":              {seen: status(426)},
	"ws.idle_cut":                     {seen: cut},
	"ws.idle_cut:gateway":             {look: staysOpen("/live", 5*time.Second)},
	"relayed.inner_gateway":           {seen: status(502)},
	"relayed.inner_gateway:haproxy":   {seen: status(503)},
	"relayed.inner_gateway:apache":    {seen: status(503)},
	"relayed.app_emitted":             {seen: status(502)},
	"cli.abort":                       {seen: late},
	"cli.slow_reader":                 {seen: func(n Counts) bool { return n.UnderWay > 4 }},
	"atk.expensive_endpoint:gunicorn": {seen: late},
	"atk.bot_crawl":                   {seen: late},
	"atk.slowloris":                   {seen: late},
	"load.flash_crowd":                {seen: late},
	"load.flash_crowd:purge":          {look: slow("/product/1", 400*time.Millisecond)},
	"load.retry_storm":                {seen: func(n Counts) bool { return n.Left > 200 }},
	"ka.idle_race":                    {seen: anyFailed, server: 1},
	"ka.idle_race:gunicorn":           {seen: anyFailed, server: 1},
	"ka.max_requests":                 {look: closesAfter(15)},
	"cap.phpfpm_max_children":         {seen: late, look: gets("/static/1.css", 200, time.Second)},
	"cap.workers_saturated":           {seen: late},
	"cap.app_limit":                   {seen: status(503)},
	"cap.cpu_starved":                 {seen: late, look: slow("/static/1.css", 300*time.Millisecond)},
	"cap.db_slow":                     {look: slowBut("/product/1", "/static/1.css", 500*time.Millisecond)},
	"cap.db_down_or_pool":             {seen: status(500), patience: 8 * time.Second},
	"cap.db_down_or_pool:locked":      {seen: status(500)},
	"app.dependency_slow":             {seen: late},
	"cap.gc_pause":                    {look: slow("/static/1.css", time.Second)},
	"cap.event_loop_blocked":          {look: slow("/static/1.css", 1500*time.Millisecond)},
	"app.deadlock":                    {seen: late},
	"resp.cl_and_te":                  {look: bothLengths},
}

// noAnswerOr is for servers that answer and close at once, which may break the sending
// first.
func noAnswerOr(code int) func(Counts) bool {
	return func(n Counts) bool { return n.Failed+n.Status[code] > 2 }
}

func cut(n Counts) bool { return n.Cut > 2 }

func anyFailed(n Counts) bool { return n.Failed > 0 }

func noAnswer(n Counts) bool { return n.Failed > 2 }
func late(n Counts) bool     { return n.Left > 2 }

func refused(ctx context.Context, addr string, _ *Stage) error {
	return dials(syscall.ECONNREFUSED)(ctx, addr, nil)
}

var resolverOf = regexp.MustCompile(`resolver: \["([^"]+)"`)

// movedAway wants a refusal at the old address, while the name has another one.
func movedAway(ctx context.Context, addr string, s *Stage) error {
	server := resolverOf.FindStringSubmatch(s.Config)[1]
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server)
	}}
	found, err := r.LookupHost(ctx, "app.shop.internal.")
	if old, _, _ := strings.Cut(addr, ":"); err != nil || len(found) != 1 || found[0] == old {
		return fmt.Errorf("%s, once %s, is at %v: %v", "app.shop.internal", old, found, err)
	}
	return refused(ctx, addr, s)
}

// dials wants a dial that ends with an error of the kernel.
func dials(want syscall.Errno) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, _ *Stage) error {
		network := "tcp"
		if path, ok := strings.CutPrefix(addr, "unix:"); ok {
			network, addr = "unix", path
		}
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, want) {
			return fmt.Errorf("dial %s: %v, want %v", addr, err, want)
		}
		return nil
	}
}

// dialsLate wants a dial that takes a second or more, as when the kernel drops SYNs.
func dialsLate(ctx context.Context, addr string, _ *Stage) error {
	d := net.Dialer{Timeout: 900 * time.Millisecond}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		c.Close()
		return errors.New("connected at once")
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

func mode0600(_ context.Context, addr string, _ *Stage) error {
	info, err := os.Stat(strings.TrimPrefix(addr, "unix:"))
	if err == nil && info.Mode().Perm() != 0o600 {
		err = errors.New(info.Mode().String())
	}
	return err
}

// gets wants a status of a path within a time.
func gets(path string, status int, within time.Duration) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, _ *Stage) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return err
		}
		began := time.Now()
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != status || took > within {
			return fmt.Errorf("%s: %s after %v", path, resp.Status, took)
		}
		return nil
	}
}

// head is the head of an answer to GET path as it comes.
func head(ctx context.Context, addr, path string) (string, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n", path); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	before, _, _ := strings.Cut(string(text), "\r\n\r\n")
	return before, err
}

func headAbove64KiB(ctx context.Context, addr string, _ *Stage) error {
	text, err := head(ctx, addr, "/account")
	if err == nil && len(text) <= 64<<10 {
		err = fmt.Errorf("the head has %d bytes", len(text))
	}
	return err
}

func bothLengths(ctx context.Context, addr string, _ *Stage) error {
	text, err := head(ctx, addr, "/both")
	if err == nil && (!strings.Contains(text, "\r\nContent-Length: 5") || !strings.Contains(text, "\r\nTransfer-Encoding: chunked")) {
		err = fmt.Errorf("the head is %q", text)
	}
	return err
}

// slow wants an answer that takes longer than d.
func slow(path string, d time.Duration) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, s *Stage) error {
		began := time.Now()
		if err := gets(path, http.StatusOK, time.Minute)(ctx, addr, s); err != nil {
			return err
		}
		if took := time.Since(began); took < d {
			return fmt.Errorf("%s took %v", path, took)
		}
		return nil
	}
}

// slowBut wants a path that is slow, and then another that is not.
func slowBut(path, other string, d time.Duration) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, s *Stage) error {
		return errors.Join(slow(path, d)(ctx, addr, s), gets(other, http.StatusOK, d)(ctx, addr, s))
	}
}

// closesAfter wants the end of a connection behind the nth answer, without a word before.
func closesAfter(n int) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, _ *Stage) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		in := bufio.NewReader(c)
		for i := range n {
			if _, err := io.WriteString(c, "GET /static/1.css HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
				return err
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				return fmt.Errorf("answer %d: %w", i+1, err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close {
				return fmt.Errorf("answer %d says that the connection ends, or %v", i+1, err)
			}
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("it does not end: %v", err)
		}
		return nil
	}
}

// endsAfter wants a connection that ends without a byte after d, and at most a second later.
func endsAfter(path string, d time.Duration) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, _ *Stage) error {
		began := time.Now()
		text, err := head(ctx, addr, path)
		if took := time.Since(began); text != "" || took < d || took > d+1500*time.Millisecond {
			return fmt.Errorf("%q and %v after %v", text, err, took)
		}
		return nil
	}
}

// staysOpen wants a silent WebSocket that the server does not end within d.
func staysOpen(path string, d time.Duration) func(context.Context, string, *Stage) error {
	return func(ctx context.Context, addr string, _ *Stage) error {
		w, err := client.DialWebSocket(ctx, client.Target{Addr: addr, Deadline: d}, "shop.example", path)
		if err != nil {
			return err
		}
		if r := w.Leave(client.Wait); r.End != client.Deadline {
			return fmt.Errorf("it ended by %s", r.End)
		}
		return nil
	}
}

// status wants so many answers of a status.
func status(code int) func(Counts) bool {
	return func(n Counts) bool { return n.Status[code] > 2 }
}

// atATime bounds how many stages there are at a time: most of the time they wait.
const atATime = 10

// TestRealFaults sets each fault with real software up, has visitors come to the server
// itself, and breaks it.
func TestRealFaults(t *testing.T) {
	eachFault(t, realFaults, func(t *testing.T, f *Fault) {
		want, ok := realSigns[f.ID()]
		if !ok {
			t.Fatal("nobody knows its sign; write it in realSigns")
		}
		checkFault(t, f, want)
	})
}

// eachFault tests faults beside each other, more than there are processors.
func eachFault(t *testing.T, faults []*Fault, test func(*testing.T, *Fault)) {
	next := make(chan *Fault)
	var wg sync.WaitGroup
	for range atATime {
		wg.Go(func() {
			for f := range next {
				t.Run(f.ID(), func(t *testing.T) { test(t, f) })
			}
		})
	}
	for _, f := range faults {
		next <- f
	}
	close(next)
	wg.Wait()
}

var serversOf = regexp.MustCompile(`servers: \[([^\]]*)\]`)

// checkFault is the whole life of a fault without a gateway.
func checkFault(t *testing.T, f *Fault, want sign) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	dir, err := os.MkdirTemp("", "cz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := NewStage(ctx, dir, "", 1)
	s.Logf = t.Logf
	t.Cleanup(s.Close)
	mayNeed(t, f.Set(s))
	t.Cleanup(func() {
		for _, p := range s.processes {
			if t.Failed() {
				text := p.Log()
				t.Logf("log of %s:\n%s", p.Name(), text[max(0, len(text)-2000):])
			}
		}
	})
	s.Gateway = oneServer(t, s, want.server)
	if s.Visitors.Patience == 0 {
		s.Visitors.Patience = cmp.Or(want.patience, 3*time.Second)
	}
	visit, leave := context.WithCancel(ctx)
	crowds := s.Visit(visit)
	t.Cleanup(func() {
		leave()
		for _, c := range crowds {
			c.Wait()
		}
	})
	var start Counts
	if f.Break != nil {
		healthy(ctx, t, s, want)
		start = sum(s.crowds)
		mayNeed(t, f.Break(s))
	}
	began := time.Now()
	if want.look != nil {
		for err = want.look(ctx, s.Gateway, s); err != nil && time.Since(began) < 12*time.Second; err = want.look(ctx, s.Gateway, s) {
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Errorf("the server's own sign is not there: %v", err)
		}
	}
	if want.seen != nil {
		if last := await(ctx, s, func(n Counts) bool { return want.seen(minus(n, start)) }); !want.seen(minus(last, start)) {
			t.Errorf("visitors do not see it: %+v, at the break %+v", last, start)
		}
	}
	t.Logf("seen after %.1f s", time.Since(began).Seconds())
	if f.Mend != nil {
		if err := f.Mend(s); err != nil {
			t.Errorf("mend: %v", err)
		}
	}
}

// healthy waits until twenty visitors in a row have seen nothing of the fault. On a busy
// machine some may see what only looks like it.
func healthy(ctx context.Context, t *testing.T, s *Stage, want sign) {
	t.Helper()
	var seen Counts
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
		mark := sum(s.crowds)
		seen = minus(await(ctx, s, func(n Counts) bool { return n.Whole > mark.Whole+20 }), mark)
		if want.seen != nil && !want.seen(seen) || want.seen == nil && want.look(ctx, s.Gateway, s) != nil {
			return
		}
	}
	t.Fatalf("it is there before it is made: %+v", seen)
}

// oneServer is one of the servers that the gateway is told of.
func oneServer(t *testing.T, s *Stage, at int) string {
	t.Helper()
	var all []string
	for _, m := range serversOf.FindAllStringSubmatch(s.Config, -1) {
		all = append(all, strings.Split(m[1], ", ")...)
	}
	if at >= len(all) {
		t.Fatalf("no server %d in\n%s", at, s.Config)
	}
	addr := strings.Trim(all[at], `"`)
	if strings.HasPrefix(addr, "app.shop.internal") {
		return s.processes[0].Addr() // as a gateway had it from the name server
	}
	return addr
}

func mayNeed(t *testing.T, err error) {
	t.Helper()
	var needs ErrNeeds
	if errors.As(err, &needs) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// await waits for ok, at most 12 s, and returns what was counted then.
func await(ctx context.Context, s *Stage, ok func(Counts) bool) Counts {
	for end := time.Now().Add(12 * time.Second); ; {
		n := sum(s.crowds)
		if ok(n) || time.Now().After(end) || !pause(ctx, 20*time.Millisecond) {
			return n
		}
	}
}

func sum(crowds []*Crowd) Counts {
	all := Counts{Status: map[int]int{}}
	for _, c := range crowds {
		n := c.Counts()
		all.Asked, all.Whole, all.Failed = all.Asked+n.Asked, all.Whole+n.Whole, all.Failed+n.Failed
		all.Cut, all.Left, all.Missed = all.Cut+n.Cut, all.Left+n.Left, all.Missed+n.Missed
		all.UnderWay += n.UnderWay
		for status, count := range n.Status {
			all.Status[status] += count
		}
	}
	return all
}

func minus(a, b Counts) Counts {
	d := Counts{a.Asked - b.Asked, a.Whole - b.Whole, map[int]int{}, a.Failed - b.Failed, a.Cut - b.Cut, a.Left - b.Left, a.Missed - b.Missed,
		a.UnderWay - b.UnderWay}
	for status, count := range a.Status {
		d.Status[status] = count - b.Status[status]
	}
	return d
}
