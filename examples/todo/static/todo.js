// A todo list for one. It knows of no hub; shared.js makes it everybody's.

const items = new Map(JSON.parse(localStorage.getItem("todo") ?? "[]")); // by id
const rows = new Map(); // the same, on the page
const list = document.querySelector("ul");
const field = document.getElementById("text");

// An item is a value: a change makes a new one, with the next number.
function change(id, part) {
  const old = items.get(id) ?? { number: 0 };
  const changed = [[id, { ...old, ...part, number: old.number + 1 }]];
  merge(changed);
  dispatchEvent(new CustomEvent("changed", { detail: changed }));
}

// Takes what is newer than ours. The order does not matter, nor does it if something comes twice.
function merge(others) {
  for (const [id, item] of others) if (isNewer(item, items.get(id))) items.set(id, item);
  localStorage.setItem("todo", JSON.stringify([...items]));
  show();
}

// Of two changes at the same time one must win, and the same one everywhere.
function isNewer(item, old) {
  if (!old || item.number !== old.number) return item.number > (old?.number ?? 0);
  return JSON.stringify(item) > JSON.stringify(old);
}

function show() {
  const focused = document.activeElement;
  // What was removed is kept, or another's older list would bring it back.
  const ids = [...items.keys()].filter((id) => !items.get(id).isGone).sort();
  list.replaceChildren(...ids.map((id) => row(id, items.get(id))));
  (focused.isConnected ? focused : field).focus();
}

function row(id, { text, isDone }) {
  if (!rows.has(id)) rows.set(id, makeRow(id));
  const item = rows.get(id);
  item.querySelector("input").checked = isDone;
  item.querySelector("span").textContent = text; // as text, never as HTML
  item.querySelector("button").setAttribute("aria-label", `Remove ${text}`);
  return item;
}

function makeRow(id) {
  const item = document.createElement("li");
  item.innerHTML = '<label><input type="checkbox"><span></span></label><button>✕</button>';
  item.querySelector("input").onchange = (event) => change(id, { isDone: event.target.checked });
  item.querySelector("button").onclick = () => change(id, { isGone: true });
  return item;
}

document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`; // sorts by age
  change(id, { text: field.value, isDone: false });
  field.value = "";
};

show();
