// Pools with their workers.

import { $, bytes, className, fill, hidden, keyed, make, many, number, stats, text } from "./dom.js";
import { ask } from "./orders.js";

export const stages = ["starting", "idle", "reading the request", "reading the request", "running", "ending", "ending"];
const letters = ["+", "", "r", "r", "R", "e", "e"];
const slowAfter = 1; // seconds

export function begin() {
  for (const [stage, name, extra] of [[1, "idle"], [2, "reads"], [4, "runs"], [4, "runs for more than 1 s", " slow"], [5, "ends"], [0, "starts"]]) {
    $("legend").append(make("span", null, make("i", { className: "s" + stage + (extra || ""), ariaHidden: "true" }, extra ? "!" : letters[stage]), name));
  }
}

// show shows the pools of a view; rates are what each has done in a second.
export function show(v, rates, durations) {
  const name = (p) => p.name;
  keyed($("pools"), v.pools, name, create, (card, p) => update(card, p, v.orders, rates.get(p.name), durations));
}

function create(p) {
  const card = make("article", { className: "card" });
  const parts = {
    name: make("h3", { id: "pool-" + p.name }), state: make("span", { className: "pill" }), about: make("span", { className: "soft" }), why: make("p", { className: "why" }),
    workers: make("ul", { className: "workers", ariaHidden: "true" }), sum: make("p"), tools: make("div", { className: "tools" }),
    stats: stats(["Requests/s", "5xx/s", "Processor", "Memory", "Waiting", "Parked"]),
    pause: make("button", { type: "button" }), scale: make("button", { type: "button" }, "Scale…"),
  };
  card.setAttribute("aria-label", "pool " + p.name);
  card.parts = parts;
  parts.pause.addEventListener("click", () => pause(card.pool));
  parts.scale.addEventListener("click", () => scale(card.pool));
  parts.tools.append(parts.pause, parts.scale);
  card.append(make("div", { className: "top" }, parts.name, parts.about, parts.state), parts.why, parts.workers, parts.sum, parts.stats, parts.tools);
  return card;
}

function update(card, p, orders, rate, durations) {
  card.pool = p;
  const c = card.parts;
  text(c.name, p.name);
  text(c.about, [p.pm, p.kind && p.kind !== "ordinary" ? p.kind : "", "PHP " + p.php].filter(Boolean).join(" · "));
  const [state, kind] = stateOf(p);
  text(c.state, state);
  className(c.state, "pill " + kind);
  const why = [...(p.paused ? [] : p.unready || [])];
  if (p.limit !== p.configured) why.push(`it may have ${many(p.limit, "worker")} until the next reload; php-fpm.conf says ${p.configured}`);
  if (p.generations.length > 1) why.push(`generations ${[...p.generations].sort((a, b) => a - b).join(" and ")} are at work`);
  text(c.why, why.join("; "));
  hidden(c.why, why.length === 0);
  keyed(c.workers, p.workers, (w) => w.pid, () => make("li"), (e, w) => {
    const slow = w.stage === 4 && durations.get(w.pid) > slowAfter;
    className(e, "s" + w.stage + (slow ? " slow" : ""));
    text(e, slow ? "!" : letters[w.stage]);
    const title = `${w.pid}: ${stages[w.stage]}, ${many(w.requests, "request")}`;
    if (e.title !== title) e.title = title;
  });
  const front = p.front_queue ? `; in the front ${many(p.front_queue, "request")} waiting` : "";
  const others = p.hidden ? `; not drawn: ${p.hidden}` : "";
  text(c.sum, `${p.idle + p.active + p.starting} of ${many(p.limit, "worker")}: ${p.active} busy, ${p.idle} idle, ${p.starting} starting${others}${front}`);
  const waiting = p.queue + p.front_queue;
  fill(c.stats, [rate ? number(rate.requests) : "–", rate ? number(rate.errors) : "–", rate ? number(rate.cpu * 100, 0) + " %" : "–", bytes(p.memory),
    String(waiting), String(p.parked)]);
  hidden(c.tools, !orders || !p.most || !p.serving);
  text(c.pause, p.paused ? "Resume…" : "Pause…");
  c.pause.setAttribute("aria-label", (p.paused ? "Resume" : "Pause") + " pool " + p.name);
  c.scale.setAttribute("aria-label", "Scale pool " + p.name);
}

export function stateOf(p) {
  if (!p.serving) return ["retiring", ""];
  if (p.paused) return ["paused", ""];
  if (p.unready && p.unready.length) return ["not ready", "bad"];
  if (p.active && !p.idle && p.active >= p.limit) return ["all busy", ""];
  return ["ready", "good"];
}

function pause(p) {
  if (p.paused) {
    ask({ title: `Resume pool ${p.name}?`, text: "It takes connections again. What has waited is answered.", ok: "Resume", order: { command: "resume", pool: p.name } });
    return;
  }
  ask({ title: `Pause pool ${p.name}?`, ok: "Pause", danger: true, order: { command: "pause", pool: p.name },
    text: "Its workers finish their requests and leave. What comes waits until it is resumed, or until the next reload." });
}

function scale(p) {
  ask({ title: `Scale pool ${p.name}?`, ok: "Scale", order: { command: "scale", pool: p.name }, count: p.limit, most: p.most,
    text: `It may have ${many(p.limit, "worker")}. Another number holds until the next reload, which has php-fpm.conf’s ${p.configured}.` });
}
