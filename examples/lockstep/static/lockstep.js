// Lockstep: nobody tells where anything is. Each page tells its input of a step and waits for
// everybody's, which the hub sends at once (Together); then all advance their worlds by one.
//
// Everything here follows from what the room is sent, which comes to all in the same order.

import PieClient from "/pie.js";
import { advance, checksum, isOver, newWorld } from "./world.js";

const TICK_MS = 100; // between steps, at least
const PAUSE = 20; // steps between rounds
const SILENCE_MS = 1000; // after which one who has heard no step begins with the first
// A machine that has gone to sleep holds a step up for so long, and is then left out.
const ROOM = { app: "lockstep", version: "1", maxClients: 8, togetherTimeoutMs: 400 };

const pie = new PieClient();
const turns = []; // what was pressed and not told yet
let step; // the newest that we have heard of
let inputs = new Map(); // what was said for it, by client id
let isDone = true; // whether the world has made it
let timer;

export const sums = new Map(); // the checksums of our own world, by step
export const game = {
  here: [], // client ids
  world: undefined, // unless we came in the middle of a round
  at: undefined, // the step to which the world has come
  begins: undefined, // the step with which the next round begins
  told: new Map(), // { at, sum }, the newest checksum that each has told, by client id
  trouble: "",
  me: () => pie.clientId,
  step: () => step,
  onchange() {},
};

export function turn(heading) {
  if (turns.length < 2) turns.push(heading);
}

pie.onData = ({ togetherId, fromClient, payload }) => {
  if (!Number.isSafeInteger(togetherId)) return; // none of ours
  if (step === undefined || togetherId > step) {
    finish(); // of the last step, nothing more will come
    step = togetherId;
    inputs = new Map();
    isDone = false;
    tellIn(TICK_MS, step + 1);
  }
  if (togetherId !== step || isDone) return; // too late
  inputs.set(fromClient, payload);
  if (payload.sum) game.told.set(fromClient, payload);
  // Who has no world asks those who have, or who already wait for the first.
  if (!game.world && (payload.sum || payload.begins)) game.begins = payload.begins;
  if (game.here.every((id) => inputs.has(id))) finish(); // no need to wait for the next step
};

pie.onClientPresenceChanged = ({ clients }) => {
  game.here = clients;
  for (const id of game.told.keys()) if (!clients.includes(id)) game.told.delete(id);
  if (step === undefined) tellIn(SILENCE_MS, 1);
  game.onchange();
};

function tellIn(ms, next) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const { at, begins } = game;
    pie.together({ heading: turns.shift(), begins, at, sum: sums.get(at) }, next);
  }, ms);
}

function finish() {
  if (isDone) return;
  isDone = true;
  const said = [...inputs];
  if (step === game.begins) {
    game.world = newWorld(inputs.keys()); // whoever has come by now rides
    game.begins = undefined;
    turns.length = 0;
  } else if (game.world && !game.begins) {
    advance(game.world, new Map(said.map(([id, { heading }]) => [id, heading])));
    if (isOver(game.world)) game.begins = step + PAUSE;
  } else if (!game.begins && said.every(([, { sum }]) => !sum)) {
    game.begins = step + PAUSE; // nobody here has a world: it is the first round
  }
  if (game.world) {
    game.at = step;
    sums.set(step, checksum(game.world));
    sums.delete(step - 100);
  }
  game.onchange();
}

function forget() {
  clearTimeout(timer);
  step = undefined;
  isDone = true;
  sums.clear();
  Object.assign(game, { here: [], told: new Map(), trouble: "" });
  game.world = game.at = game.begins = undefined;
  game.onchange();
}

function comeIn() {
  if (document.hidden || !pie.isConnected() || pie.currentRoomInfo) return;
  pie.makeRoom(ROOM).catch((error) => {
    game.trouble = `Could not come in: ${error.message ?? error}`;
    game.onchange();
  });
}

pie.onConnectInfo = () => {
  forget();
  comeIn(); // for the first time; after a lost connection, the client does that by itself
};

// A hidden page's timers are slow, and everybody would wait for it.
document.onvisibilitychange = () => {
  forget();
  if (document.hidden) pie.leaveRoom();
  else comeIn();
};

pie.connect("/").catch((error) => {
  game.trouble = `${error.message}. Reload the page to try again.`;
  game.onchange();
});
