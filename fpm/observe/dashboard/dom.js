// What the page is made of. Every text goes in by textContent: requests and scripts have a say in many of them.

export const $ = (id) => document.getElementById(id);

// make returns an element with properties, and children that are elements or texts.
export function make(tag, properties, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in e) e[name] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// text changes an element's text if it is another, so that nothing moves under a reader.
export function text(e, value) {
  const now = String(value);
  if (e.textContent !== now) e.textContent = now;
}

export function className(e, value) {
  if (e.className !== value) e.className = value;
}

export function hidden(e, is) {
  if (e.hidden !== is) e.hidden = is;
}

// keyed has an element's children be those of items, by their keys: what is there stays, with its focus.
export function keyed(parent, items, key, create, update) {
  const there = parent.keyed || (parent.keyed = new Map());
  const wanted = new Set();
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    wanted.add(k);
    let e = there.get(k);
    if (!e) {
      e = create(item);
      there.set(k, e);
    }
    update(e, item);
    if (e === at) at = at.nextElementSibling;
    else if (!e.contains(document.activeElement)) parent.insertBefore(e, at);
    else { // moving it would lose the focus: the others move around it
      while (at && at !== e) {
        const next = at.nextElementSibling;
        parent.append(at);
        at = next;
      }
      at = e.nextElementSibling;
    }
  }
  for (const [k, e] of there) {
    if (!wanted.has(k)) {
      e.remove();
      there.delete(k);
    }
  }
}

// stats returns a list of terms; update it by fill.
export function stats(names) {
  const list = make("dl");
  list.values = names.map((name) => {
    const value = make("dd");
    list.append(make("div", null, make("dt", null, name), value));
    return value;
  });
  return list;
}

export function fill(list, values) {
  values.forEach((v, i) => text(list.values[i], v));
}

export function bytes(n) {
  if (!n) return "–";
  for (const unit of ["B", "KiB", "MiB"]) {
    if (n < 1024) return (n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)) + " " + unit;
    n /= 1024;
  }
  return n.toFixed(n < 10 ? 2 : 1) + " GiB";
}

export function seconds(s) {
  if (s < 0.001) return Math.round(s * 1e6) + " µs";
  if (s < 1) return (s * 1e3).toFixed(s < 0.01 ? 1 : 0) + " ms";
  if (s < 60) return s.toFixed(1) + " s";
  return span(s);
}

export function span(s) {
  s = Math.max(0, Math.floor(s));
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  const one = (...parts) => parts.join("\u00a0"); // in one line
  if (d) return one(d, "d", h, "h");
  if (h) return one(h, "h", m, "min");
  if (m) return one(m, "min", s % 60, "s");
  return one(s, "s");
}

export function number(n, digits = 1) {
  if (n >= 1000) return Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");
  return n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(digits);
}

// many returns a number with what it counts: "1 worker", "2 workers".
export function many(n, one) {
  return n + " " + one + (n === 1 ? "" : "s");
}

export function clock(s) {
  return new Date(s * 1000).toLocaleTimeString([], { hour12: false });
}
