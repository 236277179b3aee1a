// Shows the game, and takes the turns.

import { game, sums, turn } from "./lockstep.js";
import { SIZE } from "./world.js";

const COLOURS = ["Blue", "Orange", "Green", "Pink", "Gold", "Teal", "Red", "Violet"];
const HUES = [5, 1, 3, 7, 2, 4, 0, 6]; // the same, as look.css numbers them
const KEYS = { ArrowUp: 0, ArrowRight: 1, ArrowDown: 2, ArrowLeft: 3, w: 0, d: 1, s: 2, a: 3 };

const part = (id) => document.getElementById(id);
const canvas = document.querySelector("canvas");
const pen = canvas.getContext("2d");
const colourOf = (number) => getComputedStyle(canvas).getPropertyValue(`--hue-${HUES[number]}`);
const numberOf = (id) => game.world?.riders.findIndex((rider) => rider.id === id) ?? -1;

game.onchange = () => {
  draw();
  say(part("status"), news());
  part("people").replaceChildren(...game.here.map(person));
};

function news() {
  if (game.trouble) return game.trouble;
  const { world, begins } = game;
  if (!game.here.length) return "Connecting…";
  if (!world) return begins ? "Get ready." : "A round is on. You ride in the next one.";
  const mine = numberOf(game.me());
  if (!begins) return mine < 0 ? "You ride in the next round." : `You are ${COLOURS[mine]}.`;
  const winner = world.riders.findIndex((rider) => rider.isAlive);
  if (winner < 0) return world.riders.length > 1 ? "A draw." : "Crashed. Two have more fun.";
  return winner === mine ? "You won!" : `${COLOURS[winner]} won.`;
}

// Only what is new is said: a screen reader is not to hear it at each step.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function person(id) {
  const item = document.createElement("li");
  const number = numberOf(id);
  const name = number < 0 ? "Waits" : COLOURS[number];
  const { at, sum } = game.told.get(id) ?? {};
  const isEqual = sums.has(at) ? sums.get(at) === sum : undefined;
  const verdict = { true: ` ${sum} ✓`, false: ` ${sum} ≠ here`, undefined: "" }[isEqual];
  item.textContent = name + (id === game.me() ? " (you)" : "") + verdict;
  item.style.color = number < 0 ? "" : `var(--hue-${HUES[number]})`;
  return item;
}

function draw() {
  const cell = Math.ceil((canvas.clientWidth * devicePixelRatio) / SIZE); // whole pixels: no seams
  if (canvas.width !== cell * SIZE) canvas.width = canvas.height = cell * SIZE;
  pen.setTransform(cell, 0, 0, cell, 0, 0);
  pen.clearRect(0, 0, SIZE, SIZE);
  if (!game.world) return;
  game.world.riders.forEach(({ x, y, isAlive }, number) => {
    pen.fillStyle = colourOf(number);
    pen.globalAlpha = isAlive ? 0.7 : 0.3;
    game.world.walls.forEach((owner, place) => {
      if (owner === number + 1) pen.fillRect(place % SIZE, Math.floor(place / SIZE), 1, 1);
    });
    pen.globalAlpha = 1;
    if (isAlive) pen.fillRect(x - 0.25, y - 0.25, 1.5, 1.5);
  });
}

addEventListener("keydown", (event) => {
  const heading = KEYS[event.key];
  if (heading === undefined || event.repeat || event.ctrlKey || event.metaKey) return;
  event.preventDefault(); // the page is not to scroll
  turn(heading);
});

for (const button of document.querySelectorAll("[data-heading]")) {
  button.onclick = () => turn(Number(button.dataset.heading));
}

// A swipe is a turn as soon as it is long enough; the next one begins there.
let from;
canvas.onpointerdown = ({ clientX, clientY }) => (from = [clientX, clientY]);
canvas.onpointerup = canvas.onpointercancel = () => (from = undefined);
canvas.onpointermove = ({ clientX, clientY }) => {
  if (!from) return;
  const [right, down] = [clientX - from[0], clientY - from[1]];
  if (Math.hypot(right, down) < 24) return;
  from = [clientX, clientY];
  if (Math.abs(right) > Math.abs(down)) turn(right > 0 ? 1 : 3);
  else turn(down > 0 ? 2 : 0);
};

game.onchange();
