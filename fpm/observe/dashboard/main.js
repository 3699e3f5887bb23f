// The page: it asks for a view each second while somebody looks, and shows it.

import { $, bytes, className, clock, fill, hidden, keyed, make, number, seconds, span, stats, text } from "./dom.js";
import * as events from "./events.js";
import * as graphs from "./graphs.js";
import * as orders from "./orders.js";
import * as pools from "./pools.js";
import * as profile from "./profile.js";

const interval = 1000, patience = 5000, historyInterval = 5000;

let before = null, held = false, lastHistory = 0, failing = false;

// say tells those who hear the page.
function say(what) {
  text($("said"), what);
}

async function look() {
  if (held || document.hidden) return;
  try {
    const r = await fetch("api/now", { cache: "no-store", signal: AbortSignal.timeout(patience) });
    const v = await r.json();
    if (!r.ok) throw new Error(v.error);
    if (failing) say("The dashboard answers again.");
    failing = false;
    show(v);
    before = v;
    events.refresh(v.incidents, v.slow, say);
    if (Date.now() - lastHistory >= historyInterval) {
      lastHistory = Date.now();
      graphs.refresh();
    }
  } catch (e) {
    trouble(e.name === "TimeoutError" || e instanceof TypeError ? "The dashboard does not answer. What is shown is as it was last." : e.message);
    if (!failing) say("The dashboard does not answer.");
    failing = true;
    className($("pill"), "pill bad");
    text($("pill"), "no answer");
  }
}

async function watch() {
  for (;;) {
    const began = Date.now();
    await look();
    await new Promise((done) => setTimeout(done, Math.max(200, interval - (Date.now() - began))));
  }
}

function trouble(what) {
  text($("banner"), what);
  hidden($("banner"), !what);
}

// ratesOf returns what each pool has done in a second since the last view.
function ratesOf(v) {
  const rates = new Map();
  const took = before ? v.time - before.time : 0;
  if (took <= 0) return rates;
  for (const p of v.pools) {
    const was = before.pools.find((q) => q.name === p.name);
    if (!was) continue;
    const more = (n) => Math.max(0, p[n] - was[n]) / took;
    rates.set(p.name, { requests: more("requests"), errors: more("errors"), cpu: more("cpu") / 1e9 });
  }
  return rates;
}

function show(v) {
  const s = v.service;
  const serving = s.Generations.find((g) => g.State === "serving") || s.Generations[0];
  text($("title"), "phpsapi " + s.Version);
  text($("about"), `master ${s.Master}, generation ${serving ? serving.Number : "–"}, up ${span(v.time - s.Began)}`);
  trouble(v.silent > 4 ? `The master has said nothing for ${Math.round(v.silent)} seconds. Workers are shown as they are all the same.` : "");
  const unready = v.pools.filter((p) => p.serving && pools.stateOf(p)[1] === "bad");
  const paused = v.pools.filter((p) => p.paused);
  const reloading = s.Generations.some((g) => g.State === "starting");
  let [state, kind] = ["serves", "good"];
  if (s.State !== "normal") [state, kind] = [s.State, "bad"];
  else if (s.Leaving) [state, kind] = ["not ready, about to finish", "bad"];
  else if (v.silent > 4) [state, kind] = ["master silent", "bad"];
  else if (unready.length) [state, kind] = [unready.length === 1 ? `pool ${unready[0].name} is not ready` : `${unready.length} pools are not ready`, "bad"];
  else if (reloading) [state, kind] = ["reloading", ""];
  else if (paused.length) [state, kind] = [paused.length === 1 ? `pool ${paused[0].name} is paused` : `${paused.length} pools are paused`, ""];
  if ($("pill").textContent !== state && before) say(`The service: ${state}.`);
  text($("pill"), state);
  className($("pill"), "pill " + kind);
  document.title = `phpsapi: ${state}`;
  hidden($("reload"), !v.orders);

  const rates = ratesOf(v);
  const durations = new Map(v.requests.map((r) => [r.pid, r.duration]));
  tiles(v, rates);
  pools.show(v, rates, durations);
  requests(v);
  caches(v);
  service(v);
  const names = v.pools.map((p) => p.name);
  graphs.pools(names);
  profile.pools(names, v.orders);
  profile.watch(v.profile);
  text($("foot"), `${s.Config} · as of ${clock(v.time)}` + (v.orders ? "" : " · the dashboard only shows: dashboard.token_file is not set"));
}

function tiles(v, rates) {
  const sum = (of) => v.pools.reduce((n, p) => n + of(p), 0);
  let rate = 0, errors = 0, cpu = 0;
  for (const r of rates.values()) [rate, errors, cpu] = [rate + r.requests, errors + r.errors, cpu + r.cpu];
  const own = Object.values(v.service.Memory || {}).reduce((a, b) => a + b, 0), workers = sum((p) => p.memory);
  const queue = sum((p) => p.queue), front = sum((p) => p.front_queue);
  const longest = v.requests.length ? v.requests[0].duration : 0;
  const all = [
    ["Requests/s", rates.size ? number(rate) : "–", errors ? number(errors) + " answered by 5xx" : "", errors > 0],
    ["Busy workers", `${sum((p) => p.active)} of ${sum((p) => p.idle + p.active + p.starting)}`, longest > 1 ? "the longest for " + seconds(longest) : "", longest > 30],
    ["Waiting", String(queue + front), `${queue} in sockets, ${front} in the front`, queue + front > 0],
    ["Parked", String(sum((p) => p.parked)), "idle connections", false],
    ["Processor", rates.size ? number(cpu * 100, 0) + " %" : "–", "of one, by PHP", false],
    ["Memory (PSS)", bytes(workers + own), own ? `workers ${bytes(workers)}, others ${bytes(own)}` : "not weighed yet", false],
    ["Failed and slow", `${v.incidents} / ${v.slow}`, "since the start", false],
  ];
  keyed($("tiles"), all, (t) => t[0], (t) => {
    const value = make("span"), note = make("small");
    const e = make("div", null, make("dt", null, t[0]), make("dd", null, value, note));
    e.parts = [value, note];
    return e;
  }, (e, t) => {
    text(e.parts[0], t[1]);
    text(e.parts[1], t[2]);
    className(e, t[3] ? "alarm" : "");
  });
}

function requests(v) {
  text($("n-requests"), v.requests.length ? v.requests.length + v.more : "");
  hidden($("no-requests"), v.requests.length > 0);
  const shown = v.requests.slice(0, 100);
  keyed($("requests").tBodies[0], shown, (r) => r.pid + " " + r.accepted, () => {
    const c = { time: make("td", { className: "n time" }), stage: make("td"), url: make("code"), script: make("small"), pool: make("td"), pid: make("td", { className: "n" }),
      client: make("td"), end: make("button", { type: "button" }, "End…") };
    const row = make("tr", null, c.time, c.stage, make("td", { className: "url" }, c.url, c.script), c.pool, c.pid, c.client, make("td", { className: "orders" }, c.end));
    row.parts = c;
    c.end.addEventListener("click", () => end(row.request));
    return row;
  }, (row, r) => {
    row.request = r;
    const c = row.parts;
    className(row, r.duration > 10 ? "bad" : r.duration > 1 ? "warn" : "");
    text(c.time, seconds(r.duration));
    text(c.stage, r.stage);
    text(c.url, urlOf(r));
    text(c.script, [r.script, r.queue_wait > 0.001 ? "waited " + seconds(r.queue_wait) : "", r.user ? "user " + r.user : ""].filter(Boolean).join(" · "));
    text(c.pool, r.pool);
    text(c.pid, r.pid);
    text(c.client, r.client || "");
    hidden(c.end, !v.orders);
    c.end.setAttribute("aria-label", `End the request of worker ${r.pid}`);
  });
}

function urlOf(r) {
  return r.method ? `${r.method} ${r.host || ""}${r.uri || ""}` : "…";
}

function end(r) {
  orders.ask({ title: `End the request of worker ${r.pid}?`, ok: "End it", danger: true, now: true, order: { command: "kill", pid: r.pid, accepted: r.accepted },
    text: `${urlOf(r)}\nPool ${r.pool}, for ${seconds(r.duration)}. The worker dies and another takes its place; the client gets an error if nothing of the response was sent.` });
}

function caches(v) {
  const many = v.caches.length > 1;
  keyed($("caches"), v.caches, (c) => c.generation + " " + c.engine, () => {
    const c = { name: make("h3"), age: make("span", { className: "soft" }), memory: make("meter", { min: 0, max: 1, low: 0.9, high: 0.97, optimum: 0.5 }),
      stats: stats(["Opcache", "Free", "Wasted", "Scripts", "Hits", "Strings", "Restarts", "APCu", "APCu entries", "APCu hits"]) };
    const card = make("article", { className: "card" }, make("div", { className: "top" }, c.name, c.age), c.memory, c.stats);
    card.parts = c;
    return card;
  }, (card, e) => {
    const c = card.parts, o = e.opcache, a = e.apcu;
    text(c.name, `PHP ${e.php}` + (many ? `, generation ${e.generation}` : "") + `: ${(e.pools || []).slice(0, 6).join(", ")}${(e.pools || []).length > 6 ? " …" : ""}`);
    text(c.age, e.age === null ? "not told yet: a worker tells after a request" : o ? (o.full ? "full" : `as of ${seconds(e.age)} ago`) : "there is no opcache");
    hidden(c.memory, !o);
    hidden(c.stats, e.age === null);
    const share = (hits, misses) => hits + misses ? (100 * hits / (hits + misses)).toFixed(1) + " %" : "–";
    if (o) {
      c.memory.value = (o.memory.used + (o.memory.wasted || 0)) / (o.memory.used + o.memory.free + (o.memory.wasted || 0) || 1);
      c.memory.setAttribute("aria-label", "memory of opcache that is used");
    }
    fill(c.stats, [o ? bytes(o.memory.used) : "–", o ? bytes(o.memory.free) : "–", o ? (o.memory.wasted ? bytes(o.memory.wasted) : "0") : "–", o ? o.scripts : "–", o ? share(o.hits, o.misses) : "–",
      o ? bytes(o.interned_strings_memory.used) : "–", o ? o.restarts.memory + o.restarts.keys + o.restarts.reset : "–", a ? bytes(a.memory.used) : "–", a ? a.entries : "–",
      a ? share(a.hits, a.misses) : "–"]);
  });
}

function service(v) {
  const s = v.service, root = $("service");
  if (!root.parts) {
    root.parts = { reloads: make("p"), body: make("tbody") };
    const head = ["Generation", "State", "Began", "Front", "Engines", "Pools"].map((n) => make("th", { scope: "col" }, n));
    root.append(root.parts.reloads, make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel: "Generations" },
      make("table", null, make("thead", null, make("tr", null, ...head)), root.parts.body)));
  }
  const last = s.LastReload ? `; the last one at ${clock(s.LastReload)} ${s.LastFailed ? "failed: " + (s.LastWhy || "see the error log") : "succeeded"}` : "";
  text(root.parts.reloads, `Reloads: ${s.Reloads.Succeeded} succeeded, ${s.Reloads.Failed} failed${last}. Upgrades: ${s.Upgrades.Succeeded}.` +
    (s.Former ? ` Processes of the program before that finish their requests: ${s.Former}.` : ""));
  className(root.parts.reloads, s.LastFailed ? "why" : "");
  keyed(root.parts.body, s.Generations, (g) => g.Number, () => make("tr", null, ...Array.from({ length: 6 }, () => make("td"))), (row, g) => {
    const of = v.pools.filter((p) => p.generations.includes(g.Number)).length;
    const engines = (g.Engines || []).map((e) => `PHP ${e.PHP} (${e.Zygote ? "zygote " + e.Zygote : "its zygote is gone"})`).join(", ");
    [g.Number, g.State, clock(g.Began), g.Front ? (g.Front.Pid ? `process ${g.Front.Pid}${g.Front.Ready ? "" : ", not ready"}` : "gone") : "none", engines, of]
      .forEach((value, i) => text(row.children[i], value));
  });
}

$("hold").addEventListener("click", () => {
  held = !held;
  $("hold").setAttribute("aria-pressed", String(held));
  text($("hold"), held ? "Continue" : "Hold the picture");
});
$("reload").addEventListener("click", () => orders.ask({ title: "Reload the configuration?", ok: "Reload", order: { command: "reload" },
  text: "php-fpm.conf, phpsapi.yaml and php.ini are read again. Requests that run are finished by the old workers. What was scaled or paused is undone." }));
document.addEventListener("visibilitychange", look);
orders.begin();
pools.begin();
graphs.begin();
events.begin();
profile.begin();
watch();
