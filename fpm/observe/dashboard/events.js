// Slow and failed requests, with PHP's stack.

import { $, hidden, keyed, make, many, seconds, text } from "./dom.js";

const few = 12; // that are shown before somebody wants to see all

let known = "", asking = false, all = [], whole = false;

export function begin() {
  $("which").addEventListener("change", show);
  $("more-events").addEventListener("click", () => {
    whole = !whole;
    show();
  });
}

// refresh asks for them if there are others than those that are shown.
export async function refresh(incidents, slow, say) {
  const now = incidents + " " + slow;
  if (now === known || asking) return;
  asking = true;
  try {
    const r = await fetch("api/events", { cache: "no-store" });
    const t = await r.json();
    if (!r.ok) {
      text($("n-events"), "– " + t.error);
      return;
    }
    all = [...(t.incidents?.incidents || []), ...(t.slow?.requests || [])];
    all.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
    if (known) say(`${many(incidents, "incident")} and ${many(slow, "slow request")} so far`);
    known = now;
    const scripts = (t.incidents?.scripts || []).length;
    text($("n-events"), `${t.incidents?.total || 0} failed, ${t.slow?.total || 0} slow` + (scripts ? `; scripts that end workers again and again: ${scripts}` : ""));
    show();
  } catch { // tried again with the next look
  } finally {
    asking = false;
  }
}

function show() {
  const which = $("which").value;
  const wanted = all.filter((i) => !which || (i.kind === "slow") === (which === "slow"));
  hidden($("no-events"), wanted.length > 0);
  hidden($("more-events"), wanted.length <= few);
  text($("more-events"), whole ? "Show fewer" : `Show all ${wanted.length}`);
  const key = (i) => i.kind + i.number;
  const isRead = (i) => $("events").keyed?.get(key(i))?.open; // somebody reads it: it stays
  keyed($("events"), whole ? wanted : wanted.filter((i, n) => n < few || isRead(i)), key, create, () => {});
}

function create(i) {
  const url = i.method ? `${i.method} ${i.host || ""}${i.uri || ""}` : i.script || "no request";
  const bad = i.kind !== "slow" && i.kind !== "operator";
  const body = make("div", { className: "body" });
  body.append(make("p", null, `Worker ${i.pid} of pool ${i.pool} (generation ${i.generation}, PHP ${i.engine}): ${i.what}`));
  if (i.script) body.append(make("p", null, "Script: ", make("code", null, i.script)));
  if (i.error) body.append(make("p", null, "Error: " + i.error));
  if (i.queue_wait) body.append(make("p", null, "It had waited " + seconds(i.queue_wait) + " for a worker."));
  if (i.client) body.append(make("p", null, "The client got: " + i.client));
  if (i.request_id) body.append(make("p", null, "Request: " + i.request_id));
  if (i.trace_id) body.append(make("p", null, "Trace: " + i.trace_id));
  for (const [name, stack] of [["PHP’s stack", i.php_stack], ["C’s stack", i.c_stack]]) {
    if (stack && stack.length) body.append(make("h3", null, name), make("pre", null, stack.join("\n")));
  }
  if (!(i.php_stack && i.php_stack.length)) body.append(make("p", { className: "soft" }, "PHP’s stack is not known."));
  const took = i.duration === undefined ? "" : seconds(i.duration);
  return make("details", null, make("summary", null, make("span", { className: "pill" + (bad ? " bad" : "") }, i.kind), make("span", { className: "url" }, url),
    make("span", { className: "soft" }, [took, i.pool, new Date(i.time).toLocaleTimeString([], { hour12: false })].filter(Boolean).join(" · "))), body);
}
