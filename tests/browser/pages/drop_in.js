// One life with a client, whichever it is. Answers with all that a page could notice, in order, with
// ids and times taken out. Run by test_drop_in.py, once for each client.

// What happened to each client, and to the page, as lists of texts; ids are named by the order in
// which they were first seen. Which of two clients hears first is chance, so each has its own list.
class Record {
  constructor() {
    this.lines = { page: [], a: [], b: [] };
    this.ids = new Map();
  }

  add(...parts) {
    this.note("page", ...parts);
  }

  // The same several times is once: how often a client tries to come back is its own business. That
  // echoes are late is the machine's.
  note(who, ...parts) {
    if (/^Latency for own message/.test(parts[1]?.message)) return;
    const line = this.clean(parts.map((part) => JSON.stringify(part, sorted)).join(" "));
    if (line !== this.lines[who].at(-1)) this.lines[who].push(line);
  }

  clean(text) {
    const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
    return text
      .replace(uuid, (id) => {
        if (!this.ids.has(id)) this.ids.set(id, `id ${this.ids.size + 1}`);
        return this.ids.get(id);
      })
      .replace(/"time":\d+/g, '"time":"a number"')
      .replace(/"resumeToken":"[^"]*"/g, '"resumeToken":"a token"');
  }

  // Notes how a promise ends. An error's text is the client's own business unless the hub said it.
  async outcome(what, promise) {
    try {
      this.add(what, "resolved", await promise);
    } catch (error) {
      this.add(what, "rejected", error?.message ?? error);
    }
  }
}

function sorted(key, value) {
  const isObject = value && typeof value === "object" && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value).sort()) : value;
}

const CALLBACKS = [
  "onData",
  "onError",
  "onServerAssignedData",
  "onClientPresenceChanged",
  "onRooms",
  "onMatchFound",
  "onConnectInfo",
];

function listen(record, name, pie) {
  pie.heard = [];
  for (const callback of CALLBACKS) {
    pie[callback] = (message) => {
      pie.heard.push([callback, message]);
      record.note(name, callback, message instanceof Error ? message.message : message);
    };
  }
  pie.until = async (callback, count = 1) => {
    const enough = () => pie.heard.filter(([name]) => name === callback).length >= count;
    await until(enough, `${name}.${callback} ${count} times`);
    pie.heard = [];
  };
}

async function until(isSo, what) {
  const deadline = Date.now() + 15000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const LOBBY = { app: "chat", name: "lobby", version: "1.0.0" };

globalThis.dropIn = async (PieClient, url, restart) => {
  const record = new Record();
  const status = document.getElementById("websocketpie-connection-status");
  const seen = (what) => record.add("status", what, status.textContent, status.style.color);

  const a = new PieClient();
  record.add("style", status.style.pointerEvents, status.style.userSelect);
  record.add("at first", {
    soloMode: a.soloMode,
    useStats: a.useStats,
    isConnected: a.isConnected(),
    clientId: a.clientId,
    reconnectAttempts: a.reconnectAttempts,
    maxReconnectAttempts: a.maxReconnectAttempts,
    operationTimeoutMs: a.operationTimeoutMs,
    cancelNextReconnectAttempt: a.cancelNextReconnectAttempt,
    stats: a.stats,
    onError: typeof a.onError,
    hasElement: a.statusElement === status,
  });
  listen(record, "a", a);

  // Before it is connected.
  await record.outcome("joinRoom", a.joinRoom(LOBBY));
  a.sendData("into the void");
  a.getRooms();
  a.leaveRoom();
  await record.outcome("enterMatchmaking rejects", a.enterMatchmaking("g", "1", 2).catch(() => {}));
  await record.outcome("leaveMatchmaking rejects", a.leaveMatchmaking().catch(() => {}));
  await record.outcome("disconnect", a.disconnect());
  seen("unconnected");

  // Alone, without a hub.
  await record.outcome("connectSolo", a.connectSolo());
  seen("solo");
  record.add("isConnected", a.isConnected(), a.soloMode);
  await record.outcome("makeRoom", a.makeRoom(LOBBY));
  record.add("room", a.currentRoomInfo);
  a.sendData({ text: "to myself" });
  a.sendData("whispered", { subType: "Whisper", whisperClientIds: [a.clientId], more: [1] });
  a.leaveRoom();
  record.add("id after leaving", a.clientId, a.currentRoomInfo);
  await record.outcome("disconnect", a.disconnect());
  record.add("isConnected", a.isConnected(), a.soloMode);

  // Connected.
  a.heard = [];
  await record.outcome("connect", a.connect(`${url}?clientId=ann`));
  await a.until("onServerAssignedData");
  record.add("isConnected", a.isConnected(), a.clientId);
  seen("connected");
  await record.outcome("joinRoom", a.joinRoom({ ...LOBBY, name: "nowhere" }));
  await record.outcome("makeRoom", a.makeRoom({ ...LOBBY, password: "secret", maxClients: 2 }));
  record.add("room", a.currentRoomInfo);
  seen("in a room");

  const b = new PieClient();
  listen(record, "b", b);
  await record.outcome("connect", b.connect(`${url}/?clientId=bob`, true));
  await b.until("onServerAssignedData");
  await record.outcome("joinRoom", b.joinRoom({ ...LOBBY, password: "wrong" }));
  a.heard = [];
  await record.outcome("joinRoom", b.joinRoom({ ...LOBBY, password: "secret" }));
  record.add("room", b.currentRoomInfo);
  await a.until("onClientPresenceChanged");
  seen("two in a room");
  await record.outcome("joinRoom", b.joinRoom({ ...LOBBY, name: "another" }));
  record.add("room", b.currentRoomInfo);

  // Talking.
  const both = async (speak) => {
    a.heard = [];
    b.heard = [];
    speak();
    await Promise.all([a.until("onData"), b.until("onData")]);
  };
  await both(() => a.sendData({ text: "hello", list: [1, 2.5, null] }));
  await both(() => b.sendData("plain", { subType: "Mine", extra: { deep: true } }));
  await both(() => b.sendData(null));
  b.heard = [];
  a.sendData("psst", { subType: "Whisper", whisperClientIds: ["somebody", b.clientId] });
  await b.until("onData");
  a.sendData("mine", { subType: "Together", togetherId: 5 });
  a.sendData("by now, the hub has it", { subType: "Whisper", whisperClientIds: [a.clientId] });
  await a.until("onData");
  await both(() => b.sendData("mine, too", { subType: "Together", togetherId: "5" }));

  // How long messages take, which only b wanted to know.
  let latencies = 0;
  b.onLatency = (latency) => {
    latencies = Object.keys(latency).sort().join();
  };
  b.heard = [];
  for (let i = 0; i < 16; i++) b.sendData(i);
  await b.until("onData", 16);
  record.add("latency", latencies, b.stats.latency.averageDataPoints.length);
  record.add("average", b.stats.latency.average >= b.stats.latency.min);
  record.add("a measures nothing", a.stats.latency);

  // Rooms.
  a.heard = [];
  a.getRooms({ app: "chat" });
  await a.until("onRooms");
  a.getRooms();
  await a.until("onRooms");
  b.leaveRoom();
  await a.until("onClientPresenceChanged");
  record.add("room", b.currentRoomInfo);
  b.heard = [];
  b.sendData("outside");
  await b.until("onError");

  // Two joins at once, as frameworks do that mount a component twice.
  const first = record.outcome("first join", b.joinRoom({ ...LOBBY, password: "secret" }));
  const second = record.outcome("second join", b.joinRoom({ ...LOBBY, password: "secret" }));
  await first;
  await second;
  record.add("room", b.currentRoomInfo);

  // A match.
  await record.outcome("enterMatchmaking in a room", a.enterMatchmaking("game", "1", 2));
  b.heard = [];
  a.leaveRoom();
  await b.until("onClientPresenceChanged");
  b.leaveRoom();
  a.heard = [];
  b.heard = [];
  await record.outcome("enterMatchmaking", a.enterMatchmaking("game", "1", 2, 1200));
  await record.outcome("leaveMatchmaking", a.leaveMatchmaking());
  await record.outcome("enterMatchmaking", a.enterMatchmaking("game", "1", 2));
  await record.outcome("enterMatchmaking", b.enterMatchmaking("game", "1", 2));
  await Promise.all([a.until("onMatchFound"), b.until("onMatchFound")]);
  record.add("same match", a.currentRoomInfo.name === b.currentRoomInfo.name);
  await both(() => a.sendData("found you"));

  // The hub goes, and comes back.
  a.heard = [];
  await record.outcome("disconnect", b.disconnect());
  await a.until("onClientPresenceChanged");
  record.add("isConnected", b.isConnected());
  a.leaveRoom();
  await record.outcome("makeRoom", a.makeRoom({ ...LOBBY, password: "secret", hidden: true }));
  a.heard = [];
  const restarted = restart();
  await a.until("onConnectInfo");
  record.add("isConnected", a.isConnected());
  await restarted;
  await until(() => a.isConnected(), "a to be back");
  await until(
    () => a.heard.some(([callback]) => callback === "onClientPresenceChanged"),
    "a to be in its room again",
  );
  await until(() => a.currentRoomInfo.isPasswordProtected, "the promise");
  record.add("room", a.currentRoomInfo, a.clientId);
  seen("back");
  a.heard = [];
  a.sendData("back again");
  await a.until("onData");
  await record.outcome("disconnect", a.disconnect());
  seen("disconnected");

  // Where nobody listens.
  a.heard = [];
  await record.outcome("connect rejects", a.connect("ws://127.0.0.1:1").catch(() => {}));
  await a.until("onConnectInfo");
  seen("refused");
  await record.outcome("quickConnect", a.quickConnect(url));
  record.add("room", a.currentRoomInfo);
  await record.outcome("disconnect", a.disconnect());
  return Object.entries(record.lines).flatMap(([who, lines]) => lines.map((line) => `${who}: ${line}`));
};
