// Orders: each is asked about in a dialog, and sent with the token, which the page keeps until it is left.

import { $, hidden, text } from "./dom.js";

let token = "", pending = null;

export function begin() {
  $("d-cancel").addEventListener("click", () => $("dialog").close());
  $("dialog").addEventListener("close", () => { pending = null; });
  $("outcome-close").addEventListener("click", () => hidden($("outcome"), true));
  $("d-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

// give asks whether to give an order that changes nothing, but not once the token is known.
export function give(q) {
  ask(q);
  if (token) send();
}

// ask asks whether to give an order: {title, text, ok, danger, order, count, most, now, path, done}. done is called when it was given.
export function ask(q) {
  pending = q;
  text($("d-title"), q.title);
  text($("d-text"), q.text);
  text($("d-ok"), q.ok);
  $("d-ok").className = q.danger ? "danger" : "strong";
  hidden($("d-count-row"), q.count === undefined);
  hidden($("d-now-row"), !q.now);
  hidden($("d-error"), true);
  busy(false);
  $("d-now").checked = false;
  $("d-count").required = q.count !== undefined;
  if (q.count !== undefined) {
    $("d-count").value = q.count;
    $("d-count").max = q.most;
    text($("d-most"), `of ${q.most} at most`);
  }
  hidden($("d-token-row"), token !== "");
  $("d-token").required = token === "";
  $("d-token").value = "";
  $("dialog").showModal();
  (q.count !== undefined ? $("d-count") : token === "" ? $("d-token") : $("d-cancel")).focus();
}

function busy(is) {
  $("d-ok").disabled = is;
  if (is) text($("d-ok"), "…");
  else if (pending) text($("d-ok"), pending.ok);
}

async function send() {
  const q = pending;
  if (!q) return;
  const order = { ...q.order };
  if (q.count !== undefined) order.count = $("d-count").valueAsNumber;
  if (q.now) order.now = $("d-now").checked;
  const used = token || $("d-token").value.trim();
  busy(true);
  let status = 0, answer = {};
  try {
    const r = await fetch(q.path || "api/order", { method: "POST", cache: "no-store", credentials: "omit",
      headers: { "Content-Type": "application/json", "X-Phpsapi-Token": used }, body: JSON.stringify(order) });
    status = r.status;
    answer = await r.json();
  } catch (e) {
    answer = { error: "the dashboard does not answer: " + e.message };
  }
  if (status === 401 || status === 403) token = "";
  else if (status) token = used;
  const done = status === 200 || status === 202;
  if (pending !== q || done) {
    say(`${q.title.replace(/\?$/, "")}: ${done ? answer.text : answer.error}`, !done);
    if (pending === q) $("dialog").close();
    if (done && q.done) q.done();
    return;
  }
  busy(false);
  text($("d-error"), answer.error || "it failed with status " + status);
  hidden($("d-error"), false);
  if (!token) {
    hidden($("d-token-row"), false);
    $("d-token").required = true;
    $("d-token").select();
    $("d-token").focus();
  }
}

function say(what, isBad) {
  const e = $("outcome");
  text($("outcome-text"), what);
  e.className = isBad ? "bad" : "";
  hidden(e, false);
}
