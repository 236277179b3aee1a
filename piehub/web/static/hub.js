// The hub's page: the address as the browser sees it, the Copy buttons, and counts that stay fresh.
"use strict";

const REFRESH_MS = 5000;
const { path, health } = document.body.dataset;
const part = (id) => document.getElementById(id);

// A proxy that speaks TLS for the hub hides from it whether it is ws or wss; the browser knows.
const scheme = location.protocol === "https:" ? "wss://" : "ws://";
for (const place of document.querySelectorAll("[data-address]")) {
  place.textContent = scheme + location.host + path;
}
for (const place of document.querySelectorAll("[data-site]")) {
  place.textContent = location.href.replace(/\/[^/]*$/, "");
}

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false; // it could do nothing without this script
  button.addEventListener("click", () => copy(button));
}

async function copy(button) {
  const source = part(button.dataset.copies);
  if (await put(source)) {
    say("Copied.");
    flash(button, "Copied");
  } else {
    say("Your browser does not let this page copy. The text is selected; copy it with Ctrl+C.");
    flash(button, "Selected");
  }
}

async function put(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // There is no navigator.clipboard on plain http beyond localhost; the old way works there.
    getSelection().selectAllChildren(source);
    const isCopied = document.execCommand("copy");
    if (isCopied) getSelection().removeAllRanges();
    return isCopied;
  }
}

function flash(button, text) {
  const word = button.firstChild;
  clearTimeout(button.timer);
  word.data = text;
  button.classList.add("done");
  button.timer = setTimeout(() => {
    word.data = "Copy";
    button.classList.remove("done");
  }, 2000);
}

function say(text) {
  // Emptied first, as the same text twice would be read out once.
  part("notice").textContent = "";
  setTimeout(() => (part("notice").textContent = text), 50);
}

async function refresh() {
  if (document.hidden) return;
  let answer;
  try {
    const response = await fetch(health, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    answer = await response.json();
  } catch {
    show("gone", "The hub does not answer.");
    part("rooms").textContent = part("clients").textContent = "–"; // the old ones no longer hold
    return;
  }
  part("version").textContent = answer.version;
  count("rooms", answer.rooms);
  count("clients", answer.clients);
  if (answer.status === "ok") show("ok", "The hub is running.");
  else show("draining", "The hub is restarting.");
}

function show(state, text) {
  const status = part("status");
  if (status.dataset.state === state) return; // screen readers hear of changes only
  status.dataset.state = state;
  status.textContent = text;
}

function count(what, number) {
  part(what).textContent = number;
  part(`${what}-word`).textContent = number === 1 ? what.slice(0, -1) : what;
}

setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", refresh);
