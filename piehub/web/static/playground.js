// The playground on the hub's page: one room for all who have this page's address.

import PieClient from "../../pie.js";

const ROOM = { app: "piehub playground", version: "1", hidden: true, history: 50 };
const TRIP_EVERY_MS = 2000;
const TRIPS = 40; // in the chart
const MOST_LINES = 200;

const part = (id) => document.getElementById(id);
const { path } = document.body.dataset;
const scheme = location.protocol === "https:" ? "wss://" : "ws://";

// The room's name stays in the address, behind a #: who gets the address gets into the room.
const name = location.hash.slice(1) || `room-${Math.random().toString(36).slice(2, 8)}`;
history.replaceState(null, "", `#${name}`);
part("again").href = location.href;

class Watched extends PieClient {
  _send(message) {
    show("sent", message);
    super._send(message);
  }

  handleMessage(message, useStats) {
    if (!isTrip(message)) show("heard", message);
    super.handleMessage(message, useStats);
  }
}

const pie = new Watched();
const trips = [];
let people = [];

pie.onConnectInfo = ({ connected }) => {
  part("play").dataset.state = connected ? "ok" : "gone";
  part("link").textContent = connected ? "Connected." : "Disconnected. Trying again…";
};

pie.onServerAssignedData = ({ clientId }) => {
  part("me").textContent = nameOf(clientId);
};

pie.onClientPresenceChanged = ({ clients }) => {
  const came = clients.filter((id) => !people.includes(id));
  const went = people.filter((id) => !clients.includes(id));
  if (people.length) {
    for (const id of came) note(`${nameOf(id)} came in.`);
    for (const id of went) note(`${nameOf(id)} has left.`);
  }
  people = clients;
  showPeople();
};

pie.onData = (message) => {
  if (isTrip(message)) {
    showTrip(performance.now() - message.payload.trip);
    return;
  }
  const isOwn = message.fromClient === pie.clientId;
  const kind = { Whisper: "whispers", Together: "says, together" }[message.subType] ?? "says";
  const text = String(message.payload?.text ?? JSON.stringify(message.payload));
  line(message.fromClient, isOwn ? "own" : "other", `${nameOf(message.fromClient)} ${kind}`, text);
  if (isOwn && message.subType === "Together") part("waits").hidden = true;
};

pie.onRecovery = ({ recovered }) => {
  note(recovered ? "Back. What was missed comes now." : "Back, but what was missed is gone.");
};

pie.onError = ({ message }) => note(message);

// ---- What a person does

part("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = part("text").value.trim();
  const to = part("to").value;
  if (!text || !pie.isConnected()) return;
  if (to === "everyone") {
    pie.sendData({ text });
  } else if (to === "together") {
    pie.together({ text }, "playground");
    part("waits").hidden = false;
  } else {
    pie.whisper({ text }, to);
    line(pie.clientId, "own", `You whisper to ${nameOf(to)}`, text);
  }
  part("text").value = "";
});

part("cut").addEventListener("click", () => {
  if (!pie.ws) return;
  const { tryReconnect } = pie;
  pie.tryReconnect = () => {
    pie.tryReconnect = tryReconnect;
    tryReconnect(5000);
  };
  note("The connection is cut. It comes back in five seconds, and misses nothing.");
  pie.ws.close(4000, "cut in the playground");
});

// ---- What a person sees

function line(id, kind, who, text) {
  const item = document.createElement("p");
  item.className = kind;
  const speaker = document.createElement("b");
  speaker.textContent = who;
  speaker.dataset.hue = hueOf(id);
  item.append(speaker, " ", text);
  add(item);
}

function note(text) {
  const item = document.createElement("p");
  item.className = "note";
  item.textContent = text;
  add(item);
}

function add(item) {
  const list = part("log");
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  while (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function showPeople() {
  const list = part("people");
  list.replaceChildren(
    ...people.map((id) => {
      const item = document.createElement("li");
      item.dataset.hue = hueOf(id);
      item.textContent = nameOf(id) + (id === pie.clientId ? " (you)" : "");
      return item;
    }),
  );
  const others = people.filter((id) => id !== pie.clientId);
  part("alone").hidden = others.length > 0;
  const chosen = part("to").value;
  part("whispers").replaceChildren(...others.map((id) => new Option(nameOf(id), id)));
  part("whispers").hidden = others.length === 0;
  if ([...part("to").options].some(({ value }) => value === chosen)) part("to").value = chosen;
}

function show(direction, message) {
  if (direction === "sent" && isTrip(message)) return;
  const wire = part("wire");
  const text = JSON.stringify(message, (key, value) => (key === "resumeToken" ? "…" : value));
  const row = document.createElement("span");
  row.className = direction;
  row.textContent = `${direction === "sent" ? "→" : "←"} ${text}\n`;
  wire.append(row);
  while (wire.childElementCount > MOST_LINES) wire.firstElementChild.remove();
  wire.scrollTop = wire.scrollHeight;
}

// A whisper to oneself goes to the hub and back, and troubles nobody.
const isTrip = ({ subType, payload }) => subType === "Whisper" && payload?.trip !== undefined;

setInterval(() => {
  if (document.hidden || !pie.isConnected() || !pie.currentRoomInfo) return;
  pie.whisper({ trip: performance.now() }, pie.clientId);
}, TRIP_EVERY_MS);

function showTrip(ms) {
  trips.push(ms);
  if (trips.length > TRIPS) trips.shift();
  part("trip").textContent = ms < 10 ? ms.toFixed(1) : Math.round(ms);
  const most = Math.max(...trips);
  const x = (i) => 100 - ((trips.length - 1 - i) * 100) / (TRIPS - 1);
  const points = trips.map((trip, i) => `${x(i)},${29 - (27 * trip) / most}`);
  part("trips").setAttribute("points", points.join(" "));
}

// ---- Names that all pages give to the same id

const KINDS = "brave calm clever eager fair gentle happy jolly keen lively mild nimble proud quick shy wise";
const ANIMALS = "badger bear crane deer falcon fox hare heron lynx marten otter owl raven seal swan wolf";

function hash(text) {
  let sum = 2166136261;
  for (const character of text) sum = Math.imul(sum ^ character.codePointAt(0), 16777619);
  return sum >>> 0;
}

function nameOf(id) {
  const number = hash(id);
  return `${KINDS.split(" ")[number % 16]} ${ANIMALS.split(" ")[(number >>> 8) % 16]}`;
}

function hueOf(id) {
  return hash(id) % 8;
}

try {
  await pie.connect(scheme + location.host + (path || "/"));
  await pie.makeRoom({ ...ROOM, name });
} catch (error) {
  part("play").dataset.state = "gone";
  part("link").textContent = `Could not connect: ${error.message ?? error}`;
}
