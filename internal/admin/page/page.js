// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
"use strict";

// The admin page. It shows what the API says and decides nothing. Whatever comes
// from a client or a server is put on the page as text only (element(), below);
// the content policy forbids everything else.

const rowsMax = 200; // failures on the page; older ones are in the API
const pollEvery = 3000; // milliseconds between looks at counts and upstreams
const failingFor = 60000; // milliseconds after a failure that a server counts as failing
const certificatesMax = 50; // certificates on the page, the worst first
const retryEvery = 5000; // milliseconds before a refused stream is tried again

const $ = (id) => document.getElementById(id);

// visible spells out characters that have no shape of their own, or would turn the
// text around them: controls, bidirectional overrides, invisible marks.
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

// element makes <tag class=…> with children; strings become text.
function element(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  for (const c of children) if (c) e.append(typeof c === "string" ? visible(c) : c);
  return e;
}

// ---- words and numbers

const grouped = new Intl.NumberFormat("en");
const count = (n, one, many) => `${grouped.format(n)} ${n === 1 ? one : many || one + "s"}`;

function milliseconds(ms) {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60000)} min`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function sameDay(a, b) { return a.toDateString() === b.toDateString(); }

// when writes a time as its clock, with the day if that is not today.
function when(iso) {
  const t = new Date(iso);
  return sameDay(t, new Date()) ? clock.format(t) : `${day.format(t)}, ${clock.format(t)}`;
}

function ago(iso) {
  const s = Math.max(0, Math.round((Date.now() - new Date(iso)) / 1000));
  if (s < 2) return "just now";
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.round(s / 60)} min ago`;
  if (s < 172800) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

function stamp(iso) {
  const t = element("time", "", when(iso));
  t.dateTime = iso;
  t.title = `${iso} (UTC)`;
  return t;
}

// ---- what is known of codes

let registry = new Map();

function entryOf(code) {
  return registry.get(code) || { code, title: code, severity: "error", phase: code.split(".")[1] || "" };
}

const marks = { error: ["✕", "error"], warning: ["!", "warning"], client: ["c", "client's own"] };

function mark(severity) {
  const [sign, word] = marks[severity] || marks.error;
  const m = element("span", `mark ${severity}`, sign);
  m.title = word;
  m.setAttribute("aria-label", word);
  m.setAttribute("role", "img");
  return m;
}

function badge(status, outcome) {
  if (!status) return element("span", "badge bad", "none");
  const kind = status >= 500 ? "bad" : status < 400 && outcome !== "cut" ? "fine" : outcome === "cut" ? "bad" : "";
  return element("span", `badge ${kind}`, String(status));
}

const outcomes = {
  relayed: "relayed", answered: "by the gateway", cut: "cut off", "client-left": "client left",
  tunnelled: "tunnel", unanswered: "not answered",
};

// ---- the table of failures

const state = { failures: [], waiting: [], paused: false, filter: "", clients: false, lost: 0, summary: null };

function matches(x) {
  if (!state.clients && entryOf(x.failure).severity === "client") return false;
  if (!state.filter) return true;
  const text = [x.failure, entryOf(x.failure).title, x.site, x.upstream, x.server, x.host, x.method, x.target, x.client, x.status, x.id].join(" ");
  return text.toLowerCase().includes(state.filter);
}

function cell(...children) {
  const td = element("td", "", ...children);
  td.setAttribute("role", "cell");
  return td;
}

function strip(x, failedPhase) {
  const s = element("span", "strip");
  const parts = Object.entries(x.phases).filter(([, ms]) => ms > 0);
  const sum = parts.reduce((n, [, ms]) => n + ms, 0);
  for (const [name, ms] of parts) {
    const i = element("i", name === failedPhase ? "failed" : "");
    i.style.flexGrow = String((100 * ms) / sum);
    i.title = `${name}: ${milliseconds(ms)}`;
    s.append(i);
  }
  s.setAttribute("role", "img");
  s.setAttribute("aria-label", parts.map(([name, ms]) => `${name} ${milliseconds(ms)}`).join(", ") || "no phase took time");
  return s;
}

// tookWords says how long it took, and where most of that went.
function tookWords(x) {
  const [name, ms] = Object.entries(x.phases).reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
  return `${milliseconds(x.total_ms)}${ms >= x.total_ms / 2 && ms > 0 ? `, most in ${name}` : ""}`;
}

function row(x, isNew) {
  const entry = entryOf(x.failure);
  const open = element("button", "", entry.title);
  open.type = "button";
  const what = element("div", `what ${entry.severity}`, mark(entry.severity), element("div", "", open, element("small", "mono", x.failure)));
  const request = `${x.method} ${x.target}`.trim() || "no request was read";
  const tr = element("tr", isNew ? "new" : "");
  tr.setAttribute("role", "row");
  tr.append(
    cell(stamp(x.time)),
    cell(what),
    cell(x.site || x.host || "no site", element("small", "mono", x.server || (x.upstream ? `${x.upstream}: no server` : ""))),
    cell(element("span", "mono cut-text", request), element("small", "", x.client ? `from ${x.client}` : "")),
    cell(badge(x.status, x.outcome), element("small", "", outcomes[x.outcome] || x.outcome)),
    cell(strip(x, entry.phase), element("small", "number", tookWords(x))),
  );
  tr.addEventListener("click", () => { if (!getSelection().toString()) show(x.id); });
  open.addEventListener("click", (e) => { e.stopPropagation(); show(x.id); });
  return tr;
}

function drawFailures() {
  const shown = state.failures.filter(matches);
  $("rows").replaceChildren(...shown.map((x) => row(x, false)));
  afterRows(shown.length);
}

// add puts one failure on top, or lets it wait while the page is paused.
function add(x) {
  if (state.failures.some((y) => y.id === x.id) || state.waiting.some((y) => y.id === x.id)) return;
  if (state.paused) {
    state.waiting.push(x);
    if (state.waiting.length > rowsMax) state.waiting.shift();
    drawPause();
    return;
  }
  const before = state.failures.findIndex((y) => y.time <= x.time);
  state.failures.splice(before < 0 ? state.failures.length : before, 0, x);
  state.failures.length = Math.min(state.failures.length, rowsMax);
  if (before !== 0 && state.failures.length > 1) return queueDraw();
  if (matches(x)) $("rows").prepend(row(x, true));
  while ($("rows").rows.length > rowsMax) $("rows").deleteRow(-1);
  afterRows($("rows").rows.length);
}

let drawQueued = false;

function queueDraw() {
  if (drawQueued) return;
  drawQueued = true;
  requestAnimationFrame(() => { drawQueued = false; drawFailures(); });
}

function afterRows(n) {
  document.querySelector("table.failures").hidden = n === 0;
  $("empty").hidden = n !== 0;
  if (n === 0) drawEmpty();
  const notes = [];
  if (state.failures.length === rowsMax) notes.push(`The newest ${rowsMax} are shown.`);
  if (state.lost > 0) notes.push(`${count(state.lost, "failure")} came faster than this page can show; the API has the newest, the access log has all.`);
  $("older").textContent = notes.join(" ");
  $("older").hidden = notes.length === 0;
}

function drawEmpty() {
  const s = state.summary;
  if (state.failures.length > 0) {
    return $("empty").replaceChildren(element("strong", "", "Nothing here matches"), "Clear the filter to see all failures.");
  }
  const relayed = s ? `${count(s.exchanges, "exchange")} so far` : "";
  const clients = s && s.client_failed > 0 ? `, and ${count(s.client_failed, "mishap")} on the side of clients` : "";
  $("empty").replaceChildren(
    element("strong", "", "No failure since start"),
    s && s.exchanges > 0 ? `${relayed}${clients}. When something fails it appears here at once.` : "No exchange has come by yet. When something fails it appears here at once.",
  );
}

function drawPause() {
  const n = state.waiting.length;
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = !state.paused ? "Pause" : n === 0 ? "Paused" : `Show ${n} new`;
}

// ---- counts and upstreams

// savedSentence tells beside the failures those that nobody saw.
function savedSentence(s) {
  return s.saved.exchanges > 0 ? ` ${count(s.saved.exchanges, "more failure")} stayed unseen: ${savedWords(s.saved)}.` : "";
}

function drawSummary(s) {
  state.summary = s;
  const verdict = document.querySelector(".verdict");
  const ill = s.failed > 0;
  verdict.classList.toggle("ill", ill);
  verdict.classList.toggle("well", !ill);
  if (!ill) {
    $("headline").textContent = "No failure since start";
    $("headline-more").textContent = `${count(s.exchanges, "exchange")} since ${when(s.since)}.${savedSentence(s)}`;
  } else {
    const top = s.codes.find((c) => c.severity !== "client");
    const where = [top.last_site, top.last_server].filter(Boolean).join(", ");
    $("headline").textContent = `${count(s.failed, "failure")}, the last ${ago(top.last)}: ${top.title}`;
    $("headline-more").textContent = `${where ? where + ". " : ""}Counted since ${when(s.since)}.${savedSentence(s)}`;
  }
  const share = s.exchanges > 0 ? (100 * s.failed) / s.exchanges : 0;
  const tiles = [
    ["exchanges", grouped.format(s.exchanges)],
    ["failures", grouped.format(s.failed)],
    ["share that failed", s.failed === 0 ? "0 %" : share < 0.01 ? "under 0.01 %" : `${share.toFixed(share < 1 ? 2 : 1)} %`],
    ["saved: no visitor saw them", grouped.format(s.saved.exchanges)],
    ["caused by clients", grouped.format(s.client_failed)],
  ];
  $("counts").replaceChildren(...tiles.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value))));
  drawCodes(s.codes);
  if (!$("empty").hidden) drawEmpty();
}

// update replaces the children of a list only if they changed, so that the focus
// and a reader's place in it survive the next look.
function update(list, key, make) {
  if (list.dataset.key === key) return;
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
  list.dataset.key = key;
  list.replaceChildren(...make());
  if (focused) for (const e of list.querySelectorAll("[data-focus]")) if (e.dataset.focus === focused) e.focus();
}

function drawCodes(codes) {
  update($("codes"), JSON.stringify([codes, state.filter, Math.floor(Date.now() / 15000)]), () => {
    if (codes.length === 0) return [element("li", "empty", "No code has been seen.")];
    const own = (c) => (c.severity === "client" ? 1 : 0);
    return codes.toSorted((a, b) => own(a) - own(b)).map((c) => {
      const b = element("button", "", mark(c.severity), element("span", "", c.title), element("span", "count", grouped.format(c.count)),
        element("small", "mono", c.code), element("small", "", `last ${ago(c.last)}, first ${when(c.first)}`));
      b.type = "button";
      b.dataset.focus = c.code;
      b.setAttribute("aria-pressed", String(state.filter === c.code));
      b.addEventListener("click", () => setFilter(state.filter === c.code ? "" : c.code, c.severity === "client"));
      return element("li", "", b);
    });
  });
}

function labelled(label, ...children) {
  const td = cell(...children);
  td.dataset.label = label;
  return td;
}

// ---- certificates

const certificateStates = {
  expired: ["✕", "error", "expired"],
  waiting: ["✕", "error", "not there yet"],
  failing: ["!", "warning", "renewal fails"],
  expiring: ["!", "warning", "expires soon"],
  ok: ["✓", "well", "ok"],
};

const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function certificateState(c) {
  const [sign, kind, word] = certificateStates[c.state] || ["?", "client", c.state];
  const m = element("span", `mark ${kind}`, sign);
  m.setAttribute("aria-hidden", "true");
  return element("span", "state", m, element("span", "", word));
}

// nameOf is the part of a distinguished name that people know.
function nameOf(issuer) {
  const part = (key) => (issuer.match(new RegExp(`(?:^|[,+])${key}=((?:\\\\.|[^,+])*)`)) || ["", ""])[1].replace(/\\(.)/g, "$1");
  return [part("O"), part("CN")].filter(Boolean).join(", ") || issuer;
}

function daysLeft(n) {
  if (n < 0) return `${count(-n, "day")} ago`;
  return n === 0 ? "less than a day left" : `${count(n, "day")} left`;
}

function certificateRow(c) {
  const hosts = c.hosts.length ? c.hosts : [c.name];
  const shown = hosts.slice(0, 3).join(", ") + (hosts.length > 3 ? ` and ${hosts.length - 3} more` : "");
  const from = { file: c.file, automatic: "obtained by this gateway", "on-demand": "obtained on demand" }[c.source] || c.source;
  let until = element("span", "quiet", "no certificate yet");
  if (c.not_after) {
    const t = element("time", "", date.format(new Date(c.not_after)));
    t.dateTime = c.not_after;
    t.title = `${c.not_after} (UTC)`;
    until = element("span", "", t, element("small", "", daysLeft(c.days_left)));
  }
  let due = null;
  if (c.next_at && c.source !== "file") due = element("small", "", c.failures > 0 ? "next try " : "due ", stamp(c.next_at));
  const tries = c.failures > 0 ? `${count(c.failures, "try", "tries")} failed, the last ${ago(c.tried_at)}` : "";
  const tr = element("tr", "",
    labelled("Host", element("strong", "", shown), element("small", c.source === "file" ? "mono" : "", from)),
    labelled("State", certificateState(c)),
    labelled("Valid until", until),
    labelled("Issuer", c.issuer ? element("span", "", nameOf(c.issuer), element("small", "", c.key_type)) : element("span", "quiet", "none yet")),
    labelled("Next", element("span", "", c.next_step), due, c.error && element("small", "mono", c.error), tries && element("small", "", tries),
      c.staple_error && element("small", "", `no OCSP answer is sent along: ${c.staple_error}`)));
  tr.setAttribute("role", "row");
  return tr;
}

// drawAlarm says at the top of the page that certificates need somebody.
function drawAlarm(troubled) {
  update($("certificates-alarm"), JSON.stringify(troubled.map((c) => [c.hosts, c.state])), () => {
    const hosts = troubled.slice(0, 3).map((c) => `${c.hosts[0] || c.file}: ${certificateStates[c.state][2]}`).join(", ");
    const more = troubled.length > 3 ? ` and ${grouped.format(troubled.length - 3)} more` : "";
    const b = element("button", "link", troubled.length === 1 ? "A certificate is in trouble" : `${grouped.format(troubled.length)} certificates are in trouble`);
    b.type = "button";
    b.dataset.focus = "alarm";
    b.addEventListener("click", () => $("certificates-title").scrollIntoView());
    return [b, ` (${hosts}${more})`];
  });
  $("certificates-alarm").hidden = troubled.length === 0;
}

function drawCertificates({ counts, certificates }) {
  const all = Object.values(counts).reduce((a, b) => a + b, 0);
  document.querySelector("table.certificates").hidden = all === 0;
  $("no-certificates").hidden = all !== 0;
  $("certificates-sum").textContent = Object.entries(certificateStates).filter(([state]) => counts[state] > 0)
    .map(([state, [, , word]]) => `${word}: ${grouped.format(counts[state])}`).join(", ");
  drawAlarm(certificates.filter((c) => c.source !== "on-demand" && ["expired", "waiting", "failing"].includes(c.state)));
  const left = all - certificates.length;
  $("more-certificates").hidden = left === 0;
  $("more-certificates").textContent = `and ${grouped.format(left)} more, in no worse state; see: causey certificates`;
  update($("certificates"), JSON.stringify([certificates, Math.floor(Date.now() / 15000)]), () => certificates.map(certificateRow));
}

// ---- details of one exchange

// quoted turns `text between backquotes` into <code>.
function quoted(tag, text) {
  const e = document.createElement(tag);
  text.split("`").forEach((part, i) => { if (part) e.append(i % 2 ? element("code", "", part) : visible(part)); });
  return e;
}

function list(tag, items) {
  return element(tag, "says", ...items.map((s) => quoted("li", s)));
}

function facts(pairs) {
  const d = element("dl", "facts");
  for (const [name, value, mono] of pairs) if (value) d.append(element("dt", "", name), element("dd", mono ? "mono" : "", value));
  return d;
}

// bytesOf turns the API's form of bytes (\r, \n, \t, \\, \xHH) into numbers.
function bytesOf(text) {
  const names = { r: 13, n: 10, t: 9, "\\": 92 };
  const out = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\") {
      out.push(text.charCodeAt(i));
    } else if (text[++i] === "x") {
      out.push(parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      out.push(names[text[i]]);
    }
  }
  return out;
}

// hexdump returns one element per sixteen bytes: offset, hexadecimal, text.
function hexdump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.slice(at, at + 16);
    const hex = part.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join("");
    lines.push(element("span", "line", `${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`));
  }
  return lines;
}

function phaseBars(x, failedPhase) {
  const box = element("div", "phases");
  const entries = Object.entries(x.phases);
  const most = Math.max(...entries.map(([, ms]) => ms), 0.001);
  for (const [name, ms] of entries) {
    const failed = name === failedPhase;
    const i = element("i", failed ? "failed" : "");
    i.style.width = `${(100 * ms) / most}%`;
    box.append(element("span", failed ? "failed-name" : "", failed ? `${name} (failed)` : name), i, element("span", "number", milliseconds(ms)));
  }
  return box;
}

function attemptTable(attempts) {
  const t = element("table", "");
  const head = element("tr", "", ...["Attempt", "Server", "Connection", "Result"].map((h) => {
    const th = element("th", "", h);
    th.scope = "col";
    return th;
  }));
  t.append(element("thead", "", head));
  const body = element("tbody", "");
  attempts.forEach((a, i) => {
    const how = a.reused ? `reused, request ${a.request_number}, idle for ${milliseconds(a.idle_ms)}` :
      a.request_number > 0 || !a.failure ? `fresh, made in ${milliseconds(a.connect_ms)}` : `not made (${milliseconds(a.connect_ms)})`;
    body.append(element("tr", "", element("td", "", String(i + 1)),
      element("td", "mono", a.server, a.address && a.address !== a.server ? element("small", "", a.address) : ""),
      element("td", "", how), element("td", a.failure ? "mono" : "", a.failure || (a.status ? `answered ${a.status}` : "answered"))));
  });
  t.append(body);
  return t;
}

function section(title, ...children) { return [element("h3", "", title), ...children]; }

function drawDetails(x) {
  const e = x.explanation;
  const failedPhase = x.failure ? e.phase : "";
  $("details-code").textContent = x.failure || (x.saved ? `saved by ${x.saved.join(", ")}` : "no failure");
  $("details-title").textContent = e.title || (x.saved ? "Saved: the visitor saw no failure" : "No failure");
  const request = `${x.method} ${x.target}`.trim();
  const body = [element("p", "quiet", stamp(x.time), ", ", badge(x.status, x.outcome), ` ${outcomes[x.outcome] || x.outcome}`,
    request ? ", " : "", request ? element("span", "mono", request) : "", x.host ? ` on ${x.host}` : "")];
  if (e.meaning) body.push(quoted("p", e.meaning));
  body.push(...section("What was seen", list("ul", e.sentences)));
  if (x.evidence && x.evidence.first_bytes) {
    const whose = x.failure.startsWith("client.") ? "request" : "answer";
    body.push(...section(`First bytes of the ${whose}`, element("pre", "", ...hexdump(bytesOf(x.evidence.first_bytes)))));
  }
  if (x.attempt_list) body.push(...section("Attempts", attemptTable(x.attempt_list)));
  if (Object.keys(x.phases).length) body.push(...section("Time by phase", phaseBars(x, failedPhase)));
  if (e.reasons && e.reasons.length) body.push(...section("Likely reasons, most likely first", list("ol", e.reasons)));
  if (e.look_at && e.look_at.length) body.push(...section("What to look at", list("ul", e.look_at)));
  body.push(...section("The exchange", facts([
    ["Reference", x.id, true],
    ["Incident", incidentLink(x.incident), true],
    ["Time", x.time, true],
    ["Client", x.client + (x.peer && !x.peer.startsWith(x.client) ? ` through ${x.peer}` : ""), true],
    ["Client's own id", x.client_request_id, true],
    ["Trace", x.trace_id, true],
    ["User agent", x.user_agent, true],
    ["Site and route", [x.site, x.route].filter(Boolean).join("  ")],
    ["Server", [x.upstream, x.server].filter(Boolean).join(": ")],
    ["Proxy-Status", e.proxy_error, true],
    ["May be repeated", e.retry],
  ])));
  const raw = element("a", "", "The whole record as JSON");
  raw.href = `/api/v1/exchanges/${encodeURIComponent(x.id)}`;
  body.push(element("p", "", raw));
  $("details-body").replaceChildren(...body);
}

async function show(id) {
  id = id.trim().toLowerCase();
  if (!id) return;
  const answer = await fetch(`/api/v1/exchanges/${encodeURIComponent(id)}`).catch(() => null);
  if (answer && answer.ok) {
    drawDetails(await answer.json());
  } else {
    const why = answer ? (await answer.json().catch(() => ({}))).detail || answer.statusText : "The gateway does not answer.";
    $("details-code").textContent = visible(id);
    $("details-title").textContent = "Not found";
    $("details-body").replaceChildren(element("p", "", why));
  }
  if (!$("details").open) $("details").showModal();
  $("details").scrollTop = 0;
  $("details-title").focus();
  history.replaceState(null, "", `#${id.replace(/[^0-9a-z-]/g, "")}`);
}

// ---- connection to the gateway

function connection(live) {
  const word = live ? "live" : "reconnecting";
  if ($("state").textContent === word) return;
  $("state").textContent = word;
  $("state").className = live ? "pill live" : "pill waiting";
}

let source = null;

function listen() {
  if (source) source.close();
  source = new EventSource(`/api/v1/failures/stream?replay=100${state.clients ? "&client=1" : ""}`);
  const mine = source;
  source.addEventListener("hello", () => connection(true));
  source.addEventListener("failure", (e) => add(JSON.parse(e.data)));
  source.addEventListener("dropped", (e) => { state.lost += JSON.parse(e.data).count; queueDraw(); });
  source.addEventListener("error", () => {
    connection(false);
    // A browser comes back by itself unless it was refused outright.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (mine === source) listen(); }, retryEvery);
  });
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

let started = "";

async function look() {
  if (!document.hidden) {
    try {
      const [summary, ups, certs, changes, saved, wrong] = await Promise.all([
        get("/api/v1/failures"), get("/api/v1/upstreams"), get(`/api/v1/certificates?limit=${certificatesMax}`),
        get(`/api/v1/events?limit=${eventsMax}`), get(`/api/v1/exchanges?saved=1&limit=${savedMax}`),
        get(`/api/v1/incidents?limit=${incidentsMax}`)]);
      if (started && started !== summary.since) await learn(); // another run, perhaps another version
      started = summary.since;
      drawSummary(summary);
      drawIncidents(wrong);
      drawSaved(saved.exchanges, summary.saved);
      drawUpstreams(ups.upstreams);
      drawEvents(changes.events);
      drawCertificates(certs);
      if (source.readyState === EventSource.OPEN) connection(true);
    } catch {
      connection(false);
    }
  }
  setTimeout(look, pollEvery);
}

async function learn() {
  const [codes, version] = await Promise.all([get("/api/v1/registry"), get("/api/v1/version")]);
  registry = new Map(codes.codes.map((c) => [c.code, c]));
  $("version").textContent = version.version;
}

function setFilter(text, needsClients) {
  if (needsClients && !state.clients) {
    state.clients = $("clients").checked = true;
    listen();
  }
  $("filter").value = text;
  state.filter = text.trim().toLowerCase();
  drawFailures();
  if (state.summary) drawCodes(state.summary.codes);
}

function wire() {
  $("filter").addEventListener("input", () => setFilter($("filter").value, false));
  $("clients").addEventListener("change", () => { state.clients = $("clients").checked; listen(); drawFailures(); });
  $("pause").addEventListener("click", () => {
    state.paused = !state.paused;
    if (!state.paused) {
      const waiting = state.waiting;
      state.waiting = [];
      waiting.forEach(add);
    }
    drawPause();
  });
  $("lookup").addEventListener("submit", (e) => { e.preventDefault(); show($("lookup-id").value); });
  $("details-close").addEventListener("click", () => $("details").close());
  $("details").addEventListener("click", (e) => { if (e.target === $("details")) $("details").close(); });
  $("details").addEventListener("close", () => history.replaceState(null, "", location.pathname));
  const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "longOffset" }).formatToParts(new Date()).find((p) => p.type === "timeZoneName");
  $("zone").textContent = `Times are of your clock (${zone ? zone.value : "local"}); hover for UTC.`;
}

async function start() {
  wire();
  for (;;) {
    try {
      await learn();
      break;
    } catch {
      connection(false);
      await new Promise((done) => setTimeout(done, retryEvery));
    }
  }
  listen();
  drawFailures();
  look();
  if (location.hash.length > 1) show(location.hash.slice(1));
}

start();
