// The dashboard: figures each five seconds, and what an operator may do about them.

const EVERY_MS = 5000;
const PAGE = 25; // rows
const KEY = "piehub admin token";
const { api } = document.body.dataset;
const part = (id) => document.getElementById(id);

const MEANINGS = {
  1000: "the client closed",
  1001: "the page was left",
  1002: "broken frame",
  1005: "the client closed without a code",
  1006: "the connection broke",
  1007: "bad UTF-8",
  1008: "refused",
  1009: "message too long",
  1011: "fault of the hub",
  1012: "the hub restarted",
  1013: "the hub was full",
  4408: "no pong in time",
  4409: "its id was taken over",
  4413: "too slow",
  4429: "too many messages",
};

// What each tile shows: of a sample, a number; of a number, a text.
const TILES = {
  clients: [(sample) => sample.clients, count],
  rooms: [(sample) => sample.rooms, count],
  "messages-in": [(sample) => sample.messagesIn, rate],
  "messages-out": [(sample) => sample.messagesOut, rate],
  waiting: [(sample) => sample.waiting, bytes],
  closes: [(sample) => sum(sample.closes) / interval, rate],
};

const offsets = { rooms: 0, clients: 0 };
let interval = EVERY_MS / 1000;
let token = sessionStorage.getItem(KEY);
let timer;

// ---- The hub

class Refused extends Error {}

async function ask(method, path, query = {}) {
  const address = new URL(`${api}/${path}`, location.href);
  for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
  const answer = await fetch(address, {
    method,
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
    signal: AbortSignal.timeout(8000),
  });
  if (answer.status === 401) throw new Refused("That is not the hub’s token.");
  if (answer.status === 204) return undefined;
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? `The hub answers ${answer.status}.`);
  return body;
}

const pathOf = (...names) => names.map(encodeURIComponent).join("/");

// ---- Signing in

part("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  token = part("token").value;
  part("refusal").textContent = "";
  refresh();
});

part("sign-out").addEventListener("click", () => signOut(""));

function signOut(why) {
  clearTimeout(timer);
  token = null;
  sessionStorage.removeItem(KEY);
  part("figures").hidden = part("sign-out").hidden = true;
  part("sign-in").hidden = false;
  part("refusal").textContent = why;
  show("gone", "Signed out.");
  part("token").focus();
}

function signedIn() {
  if (!part("figures").hidden) return;
  sessionStorage.setItem(KEY, token);
  part("token").value = "";
  part("sign-in").hidden = true;
  part("figures").hidden = part("sign-out").hidden = false;
}

// ---- Looking

async function refresh() {
  clearTimeout(timer);
  if (!document.hidden) {
    try {
      await showAll();
      show("ok", "Connected.");
    } catch (error) {
      if (error instanceof Refused) {
        signOut(error.message);
        return;
      }
      show("gone", "The hub does not answer.");
    }
  }
  timer = setTimeout(refresh, EVERY_MS);
}

async function showAll() {
  const [figures, slow] = await Promise.all([
    ask("GET", "figures"),
    ask("GET", "clients", { sort: "waiting", limit: 5 }),
  ]);
  signedIn();
  interval = figures.interval;
  showTiles(figures);
  showCodes(figures);
  fill(
    "slow",
    slow.clients.filter(({ waiting }) => waiting),
    "Nobody is slow.",
    ({ id, room, waiting }) => [id, roomOf(room), number(bytes(waiting))],
  );
  await Promise.all([showRooms(), showClients()]);
}

function showTiles({ now, samples }) {
  for (const [id, [of, text]] of Object.entries(TILES)) {
    const values = samples.map(of);
    part(id).querySelector("b").textContent = text(of(now) || 0);
    const most = Math.max(...values, 0);
    part(id).querySelector(".most").textContent = `at most ${text(most)}`;
    draw(part(id), values, most);
  }
}

// The newest at the right edge; what is not known yet is left empty.
function draw(tile, values, most) {
  const step = 180 / Math.max(1, (15 * 60) / interval - 1);
  const points = values.map((value, i) => {
    const x = 180 - (values.length - 1 - i) * step;
    return `${x.toFixed(1)},${(46 - (44 * value) / (most || 1)).toFixed(1)}`;
  });
  const first = points[0]?.split(",")[0];
  tile.querySelector(".line").setAttribute("d", points.length ? `M${points.join("L")}` : "");
  const area = points.length ? `M${first},48L${points.join("L")}L180,48Z` : "";
  tile.querySelector(".area").setAttribute("d", area);
}

function showCodes({ closes, samples }) {
  const lately = {};
  for (const sample of samples) {
    for (const [code, times] of Object.entries(sample.closes ?? {})) {
      lately[code] = (lately[code] ?? 0) + times;
    }
  }
  fill("codes", Object.entries(closes), "Nobody has gone yet.", ([code, times]) => [
    code,
    MEANINGS[code] ?? "",
    number(count(lately[code] ?? 0)),
    number(count(times)),
  ]);
}

async function showRooms() {
  const wanted = Object.fromEntries(new FormData(part("room-search")));
  const { rooms, total } = await ask("GET", "rooms", {
    ...wanted,
    limit: PAGE,
    offset: offsets.rooms,
  });
  showPage("rooms", rooms.length, total);
  fill("room-rows", rooms, "No room.", (room) => [
    room.app,
    room.name,
    room.version,
    number(room.maxClients ? `${count(room.clients)} of ${count(room.maxClients)}` : count(room.clients)),
    kindOf(room),
    action("Close", `Close the room “${room.name}”?`, "Everybody in it is told, and is in no room.", () =>
      ask("DELETE", `rooms/${pathOf(room.app, room.version, room.name)}`),
    ),
  ]);
}

async function showClients() {
  const wanted = Object.fromEntries(new FormData(part("client-search")));
  const { clients, total } = await ask("GET", "clients", {
    ...wanted,
    limit: PAGE,
    offset: offsets.clients,
  });
  showPage("clients", clients.length, total);
  fill("client-rows", clients, "Nobody.", (client) => [
    client.id,
    client.address,
    roomOf(client.room),
    number(duration(client.seconds)),
    number(count(client.received)),
    number(count(client.sent)),
    number(bytes(client.waiting)),
    action("Drop", `Drop the client “${client.id}”?`, "It is closed with 1008, and stays away.", () =>
      ask("DELETE", `clients/${pathOf(client.id)}`),
    ),
  ]);
}

const kindOf = ({ hidden, isPasswordProtected, history }) =>
  [hidden && "hidden", isPasswordProtected && "password", history && `history ${history}`]
    .filter(Boolean)
    .join(", ");

const roomOf = (room) => (room ? `${room.app} / ${room.name} / ${room.version}` : "–");

function showPage(list, shown, total) {
  const first = offsets[list];
  part(`${list}-shown`).textContent = total
    ? `${count(first + 1)} to ${count(first + shown)} of ${count(total)}`
    : "";
  for (const button of document.querySelectorAll(`[data-list=${list}]`)) {
    const next = first + button.dataset.step * PAGE;
    button.disabled = next < 0 || next >= total;
    button.onclick = () => turn(list, next);
  }
}

function turn(list, offset) {
  offsets[list] = offset;
  refresh();
}

for (const list of ["room", "client"]) {
  part(`${list}-search`).addEventListener("submit", (event) => {
    event.preventDefault();
    turn(`${list}s`, 0);
  });
}

// Writes a table's rows: the rows that stay keep their place, so that a button that is being
// clicked, or has the focus, does not go.
function fill(id, things, otherwise, cellsOf) {
  const body = part(id);
  const had = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const rows = things.map((thing) => {
    const cells = cellsOf(thing);
    const key = JSON.stringify(cells.filter((cell) => typeof cell === "string"));
    const row = had.get(key) ?? document.createElement("tr");
    row.dataset.key = key;
    cells.forEach((cell, i) => put(row, i, cell));
    return row;
  });
  if (!rows.length) {
    const row = document.createElement("tr");
    const cell = row.insertCell();
    cell.colSpan = body.parentNode.tHead.rows[0].cells.length;
    cell.textContent = otherwise;
    rows.push(row);
  }
  const isSame = rows.length === body.rows.length && rows.every((row, i) => row === body.rows[i]);
  if (!isSame) body.replaceChildren(...rows);
}

function put(row, i, cell) {
  const place = row.cells[i] ?? row.insertCell();
  if (typeof cell === "function") {
    if (!place.firstChild) place.append(cell());
  } else if (typeof cell === "object") {
    place.className = "number";
    place.textContent = cell.number;
  } else {
    place.textContent = place.title = cell;
  }
}

const number = (text) => ({ number: text });

// ---- Doing

// A button that asks before it does.
const action = (word, question, consequence, act) => () => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = word;
  button.setAttribute("aria-label", question.slice(0, -1));
  button.addEventListener("click", async () => {
    if (!(await isSure(question, consequence))) return;
    try {
      await act();
      say("Done.");
    } catch (error) {
      say(error.message);
    }
    refresh();
  });
  return button;
};

function isSure(question, consequence) {
  part("question").textContent = question;
  part("consequence").textContent = consequence;
  part("ask").returnValue = "no";
  part("ask").showModal();
  return new Promise((resolve) => {
    part("ask").addEventListener("close", () => resolve(part("ask").returnValue === "yes"), {
      once: true,
    });
  });
}

// ---- Words

function say(text) {
  part("notice").textContent = "";
  setTimeout(() => (part("notice").textContent = text), 50);
}

function show(state, text) {
  const status = part("status");
  if (status.dataset.state === state && status.textContent === text) return;
  status.dataset.state = state;
  status.textContent = text;
}

function count(value) {
  return Math.round(value).toLocaleString("en");
}

function rate(value) {
  return value < 10 && value % 1 ? value.toFixed(1) : count(value);
}

function bytes(value) {
  if (value < 1000) return `${count(value)} B`;
  const units = ["kB", "MB", "GB"];
  let size = value / 1000;
  while (size >= 1000 && units.length > 1) {
    size /= 1000;
    units.shift();
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[0]}`;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function sum(times = {}) {
  return Object.values(times).reduce((total, one) => total + one, 0);
}

document.addEventListener("visibilitychange", () => token && refresh());
if (token) refresh();
else signOut("");
