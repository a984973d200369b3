// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
"use strict";

// Upstreams and their servers, what happened to them, and what the gateway saved. It is
// loaded before page.js and uses what is defined there once the page draws.

const savedMax = 8; // saved exchanges on the page; /api/v1/exchanges?saved=1 has more
const eventsMax = 12; // events on the page; /api/v1/events has more

// Words for the states, with a sign and the kind of its mark.
const serverStates = {
  up: ["✓", "well", "in service"],
  returning: ["!", "warning", "back, on trial"],
  unreachable: ["✕", "error", "unreachable"],
  ejected: ["✕", "error", "left out: answers badly"],
  stalled: ["✕", "error", "left out: hangs"],
  failing: ["✕", "error", "health check fails"],
  draining: ["–", "client", "draining, by hand"],
  maintenance: ["–", "client", "maintenance, by hand"],
};

function serverState(s) {
  let [sign, kind, word] = serverStates[s.state] || ["?", "client", s.state];
  if (s.state === "up" && s.share < 1) word = `in service, ${Math.round(100 * s.share)} % of its share`;
  const m = element("span", `mark ${kind}`, sign);
  m.setAttribute("aria-hidden", "true");
  return element("span", "state", m, element("span", "", word));
}

const inService = (s) => s.state === "up" || s.state === "returning";

// upstreamNotes says of an upstream what is worth it.
function upstreamNotes(u) {
  const notes = [];
  if (u.servers.length > 0 && !u.servers.some(inService)) notes.push(element("span", "badge bad", "no server in service"));
  if (u.held > 0) notes.push(`${count(u.held, "request")} wait${u.held === 1 ? "s" : ""} for a server`);
  if (u.all_asked) notes.push("so many are left out that all are asked which can be reached");
  if (u.saved.exchanges > 0) notes.push(`${grouped.format(u.saved.exchanges)} saved`);
  if (u.recent.repeated > 0) notes.push(`${grouped.format(u.recent.repeated)} of the last ${count(u.recent.requests, "request")} repeated`);
  return notes.map((n) => element("small", "", n));
}

function lastFailure(name, s) {
  if (!s.last_failure) return element("span", "quiet", "none");
  const f = s.last_failure;
  const b = element("button", "link", entryOf(f.code).title);
  b.type = "button";
  b.dataset.focus = `${name} ${s.name}`;
  b.addEventListener("click", () => show(f.id));
  return element("span", "", b, element("small", "", `${ago(f.time)}, `, element("span", "mono", f.code)));
}

function serverRow(u, s, first) {
  const addresses = s.addresses.filter((a) => a !== s.name).join(", ");
  const failing = s.last_failure && Date.now() - new Date(s.last_failure.time) < failingFor;
  const share = s.attempts > 0 ? ` (${((100 * s.failures) / s.attempts).toFixed(1)} %)` : "";
  const recent = s.recent.good + s.recent.bad === 0 ? "nothing" :
    `${grouped.format(s.recent.good)} good` + (s.recent.bad > 0 ? `, ${grouped.format(s.recent.bad)} bad` : "");
  const part = [s.weight > 1 && `weight ${s.weight}`, s.priority > 0 && `priority ${s.priority}`, s.zone && `zone ${s.zone}`].filter(Boolean).join(", ");
  const tr = element("tr", first ? "" : "same",
    labelled("Upstream", element("span", "group", u.name), ...(first ? upstreamNotes(u) : [])),
    labelled("Server", element("span", "mono", s.name), element("small", "mono", addresses), part && element("small", "", part)),
    labelled("State", serverState(s), element("small", "", s.reason ? `${s.reason}, ${ago(s.since)}` : `since ${when(s.since)}`),
      s.check && !s.check.ok && s.state !== "failing" && element("small", "", `its health check says: ${s.check.says}`)),
    labelled("Lately", element("span", "number", recent), s.latency_ms > 0 && element("small", "number", `answers in ${milliseconds(s.latency_ms)}`)),
    labelled("Connections", element("span", "number", `${s.connections.active} active, ${s.connections.idle} idle`), s.waiting > 0 && element("small", "", `${s.waiting} unanswered`)),
    labelled("Attempts", element("span", "number", grouped.format(s.attempts)),
      element("small", "number", s.failures === 0 ? "none failed" : `${grouped.format(s.failures)} failed${share}`),
      failing && element("small", "", element("span", "badge bad", "failing now"))),
    labelled("Last failure", lastFailure(u.name, s)));
  tr.setAttribute("role", "row");
  return tr;
}

function drawUpstreams(upstreams) {
  const none = upstreams.every((u) => u.servers.length === 0);
  document.querySelector("table.upstreams").hidden = none;
  $("no-servers").hidden = !none;
  const out = upstreams.flatMap((u) => u.servers).filter((s) => !inService(s)).length;
  $("upstreams-sum").textContent = none ? "" : out === 0 ? "all servers are in service" : `${count(out, "server")} not in service`;
  update($("servers"), JSON.stringify([upstreams, Math.floor(Date.now() / 15000)]), () =>
    upstreams.flatMap((u) => u.servers.map((s, i) => serverRow(u, s, i === 0))));
}

// ---- what happened to servers

function eventItem(e) {
  const to = (serverStates[e.to] || ["", "client", e.to])[2];
  const what = e.server === "" ? [element("strong", "", e.upstream), `: ${e.reason}`] :
    [element("span", "mono", e.server), ` of ${e.upstream}`, e.from !== e.to && to ? element("span", "", ": ", element("strong", "", to)) : "", `; ${e.reason}`];
  return element("li", "", stamp(e.time), element("span", "", ...what));
}

function drawEvents(events) {
  $("events-box").hidden = events.length === 0;
  update($("events"), JSON.stringify(events), () => events.map(eventItem));
}

// ---- what the gateway saved

const savedBy = {
  retry: "another attempt went well", hold: "it was held until a server could be asked",
  stale: "a stored answer was served", hedge: "a second server was quicker than a silent one",
};

// savedWords says by which means exchanges were saved, most first.
function savedWords(s) {
  return ["retry", "hold", "stale", "hedge"].filter((m) => s[m] > 0).sort((a, b) => s[b] - s[a]).map((m) => `${grouped.format(s[m])} by ${m}`).join(", ");
}

function savedItem(x) {
  const failed = (x.attempt_list || []).find((a) => a.failure || a.status >= 500);
  const why = !failed ? "" : failed.failure ? entryOf(failed.failure).title : `Answered ${failed.status}`;
  const how = x.saved.map((m) => savedBy[m] || m).join("; ") + (x.held_ms ? ` (${milliseconds(x.held_ms)})` : "");
  const b = element("button", "link", why || "No server could be asked");
  b.type = "button";
  b.dataset.focus = x.id;
  b.addEventListener("click", () => show(x.id));
  return element("li", "", stamp(x.time), element("span", "", b, failed ? element("span", "", " on ", element("span", "mono", failed.server)) : "", `, but ${how}: `,
    element("span", "mono", `${x.method} ${x.host}${x.target}`), " ", badge(x.status, x.outcome)));
}

function drawSaved(exchanges, sum) {
  $("saved-box").hidden = exchanges.length === 0;
  $("saved-sum").textContent = sum.exchanges > 0 ? `${count(sum.exchanges, "failure")} that no visitor saw: ${savedWords(sum)}` : "";
  update($("saved"), JSON.stringify([exchanges, Math.floor(Date.now() / 60000)]), () => exchanges.map(savedItem));
}
