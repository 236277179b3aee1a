// A view of the game. It knows no rules: it tells what was clicked and shows what the referee says.

import PieClient from "/pie.js";

const pie = new PieClient();
const part = (id) => document.getElementById(id);
const cells = Array.from({ length: 9 }, (_, cell) => {
  const button = document.createElement("button");
  // With a subType of our own the client does not expect an echo; a refused move has none.
  button.onclick = () => pie.currentRoomInfo && pie.sendData({ cell }, { subType: "Move" });
  return button;
});
part("board").append(...cells);

function show({ cells: marks, players, here, turn, winner, line }) {
  const mine = "XO"[players.indexOf(pie.clientId)];
  const isOver = winner !== "" || marks.every(Boolean);
  marks.forEach((mark, cell) => label(cells[cell], cell, mark, line.includes(cell)));
  part("board").classList.toggle("rests", isOver || turn !== mine);
  part("mark").textContent = mine ? `You are ${mine}` : "";
  part("status").textContent = news(mine, turn, winner, isOver, here.length < 2);
  part("again").hidden = !isOver && here.length === 2;
}

function label(button, cell, mark, isWinning) {
  const place = `row ${Math.floor(cell / 3) + 1}, column ${(cell % 3) + 1}`;
  button.textContent = mark;
  button.dataset.mark = mark;
  button.classList.toggle("wins", isWinning);
  button.setAttribute("aria-label", `${mark || "empty"}, ${place}`);
}

function news(mine, turn, winner, isOver, isAlone) {
  if (winner) return winner === mine ? "You won!" : `${winner} won.`;
  if (isOver) return "A draw.";
  if (isAlone) return "The other one has gone, and may come back.";
  return turn === mine ? "Your turn." : `${turn} thinks…`;
}

function clear(text) {
  cells.forEach((button, cell) => label(button, cell, "", false));
  part("mark").textContent = "";
  part("status").textContent = text;
  part("again").hidden = true;
}

pie.onData = ({ payload }) => {
  if (payload.cells) show(payload);
  else if (payload.player === pie.clientId) part("status").textContent = payload.refused;
};

pie.onConnectInfo = ({ connected }) => {
  if (!connected) part("status").textContent = "Disconnected. Trying again…"; // by itself
};

async function play() {
  clear("Looking for somebody to play with…");
  pie.leaveRoom();
  try {
    await pie.enterMatchmaking("tic-tac-toe", "1", 2); // once matched, we are told the board
  } catch (error) {
    clear(`Could not look for a game: ${error.message ?? error}`);
    part("again").hidden = false;
  }
}

part("again").onclick = play;
clear("Connecting…");
await pie.connect("/");
await play();
