// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
"use strict";

// What is wrong, and what was: the open incidents as cards, the closed ones of the last
// day as a list. It is loaded before page.js and uses what is defined there once the page
// draws.

const incidentsMax = 80; // incidents the page asks for, the open ones first
const closedFor = 86400000; // milliseconds that closed ones are listed
const evidenceShown = 4; // lines of evidence that are not folded, the heaviest
const likely = 0.5; // confidence below which a cause is not named

const severities = {
  critical: ["✕", "error", "critical: most of what is asked for fails"],
  major: ["✕", "error", "major: visitors get errors"],
  minor: ["!", "warning", "minor: few visitors get errors"],
  saved: ["✓", "well", "no visitor noticed"],
};

const incidentStates = {
  open: "no cause stands out yet", suspected: "a cause is likely", confirmed: "the cause is as good as sure",
  recovering: "nothing fails any more", closed: "over",
};

const percent = (share) => `${Math.round(100 * share)} %`;

// unfolded remembers which foldings of which incident a reader has opened.
const unfolded = new Set();

function folded(id, title, ...children) {
  const d = element("details", "", element("summary", "", title), ...children);
  d.open = unfolded.has(id);
  d.addEventListener("toggle", () => (d.open ? unfolded.add(id) : unfolded.delete(id)));
  d.firstChild.dataset.focus = id;
  return d;
}

// weighed lists evidence with what it weighs.
function weighed(lines) {
  return element("ul", "weighed", ...lines.map((l) => {
    const w = element("span", `number ${l.weight > 0 ? "for" : "against"}`, `${l.weight > 0 ? "+" : "−"}${Math.abs(l.weight).toFixed(1)}`);
    w.title = l.weight > 0 ? "speaks for it" : "speaks against it";
    return element("li", "", w, element("span", "", l.says));
  }));
}

function advice(list) {
  const d = element("dl", "facts");
  for (const a of list) d.append(element("dt", "", a.stack === "any" ? "in any case" : a.stack), quoted("dd", a.text));
  return d;
}

function whyPart(i) {
  const top = i.ranked[0];
  const named = top && top.confidence >= likely;
  const out = [element("h4", "", "Why"), quoted("p", i.account.why)];
  if (named) {
    out.push(element("p", "quiet", element("span", "mono", top.cause), ` (${top.number}), confidence ${percent(top.confidence)}`));
    const lines = top.evidence.filter((l) => l.says);
    out.push(weighed(lines.slice(0, evidenceShown)));
    if (lines.length > evidenceShown) out.push(folded(`${i.id} evidence`, `More evidence (${lines.length - evidenceShown})`, weighed(lines.slice(evidenceShown))));
  }
  if (i.account.else.length > 0) {
    const share = (id) => { const r = i.ranked.find((c) => c.cause === id); return r ? `, ${percent(r.confidence)}` : ""; };
    out.push(folded(`${i.id} else`, named ? `What it could be instead (${i.account.else.length})` : `What comes into question (${i.account.else.length})`,
      element("ul", "says", ...i.account.else.map((o) => element("li", "", `${o.title}${share(o.cause)}. `, quoted("span", o.ask), " ", element("span", "mono quiet", o.cause))))));
  }
  return element("div", "", ...out);
}

function exampleLinks(i) {
  const links = i.exemplars.slice(0, 4).map((id) => {
    const b = element("button", "link mono", id);
    b.type = "button";
    b.dataset.focus = `${i.id} ${id}`;
    b.addEventListener("click", () => show(id));
    return element("li", "", b);
  });
  return links.length ? folded(`${i.id} examples`, "Examples", element("ul", "says", ...links)) : null;
}

function incidentCard(i) {
  const [sign, kind, word] = severities[i.severity] || ["?", "client", i.severity];
  const m = element("span", `mark ${kind}`, sign);
  m.setAttribute("aria-hidden", "true");
  const first = i.account.do.slice(0, 2), more = i.account.do.slice(2);
  const raw = element("a", "", "All of it as JSON");
  raw.href = `/api/v1/incidents/${encodeURIComponent(i.id)}`;
  const card = element("article", `incident ${kind}`,
    element("div", "incident-head", m, element("div", "", element("h3", "", i.title),
      element("p", "quiet", `${word}; ${incidentStates[i.state] || i.state}; since `, stamp(i.opened), ` (${ago(i.opened)})`,
        i.reopened > 0 ? `, came again ${count(i.reopened, "time")}` : "", ", ", element("span", "mono", i.id)))),
    element("div", "parts",
      element("div", "", element("h4", "", "What happens"), element("p", "", `${i.account.what}. ${i.account.affected}`), exampleLinks(i)),
      whyPart(i),
      element("div", "", element("h4", "", "What to do"),
        first.length ? advice(first) : element("p", "quiet", "Nothing is known to do before a cause stands out. The evidence is being collected."),
        more.length ? folded(`${i.id} do`, `For your software (${more.length})`, advice(more)) : null,
        element("p", "", raw))));
  card.id = `incident ${i.id}`;
  return card;
}

// incidentLink leads to the card of an incident, or to its JSON if it is over.
function incidentLink(id) {
  if (!id) return "";
  const card = $(`incident ${id}`);
  const a = element(card ? "button" : "a", card ? "link mono" : "", id);
  if (card) a.addEventListener("click", () => { $("details").close(); $(`incident ${id}`)?.scrollIntoView(); });
  else a.href = `/api/v1/incidents/${encodeURIComponent(id)}`;
  return a;
}

function closedItem(i) {
  const [, , word] = severities[i.severity] || ["", "", i.severity];
  return element("li", "", stamp(i.opened), element("span", "", element("strong", "", i.title), `; until `, stamp(i.last_seen),
    `; ${word}; ${count(i.failed, "request")} failed, ${grouped.format(i.saved)} saved; `, element("span", "mono quiet", i.id)));
}

function drawIncidents({ on, incidents }) {
  const open = incidents.filter((i) => i.state !== "closed");
  const over = incidents.filter((i) => i.state === "closed" && Date.now() - new Date(i.closed) < closedFor);
  $("incidents-box").hidden = on && open.length + over.length === 0;
  $("incidents-sum").textContent = !on ? "the diagnosis is off (diagnosis: off in the configuration)" : open.length === 0 ? "nothing is wrong now" : `${count(open.length, "incident")} now`;
  update($("incidents"), JSON.stringify([open, Math.floor(Date.now() / 15000)]), () => open.map(incidentCard));
  $("over-box").hidden = over.length === 0;
  update($("over"), JSON.stringify(over), () => over.map(closedItem));
}
