// What makes the list everybody's: tell what we change, merge what others tell.

import PieClient from "/pie.js";

const pie = new PieClient(); // which comes back by itself when the connection breaks
const say = (text) => (document.getElementById("status").textContent = text);
let here = []; // who has our list, by client id

addEventListener("changed", ({ detail }) => pie.isConnected() && pie.sendData(detail));
pie.onData = ({ payload }) => merge(payload);

// Whoever comes is told the list by all who are here. To us, when we come (back), all are new.
pie.onClientPresenceChanged = ({ clients }) => {
  const newcomers = clients.filter((id) => !here.includes(id) && id !== pie.clientId);
  const all = newcomers.length ? [...items] : [];
  // By fifties, as a message may have 64 KiB.
  for (let i = 0; i < all.length; i += 50) pie.whisper(all.slice(i, i + 50), newcomers);
  here = clients;
  say(`${clients.length} here`);
};

pie.onConnectInfo = ({ connected }) => {
  if (!connected) here = [];
  say(connected ? "Connected" : "Not connected: just you");
};

await pie.connect("/");
await pie.makeRoom({ app: "todo", version: "1" }); // joins it when it is there already
