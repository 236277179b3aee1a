// Tells everybody where our cursor is, and hears where theirs are. What is drawn is in draw.js.

import PieClient from "/pie.js";
import { draw } from "./draw.js";

const TELL_EVERY_MS = 50; // 20 messages a second; the hub closes who sends more than 60
const STEP = 0.02; // of the canvas, by an arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ANIMALS = ["Badger", "Crane", "Heron", "Lynx", "Newt", "Otter", "Puffin", "Stoat", "Wren"];

const pie = new PieClient();
const canvas = document.querySelector("canvas");
const field = document.getElementById("name");
const say = (text) => (document.getElementById("status").textContent = text);

// x and y are parts of the canvas, from 0 to 1, as everybody's has another size.
const me = { x: 0.5, y: 0.5, name: ANIMALS[Math.floor(Math.random() * ANIMALS.length)] };
const cursors = new Map(); // the others', by client id
const ripples = [];
let here = []; // client ids, in order of joining; the same for everybody
let timer; // until we tell again

const hueOf = (id) => (here.indexOf(id) * 3) % 8; // neighbours differ

function moveTo(x, y) {
  me.x = Math.min(1, Math.max(0, x));
  me.y = Math.min(1, Math.max(0, y));
  timer ??= setTimeout(tell, TELL_EVERY_MS); // so the last move is always told
}

function tell() {
  timer = undefined;
  if (pie.isConnected()) pie.sendData(me);
}

function ripple() {
  if (pie.isConnected()) pie.sendData({ ...me, ripples: true });
}

pie.onData = ({ fromClient, payload }) => {
  const { x, y, name } = payload;
  if (payload.ripples) ripples.push({ x, y, hue: hueOf(fromClient), since: performance.now() });
  if (fromClient === pie.clientId) return; // our own cursor does not wait for the hub
  const cursor = cursors.get(fromClient) ?? {};
  cursors.set(fromClient, Object.assign(cursor, { x, y, name: String(name).slice(0, 20) }));
  show();
};

pie.onClientPresenceChanged = ({ clients }) => {
  for (const id of cursors.keys()) if (!clients.includes(id)) cursors.delete(id);
  // Who is new to us has not heard where we are. When we have just come, that is everybody.
  const newcomers = clients.filter((id) => !here.includes(id) && id !== pie.clientId);
  if (newcomers.length) pie.whisper(me, newcomers);
  here = clients;
  say(`${clients.length} here`);
  show();
};

pie.onConnectInfo = ({ connected }) => {
  if (connected) return;
  here = [];
  cursors.clear();
  say("Disconnected. Trying again…"); // which the client does by itself
  show();
};

function show() {
  me.hue = hueOf(pie.clientId);
  for (const [id, cursor] of cursors) cursor.hue = hueOf(id);
  const people = [{ ...me, name: `${me.name} (you)` }, ...cursors.values()];
  document.querySelector(".people").replaceChildren(...people.map(person));
}

function person({ name, hue }) {
  const item = document.createElement("li");
  item.textContent = name;
  item.style.color = `var(--hue-${hue})`;
  return item;
}

canvas.onpointermove = canvas.onpointerdown = ({ type, offsetX, offsetY }) => {
  moveTo(offsetX / canvas.clientWidth, offsetY / canvas.clientHeight);
  if (type === "pointerdown") ripple();
};

canvas.onkeydown = (event) => {
  const arrow = ARROWS[event.key];
  if (arrow) moveTo(me.x + arrow[0] * STEP, me.y + arrow[1] * STEP);
  else if (event.key === " ") event.repeat || ripple();
  else return;
  event.preventDefault(); // the page is not to scroll
};

field.value = me.name;
field.oninput = () => {
  me.name = field.value.trim() || "Somebody";
  moveTo(me.x, me.y);
  show();
};

draw(canvas, () => ({ cursors: cursors.values(), ripples, me }));
await pie.connect("/");
await pie.makeRoom({ app: "cursors", version: "1" });
