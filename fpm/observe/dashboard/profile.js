// The profiler: a flame graph that grows while workers take samples. The function that was called first is on top.

import { $, hidden, keyed, make, many, text } from "./dom.js";
import { give } from "./orders.js";

const SVG = "http://www.w3.org/2000/svg";
const row = matchMedia("(pointer: coarse)").matches ? 30 : 20;
const letter = 7.3, least = 0.6; // the width of a letter, and of a box that is drawn
const few = 12; // rows of the table

let shown = null, asking = false, zoom = [], current = "", boxes = new Map(), known = 0;

export function begin() {
  $("p-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  $("p-end").addEventListener("click", () => give({ title: "End the profile?", text: "What it has so far stays.", ok: "End it", path: "api/profile", order: { end: shown.number },
    done: refresh }));
  $("p-all").addEventListener("click", () => zoomTo([]));
  const flame = $("flame");
  flame.addEventListener("click", (event) => {
    const b = boxOf(event.target);
    if (!b) return;
    select(b.key, false);
    zoomTo(b.path);
  });
  flame.addEventListener("keydown", press);
  flame.addEventListener("focusin", (event) => {
    const b = boxOf(event.target);
    if (b) select(b.key, false);
  });
  flame.addEventListener("pointerover", (event) => tell(boxOf(event.target) || boxes.get(current)));
  new ResizeObserver(() => draw()).observe($("flame-room"));
}

// pools has the form offer these pools.
export function pools(names, orders) {
  hidden($("p-form"), !orders);
  const select = $("p-pool"), before = select.value;
  const there = [...select.options].map((o) => o.value);
  if (there.length === names.length + 1 && names.every((n, i) => there[i + 1] === n)) return;
  while (select.options.length > 1) select.remove(1);
  for (const n of names) select.add(make("option", { value: n }, n));
  select.value = names.includes(before) ? before : "";
}

function start() {
  const order = { pool: $("p-pool").value, site: $("p-site").value.trim(), url: $("p-url").value.trim(), seconds: $("p-seconds").valueAsNumber };
  give({ title: "Make a profile?", ok: "Begin", path: "api/profile", order, done: refresh,
    text: `For ${many(order.seconds, "second")} the workers ${order.pool ? "of pool " + order.pool + " " : ""}look 100 times a second where PHP is, while they have a request.` });
}

// watch asks for a profile while one is being made, and if there is another one than the one that is shown.
export function watch(number) {
  if (number !== known || shown?.running) refresh();
  known = number;
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const r = await fetch("api/profile", { cache: "no-store" });
    const p = await r.json();
    if (r.ok) show(p);
  } catch { // the page says already that nobody answers
  } finally {
    asking = false;
  }
}

function show(p) {
  if (!p.number) {
    if (shown?.number) text($("p-state"), "The profile is gone: the process that had it was replaced.");
    hidden($("p-end"), true);
    shown = null;
    return;
  }
  if (!shown || shown.number !== p.number) [zoom, current] = [[], ""];
  shown = p;
  const o = p.of, of = [o.pool ? "pool " + o.pool : "all pools", o.site, o.url && "URLs " + o.url + "…"].filter(Boolean).join(", ");
  let state = p.running ? `${of}: ${Math.floor(p.length)} of ${many(o.seconds, "second")}, ${many(p.total, "sample")}`
    : `${of}: ${many(p.total, "sample")} in ${many(Math.round(p.length), "second")}` + (p.workers ? " of " + many(p.workers, "worker") : "");
  if (p.dropped) state += `, ${p.dropped} dropped`;
  if (p.lost) state += `, ${many(p.lost, "byte")} lost`;
  if (!p.running && !p.total && !p.why) state = `${of}: no request was seen` + (p.unheard ? `; workers that had the same request all the time: ${p.unheard}` : "");
  text($("p-state"), p.why ? `${of}: ${p.why}` : state);
  hidden($("p-end"), !p.running);
  $("p-go").disabled = p.running;
  const has = p.total > 0;
  for (const id of ["flame-room", "p-told", "p-files", "p-top"]) hidden($(id), !has);
  if (!has) return;
  keyed($("p-files"), ["svg", "folded", "pprof"], (f) => f, (f) => make("a", { download: "" }, f), (a, f) => {
    const href = `api/profile/${f}?number=${p.number}`;
    if (a.getAttribute("href") !== href) a.setAttribute("href", href);
  });
  draw();
  top(p.tree);
}

function element(tag, attributes) {
  const e = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

function set(e, name, value) {
  if (e.getAttribute(name) !== String(value)) e.setAttribute(name, value);
}

const keyOf = (path) => path.join("\n");
const idOf = (n) => n.name + "\t" + (n.file || "");

// draw lays the tree out: what leads to the function that is zoomed to is as wide as the graph.
function draw() {
  if (!shown?.tree) return;
  const width = $("flame-room").clientWidth;
  if (!width) return;
  const all = [];
  const lay = (n, path, x, w, depth, before) => {
    const box = { n, path, key: keyOf(path), x, w, depth, before, past: path.length < zoom.length };
    all.push(box);
    let at = x;
    for (const c of n.calls || []) {
      const next = [...path, idOf(c)];
      if (path.length < zoom.length) {
        if (zoom[path.length] === next[path.length]) lay(c, next, 0, width, depth + 1, box);
        continue;
      }
      const cw = w * c.count / n.count;
      if (cw >= least) lay(c, next, at, cw, depth + 1, box);
      at += cw;
    }
  };
  if (!exists(zoom)) zoom = [];
  lay(shown.tree, [], 0, width, 0, null);
  boxes = new Map(all.map((b) => [b.key, b]));
  if (!boxes.has(current)) current = keyOf(zoom);
  const height = (Math.max(...all.map((b) => b.depth)) + 1) * row;
  const flame = $("flame");
  set(flame, "viewBox", `0 0 ${width} ${height}`);
  set(flame, "width", width);
  set(flame, "height", height);
  keyed(flame, all, (b) => b.key, () => {
    const g = element("g", { role: "treeitem" });
    g.parts = [element("rect", { height: row - 1, rx: 2 }), element("text", { x: 4, y: row / 2 + 3.5 })];
    g.append(...g.parts);
    return g;
  }, (g, b) => {
    const [rect, name] = g.parts;
    g.box = b;
    set(g, "class", "k-" + b.n.kind + (b.past ? " past" : ""));
    set(g, "transform", `translate(${b.x.toFixed(1)} ${b.depth * row})`);
    set(g, "tabindex", b.key === current ? 0 : -1);
    set(g, "aria-level", b.depth + 1);
    set(g, "aria-label", `${b.n.name}: ${share(b.n.count)}, itself ${share(b.n.own || 0)}`);
    set(rect, "width", Math.max(b.w - 0.6, 0.4).toFixed(1));
    text(name, fitting(b.n.name, b.w - 8));
  });
  hidden($("p-all"), zoom.length === 0);
  tell(boxes.get(current));
}

function exists(path) {
  let n = shown.tree;
  for (const id of path) {
    n = (n.calls || []).find((c) => idOf(c) === id);
    if (!n) return false;
  }
  return true;
}

function fitting(name, width) {
  const most = Math.floor(width / letter);
  return most < 3 ? "" : name.length <= most ? name : name.slice(0, most - 1) + "…";
}

function share(count) {
  return (100 * count / shown.total).toFixed(1) + " %";
}

const boxOf = (target) => target.closest?.("g")?.box;

function tell(b) {
  if (!b) return;
  text($("p-told"), `${b.n.name} · ${many(b.n.count, "sample")}, ${share(b.n.count)}; itself ${b.n.own || 0}, ${share(b.n.own || 0)}` + (b.n.file ? " · " + b.n.file : ""));
}

// select makes a box the one that has the focus, if the graph has it.
function select(key, focus) {
  const flame = $("flame");
  const of = (k) => [...flame.children].find((g) => g.box.key === k);
  if (key !== current) {
    const before = of(current);
    if (before) set(before, "tabindex", -1);
  }
  current = key;
  const g = of(key);
  if (!g) return;
  set(g, "tabindex", 0);
  if (focus && document.activeElement !== g) g.focus();
  tell(g.box);
}

function zoomTo(path) {
  zoom = path;
  draw();
  if ($("flame").contains(document.activeElement)) select(current, true);
}

function press(event) {
  const b = boxes.get(current);
  if (!b || event.ctrlKey || event.altKey || event.metaKey) return;
  const beside = (step) => {
    const same = [...boxes.values()].filter((o) => o.depth === b.depth).sort((p, q) => p.x - q.x);
    return same[same.indexOf(b) + step];
  };
  let to = null;
  switch (event.key) {
    case "ArrowUp": to = b.before; break;
    case "ArrowDown": to = [...boxes.values()].filter((o) => o.before === b).sort((p, q) => q.w - p.w)[0]; break;
    case "ArrowLeft": to = beside(-1); break;
    case "ArrowRight": to = beside(1); break;
    case "Home": to = boxes.get(""); break;
    case "Enter": case " ": zoomTo(b.path); break;
    case "Escape": zoomTo([]); break;
    default: return;
  }
  event.preventDefault();
  if (to) select(to.key, true);
}

// top fills the table of the functions that took the most time themselves.
function top(tree) {
  const all = new Map();
  const walk = (n, above) => {
    const id = idOf(n), f = all.get(id) || { n, own: 0, count: 0 };
    all.set(id, f);
    f.own += n.own || 0;
    const inside = above.has(id);
    if (!inside) {
      f.count += n.count;
      above.add(id);
    }
    for (const c of n.calls || []) walk(c, above);
    if (!inside) above.delete(id);
  };
  for (const c of tree.calls || []) walk(c, new Set());
  const most = [...all.values()].filter((f) => f.own > 0).sort((a, b) => b.own - a.own).slice(0, few);
  keyed($("p-top").querySelector("tbody"), most, (f) => idOf(f.n), (f) => make("tr", null, make("td", { className: "n" }), make("td", { className: "n" }),
    make("td", { className: "url" }, make("code", null, f.n.name), make("small", null, f.n.file || ""))), (tr, f) => {
    text(tr.children[0], share(f.own));
    text(tr.children[1], share(f.count));
  });
}
