// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"causey/internal/record"
)

// browser drives a headless Chromium through its debugging protocol.
type browser struct {
	t       *testing.T
	ws      *websocket.Conn
	calls   int
	session string
	// complaints are what the page wrote to the console: errors, broken rules of
	// the content policy.
	complaints []string
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// openBrowser starts the browser with one blank page. It skips the test where
// there is none.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" || testing.Short() {
		t.Skip("no chromium here, or -short: the page is not opened in a browser")
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", "--remote-allow-origins=http://127.0.0.1", "about:blank")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		if b.ws != nil {
			_ = b.ws.Close()
		}
		_ = cmd.Process.Kill()
		reading.Wait()
		_ = cmd.Wait()
	})
	address := make(chan string, 1)
	reading.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if a, ok := strings.CutPrefix(lines.Text(), "DevTools listening on "); ok {
				address <- a
			}
		}
	})
	select {
	case a := <-address:
		if b.ws, err = websocket.Dial(a, "", "http://127.0.0.1"); err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		t.Skip("chromium does not start here")
	}
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call makes one call and waits for its result.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.calls++
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.ws.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		b.t.Fatal(err)
	}
	if err := websocket.JSON.Send(b.ws, message{ID: b.calls, Method: method, SessionID: b.session, Params: raw}); err != nil {
		b.t.Fatal(err)
	}
	for {
		var m message
		if err := websocket.JSON.Receive(b.ws, &m); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded":
			b.complaints = append(b.complaints, string(m.Params))
		case m.ID != b.calls:
		case m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		default:
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatal(err)
				}
			}
			return
		}
	}
}

// eval evaluates JavaScript and returns its value as text.
func (b *browser) eval(js string) string {
	b.t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": js, "awaitPromise": true, "returnByValue": true}, &out)
	if out.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", js, out.ExceptionDetails)
	}
	return fmt.Sprint(out.Result.Value)
}

// until waits for an expression to be true.
func (b *browser) until(js string) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); b.eval("!!("+js+")") != "true"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("not in time: %s; the page says: %s; complaints: %v", js, b.eval("document.body.innerText"), b.complaints)
		}
	}
}

// open opens the page of ts in a window of that width.
func (b *browser) open(ts *testServer, path string, width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]any{"name": "prefers-color-scheme", "value": scheme}, map[string]any{"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.call("Page.navigate", map[string]any{"url": ts.url + path}, nil)
	b.until(`document.getElementById("state")?.textContent === "live"`)
	b.until(`document.getElementById("counts").children.length === 5 && document.getElementById("codes").children.length > 0`)
}

// shoot keeps a picture in $CAUSEY_PAGE_SHOTS, for people to look at.
func (b *browser) shoot(name string) {
	dir := os.Getenv("CAUSEY_PAGE_SHOTS")
	if dir == "" {
		return
	}
	b.eval(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn())))`)
	var shot struct{ Data []byte }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": !strings.Contains(name, "details")}, &shot)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) wantNoComplaint() {
	b.t.Helper()
	for _, c := range b.complaints {
		b.t.Errorf("the browser complains: %s", c)
	}
}

// weakContrast lists texts whose contrast with what lies behind them is below 4.5
// (WCAG 2.2, 1.4.3 AA).
const weakContrast = `(() => {
  const parts = (c) => (c.match(/[0-9.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (c) => { const [r, g, b] = parts(c).map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, p = parts(c); if (p.length < 4 || p[3] === 1) return c; } return "rgb(255,255,255)"; };
  const weak = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) weak.push(ratio.toFixed(2) + " " + e.className + ": " + e.textContent.slice(0, 40));
  }
  return weak.join("\n");
})()`

func TestPageShowsFailures(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, nil)
	for _, look := range []struct {
		name, scheme string
		width        int
	}{{"desktop-light", "light", 1360}, {"desktop-dark", "dark", 1360}, {"tablet-light", "light", 900}, {"phone-light", "light", 390}, {"phone-dark", "dark", 390}} {
		b.open(ts, "/", look.width, look.scheme)
		b.until(`document.getElementById("rows").rows.length === 10`)
		b.shoot(look.name)
		if weak := b.eval(weakContrast); weak != "" {
			t.Errorf("%s: too little contrast:\n%s", look.name, weak)
		}
		if wide := b.eval("document.documentElement.scrollWidth"); wide != fmt.Sprint(look.width) {
			t.Errorf("%s: the page is %s wide in a window of %d", look.name, wide, look.width)
		}
	}
	text := b.eval("document.body.innerText")
	for _, want := range []string{"upstream.connect.refused", "/checkout?step=2", "app2.internal:9000", "10 failures", "30.0 s", "blog.internal:80"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	// A failure that comes now appears by itself, on top.
	ts.opts.Store.Consume([]record.Record{bad(77)})
	b.until(`document.getElementById("rows").rows.length === 11`)

	// What clients caused, a filter, a code.
	b.eval(`document.getElementById("clients").click()`)
	b.until(`document.getElementById("rows").rows.length === 15`)
	b.eval(`f = document.getElementById("filter"), f.value = "blog", f.dispatchEvent(new Event("input"))`)
	b.until(`document.getElementById("rows").rows.length === 2`)
	b.eval(`f.value = "no such thing", f.dispatchEvent(new Event("input"))`)
	b.until(`document.getElementById("empty").innerText.includes("Nothing here matches")`)
	b.eval(`f.value = "", f.dispatchEvent(new Event("input"))`)
	b.eval(`[...document.querySelectorAll("#codes button")].find((e) => e.innerText.includes("upstream.connect.refused")).click()`)
	b.until(`document.getElementById("rows").rows.length === 3`)
	b.wantNoComplaint()
}

func TestPageDetails(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, nil)
	b.open(ts, "/", 1360, "light")
	b.until(`document.getElementById("rows").rows.length === 10`)
	for i, name := range []string{"refused", "timeout", "short", "nxdomain", "reused", "banner", "", "hostile"} {
		if name == "" {
			continue
		}
		id := sampleRecords()[i+1].ID.String()
		b.eval(`i = document.getElementById("lookup-id"), i.value = " ` + strings.ToUpper(id) + ` ", i.form.requestSubmit()`)
		b.until(`document.getElementById("details").open && document.getElementById("details-body").innerText.includes("` + id + `")`)
		b.shoot("details-" + name)
		if hash := b.eval("location.hash"); hash != "#"+id {
			t.Errorf("the address ends in %s", hash)
		}
	}
	text := b.eval(`document.getElementById("details").innerText`)
	for _, want := range []string{`"x-\x00<img src=x onerror=alert(1)>"`, "48 54 54 50", "HTTP/1.1 200 OK·", `\u{202e}<script>`, "ff 5c 0d 0a", "Illegal header field"} {
		if !strings.Contains(text, want) {
			t.Errorf("the details do not show %q", want)
		}
	}
	// By keyboard: Escape closes, Enter on a row's button opens.
	key := func(key string) {
		for _, kind := range []string{"keyDown", "keyUp"} {
			p := map[string]any{"type": kind, "key": key, "code": key}
			if key == "Enter" {
				p["text"], p["windowsVirtualKeyCode"] = "\r", 13
			} else {
				p["windowsVirtualKeyCode"] = 27
			}
			b.call("Input.dispatchKeyEvent", p, nil)
		}
	}
	key("Escape")
	b.until(`!document.getElementById("details").open && location.hash === ""`)
	b.eval(`document.querySelector("#rows tr:last-child button").focus()`)
	key("Enter")
	b.until(`document.getElementById("details-title").innerText === "Server refuses connections"`)
	b.wantNoComplaint()

	// A link with a reference id opens it; one that is gone says so.
	b.open(ts, "/#"+sampleRecords()[3].ID.String(), 390, "dark")
	b.until(`document.getElementById("details-body").innerText.includes("1,966,080 bytes")`)
	b.shoot("phone-details")
	b.open(ts, "/#zvebn63p-00000000zzz", 1360, "dark")
	b.until(`document.getElementById("details-body").innerText.includes("No exchange with this id is kept")`)
}

// TestPageIsSafeFromItsContents: what strangers sent is shown and does nothing.
func TestPageIsSafeFromItsContents(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, nil)
	b.open(ts, "/", 1360, "dark")
	b.until(`document.body.innerText.includes('<script>document.title="owned"</script>')`)
	if n := b.eval(`document.querySelectorAll("img, script:not([src='page.js'], [src='servers.js'], [src='incidents.js']), iframe, b").length + (document.title === "Causey" ? 0 : 100)`); n != "0" {
		t.Errorf("hostile text became %s elements", n)
	}
	b.wantNoComplaint()
	// The policy itself: inline script, inline handlers and foreign requests fail.
	b.complaints = nil
	b.eval(`(() => { const s = document.createElement("script"); try { s.textContent = "window.owned = 1" } catch {} document.body.append(s) })()`)
	b.eval(`fetch("http://127.0.0.2:1/").catch(() => {})`)
	if b.eval("window.owned") == "1" || len(b.complaints) == 0 {
		t.Errorf("the content policy lets an inline script run (%d complaints)", len(b.complaints))
	}
}

// TestPageShowsServers: each state in words with its reason, what happened, and what
// no visitor saw.
func TestPageShowsServers(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, nil)
	b.open(ts, "/", 1360, "light")
	b.until(`document.getElementById("servers").rows.length === 7`)
	text := b.eval("document.body.innerText")
	for _, want := range []string{
		"3 more failures stayed unseen: 2 by retry, 1 by hold, 1 by hedge", "maintenance, by hand", "was put into maintenance by hand: new disk <b>",
		"in service, 40 % of its share", "left out: answers badly", "draining, by hand", "no server in service", "3 requests wait for a server", "61 good, 3 bad",
		"5 servers not in service", "3 of 5 servers are left out by checks and statistics", "<b>app",
		"Server refuses connections on app.internal:9000, but another attempt went well; it was held until a server could be asked (1.8 s): GET shop.example/cart",
		"Answered 503 on app2.internal:9000, but another attempt went well",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	b.eval(`[...document.querySelectorAll("#saved button")].at(-1).click()`)
	b.until(`document.getElementById("details-title").innerText === "Saved: the visitor saw no failure"`)
	b.until(`document.getElementById("details-body").innerText.includes("The visitor saw nothing of it.")`)
	b.shoot("details-saved")
	b.wantNoComplaint()
}

// TestPageShowsIncidents: a card for each that is open, in three parts; those that are over
// below.
func TestPageShowsIncidents(t *testing.T) {
	b := openBrowser(t)
	var stage atomic.Int32
	ts := startServer(t, func(o *Options) {
		o.Incidents = incidentsOf(func() incidentsAre {
			some := sampleIncidents(time.Now().Add(-15 * time.Minute))
			switch stage.Load() {
			case 1:
				some[0].Title = "It has changed"
			case 2:
				some = nil
			}
			return some
		})
	})
	for _, look := range []struct {
		name, scheme string
		width        int
	}{{"incidents-desktop-light", "light", 1360}, {"incidents-desktop-dark", "dark", 1360}, {"incidents-phone-light", "light", 390}} {
		b.open(ts, "/", look.width, look.scheme)
		b.until(`document.querySelectorAll("#incidents article").length === 4`)
		b.eval(`document.querySelectorAll("#incidents details").forEach((d) => d.open = true)`)
		b.shoot(look.name)
		if weak := b.eval(weakContrast); weak != "" {
			t.Errorf("%s: too little contrast:\n%s", look.name, weak)
		}
		if wide := b.eval("document.documentElement.scrollWidth"); wide != fmt.Sprint(look.width) {
			t.Errorf("%s: the page is %s wide in a window of %d", look.name, wide, look.width)
		}
	}
	text := b.eval(`document.getElementById("incidents-box").innerText`)
	for _, want := range []string{
		"4 incidents now", "app.internal:9000: No program listens on the server's port", "critical: most of what is asked for fails; the cause is as good as sure",
		"Server refuses connections. 40 requests of visitors failed", "tcp.refused.down (F009), confidence 93 %", "+1.5", "it had answered 4120 requests before", "−0.3",
		"The server was restarted, 5 %. Does it come back by itself", "systemctl status NAME", `/<script>document.title="owned"</script>`, `\u{202e}`, "<b>the application</b>",
		"No cause stands out yet.", "nothing fails any more", "The gateway: <i>The database is full</i>", "900 requests failed",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the incidents do not show %q: %s", want, text)
		}
	}
	// What a reader has opened stays open when something changes; an example leads to its
	// exchange.
	stage.Store(1)
	b.until(`document.querySelector("#incidents article").innerText.includes("It has changed")`)
	if shut := b.eval(`document.querySelectorAll("#incidents details:not([open])").length`); shut != "0" {
		t.Errorf("%s foldings were shut by a change", shut)
	}
	b.eval(`[...document.querySelectorAll("#incidents .link")][0].click()`)
	b.until(`document.getElementById("details-body").innerText.includes("20260309-a1")`)
	b.eval(`[...document.querySelectorAll("#details-body button")].find((e) => e.innerText === "20260309-a1").click()`)
	b.until(`!document.getElementById("details").open`)
	stage.Store(2)
	b.until(`document.getElementById("incidents-box").hidden`)
	b.wantNoComplaint()

	b.open(startServer(t, func(o *Options) { o.Diagnosing, o.Incidents = false, incidentsAre(nil) }), "/", 1360, "light")
	b.until(`document.getElementById("incidents-sum").innerText.startsWith("the diagnosis is off")`)
}

// TestPageShowsCertificates: the worst first, each state in words.
func TestPageShowsCertificates(t *testing.T) {
	b := openBrowser(t)
	var none atomic.Bool
	ts := startServer(t, func(o *Options) {
		some := o.Certificates
		o.Certificates = func() []Certificate {
			if none.Load() {
				return nil
			}
			return some()
		}
	})
	for _, look := range []struct {
		name, scheme string
		width        int
	}{{"certificates-desktop-light", "light", 1360}, {"certificates-desktop-dark", "dark", 1360}, {"certificates-phone-light", "light", 390}} {
		b.open(ts, "/", look.width, look.scheme)
		b.until(`document.getElementById("certificates").rows.length === 9`)
		b.shoot(look.name)
		if weak := b.eval(weakContrast); weak != "" {
			t.Errorf("%s: too little contrast:\n%s", look.name, weak)
		}
		if wide := b.eval("document.documentElement.scrollWidth"); wide != fmt.Sprint(look.width) {
			t.Errorf("%s: the page is %s wide in a window of %d", look.name, wide, look.width)
		}
	}
	states := b.eval(`[...document.querySelectorAll("#certificates .state span:last-child")].map((e) => e.innerText).join()`)
	if want := "expired,not there yet,renewal fails,renewal fails,expires soon,ok,ok,ok,ok"; states != want {
		t.Errorf("the states are %s, want %s", states, want)
	}
	text := b.eval(`document.querySelector("table.certificates").innerText + document.getElementById("certificates-sum").innerText`)
	for _, want := range []string{"3 days ago", "24 days left", "Let's Encrypt, E7", `<b title="x">`, "9 tries failed", "/etc/causey/tls/shop.pem", "renewal fails: 2", "on demand"} {
		if !strings.Contains(text, want) {
			t.Errorf("the certificates do not show %q: %s", want, text)
		}
	}
	if alarm := b.eval(`document.getElementById("certificates-alarm").innerText`); !strings.Contains(alarm, "4 certificates are in trouble (old.example: expired") {
		t.Errorf("the alarm says %s", alarm)
	}
	none.Store(true)
	b.until(`document.getElementById("certificates-alarm").hidden`)
	b.until(`document.getElementById("no-certificates").innerText.includes("No certificate")`)
	b.wantNoComplaint()
}

func TestPageWithoutFailures(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, func(o *Options) {
		o.Certificates = func() []Certificate { return nil }
		o.Store = NewStore(time.Now().Add(-time.Hour))
		put(o.Store, good, 1, 1204)
	})
	for _, scheme := range []string{"light", "dark"} {
		b.open(ts, "/", 1360, scheme)
		b.until(`document.getElementById("empty").innerText.includes("1,204 exchanges so far")`)
		b.shoot("empty-" + scheme)
	}
	b.wantNoComplaint()
}

// TestPageReconnects: the page says that the gateway is gone, and is live again with
// what it missed when the gateway is back.
func TestPageReconnects(t *testing.T) {
	b := openBrowser(t)
	ts := startServer(t, nil)
	b.open(ts, "/", 1360, "light")
	b.until(`document.getElementById("rows").rows.length === 10`)
	again := ts.opts
	again.Listen = ts.Addr().String()
	again.Socket = filepath.Join(t.TempDir(), "admin.sock")
	_ = ts.tcp.http.Close()
	b.until(`document.getElementById("state").textContent === "reconnecting"`)
	again.Store.Consume([]record.Record{bad(77)})
	startServer(t, func(o *Options) { *o = again })
	b.until(`document.getElementById("state").textContent === "live"`)
	b.until(`document.getElementById("rows").rows.length === 11`)
	http.DefaultClient.CloseIdleConnections()
}
