// The graphs of the last hour.

import { $, bytes, make, number, seconds, text } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const width = 600, height = 96, base = 14; // of the drawing, and of its lower edge

const kinds = [
  { name: "Requests a second", of: ["requests"], scale: 1e-3, show: number },
  { name: "95 of 100 take less than", of: ["p95"], scale: 1e-6, show: seconds },
  { name: "Errors (5xx) a second", of: ["errors"], scale: 1e-3, show: number, second: true },
  { name: "Workers: busy, all", of: ["busy", "workers"], scale: 1, show: number },
  { name: "Waiting", of: ["queue"], scale: 1, show: number },
  { name: "Memory (PSS)", of: ["memory"], scale: 1, show: bytes, gaps: true },
  { name: "Processor (of one)", of: ["cpu"], scale: 0.1, show: (n) => number(n) + " %" },
];

let pool = "", stamps = [], values = {}, latest = 0, step = 5, kept = 720, asking = false;

function draw(tag, attributes) {
  const e = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

export function begin() {
  for (const kind of kinds) {
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
    for (const y of [base, (height + base) / 2, height - 1]) svg.append(draw("line", { x1: 0, x2: width, y1: y, y2: y, class: "grid" }));
    kind.paths = kind.of.map((_, i) => draw("path", { class: kind.second ? "second" : i ? "third" : "" }));
    svg.append(...kind.paths);
    kind.now = make("b");
    kind.most = make("small");
    kind.svg = svg;
    $("graphs").append(make("figure", { className: "graph" }, make("figcaption", null, kind.name, kind.now), svg, make("figcaption", null, kind.most, make("small", null, "now"))));
  }
  $("of").addEventListener("change", () => {
    pool = $("of").value;
    [stamps, values, latest] = [[], {}, 0];
    refresh();
  });
}

// pools has the selection offer these pools.
export function pools(names) {
  const select = $("of");
  const there = [...select.options].map((o) => o.value);
  if (there.length === names.length + 1 && names.every((n, i) => there[i + 1] === n)) return;
  while (select.options.length > 1) select.remove(1);
  for (const n of names) select.add(make("option", { value: n }, n));
  select.value = names.includes(pool) ? pool : "";
  if (select.value !== pool) select.dispatchEvent(new Event("change"));
}

// refresh asks for what is new.
export async function refresh() {
  if (asking) return;
  asking = true;
  const asked = pool;
  try {
    const r = await fetch(`api/history?pool=${encodeURIComponent(asked)}&since=${latest}`, { cache: "no-store" });
    if (!r.ok || asked !== pool) return;
    const t = await r.json();
    [step, kept] = [t.step, t.kept];
    stamps.push(...t.stamps);
    for (const name of Object.keys(t.values)) (values[name] = values[name] || []).push(...t.values[name]);
    let old = 0;
    while (old < stamps.length && stamps[old] <= t.now - kept) old++;
    if (old) {
      stamps.splice(0, old);
      for (const name of Object.keys(values)) values[name].splice(0, old);
    }
    if (stamps.length) latest = stamps[stamps.length - 1];
    show(t.now);
  } catch { // the page says already that nobody answers
  } finally {
    asking = false;
    if (asked !== pool) refresh();
  }
}

function show(now) {
  for (const kind of kinds) {
    const all = kind.of.map((name) => (values[name] || []).map((v) => v * kind.scale));
    let most = 0;
    for (const list of all) for (const v of list) most = Math.max(most, v);
    const top = most || 1;
    all.forEach((list, i) => kind.paths[i].setAttribute("d", path(list, now, top, kind.gaps)));
    const last = all.map((list) => list.length ? list[list.length - 1] : 0);
    text(kind.now, stamps.length ? last.map(kind.show).join(" / ") : "–");
    text(kind.most, stamps.length ? `${Math.round((now - first(now)) * step / 60)} min ago; most ${kind.show(most)}` : "there is nothing yet");
    kind.svg.setAttribute("aria-label", `${kind.name}: now ${kind.now.textContent}, most ${kind.show(most)}`);
  }
}

// first returns the stamp of the left edge: the oldest value's, or what was five minutes ago if that is older.
function first(now) {
  return Math.min(stamps[0] ?? now, now - 60);
}

// path returns a line through the values, with gaps where there are none.
function path(list, now, top, gaps) {
  const left = first(now), wide = now - left;
  let d = "", before = -Infinity;
  list.forEach((v, i) => {
    if (gaps && v === 0) return;
    const x = ((stamps[i] - left) / wide * width).toFixed(1), y = (height - 1 - v / top * (height - 1 - base)).toFixed(1);
    d += (stamps[i] - before <= 3 ? "L" : "M") + x + " " + y;
    before = stamps[i];
  });
  return d;
}
