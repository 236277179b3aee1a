// piehub's client, for browsers, workers and Node 22. It has all that @websocketpie/client 1.3.0 has,
// so changing the import is enough; what it adds is marked so in pie.d.ts.

export const MessageType = {
  Data: "Data",
  Rooms: "Rooms",
  ClientPresenceChanged: "ClientPresenceChanged",
  ServerAssignedData: "ServerAssignedData",
  Err: "Err",
  ResolvePromise: "ResolvePromise",
  RejectPromise: "RejectPromise",
  JoinRoom: "JoinRoom",
  LeaveRoom: "LeaveRoom",
  GetRooms: "GetRooms",
  GetStats: "GetStats",
  EnterMatchmaking: "EnterMatchmaking",
  LeaveMatchmaking: "LeaveMatchmaking",
  MatchFound: "MatchFound",
  ConnectInfo: "ConnectInfo",
};

export const DataSubType = { Together: "Together", Whisper: "Whisper" };

const STATUS_ELEMENT = "websocketpie-connection-status";
const LATENCIES = 14; // that make an average
const ECHO_MS = 5000; // in which a message's own echo should be here
const MOST_UNCONFIRMED = 1000; // messages that may wait for their echo
const RESENT_AT_ONCE = 50; // and then so many a second: under the hub's rate limit

const ROOM_CLOSED = "The operator has closed this room"; // as piehub says it

// Close codes after which coming back would end the same way, and those after which it should wait.
const FINAL = new Set([1002, 1003, 1007, 1008, 1009, 4409]);
const LATER = new Set([1013, 4429]);
const LATER_MS = 5000;

export default class PieClient {
  constructor() {
    this.onError = logError;
    this.useStats = false;
    this.soloMode = false;
    this.clientId = uuid();
    this.promiseCBs = {};
    this.stats = {
      latency: { min: Number.MAX_SAFE_INTEGER, max: 0, averageDataPoints: [], average: NaN },
    };
    this.reconnectAttempts = 0;
    this.maxReconnectAttempts = 20;
    this.cancelNextReconnectAttempt = false;
    this.operationTimeoutMs = 15000;
    this.probeIntervalMs = 30000;

    this._readers = new Set(); // of messages()
    this._forgetConnection();
    this._forgetRoom();

    // Where these are called as the original calls them, they may be replaced.
    this.onClose = () => {
      this._updateDebugInfo();
      this._tellConnectInfo(`Connection to ${this._shownUrl()} closed.`);
    };
    this.tryReconnect = (leastMs = 0) => this._planReconnect(Number(leastMs) || 0);

    this.statusElement = globalThis.document?.getElementById(STATUS_ELEMENT) ?? null;
    if (this.statusElement) {
      this.statusElement.style.pointerEvents = "none";
      this.statusElement.style.userSelect = "none";
    }
    globalThis.addEventListener?.("online", () => {
      this._updateDebugInfo();
      if (this._isWaitingToReconnect) this._reconnect();
      else this._probe(); // the network may be another one by now
    });
    globalThis.addEventListener?.("offline", () => this._updateDebugInfo());
  }

  // ---- Connecting

  isConnected() {
    return this.soloMode || (globalThis.navigator?.onLine !== false && isOpen(this.ws));
  }

  async quickConnect(wsUrl) {
    await this.connect(wsUrl, false);
    await this.makeRoom({ app: "default", name: "default", version: "none" });
  }

  async connect(wsUrl, useStats = false) {
    const url = new URL(wsUrl, globalThis.location?.href);
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.hash = ""; // a WebSocket's address has none
    if (this.ws && this.ws.readyState !== this.ws.CLOSED) await this.disconnect();
    this._stopReconnecting();
    this.cancelNextReconnectAttempt = false;
    this.soloMode = false;
    this.useStats = useStats;
    const asked = url.searchParams.get("clientId");
    // Another id's token is worth nothing, and another hub is not to have ours.
    if ((asked && asked !== this.clientId) || url.origin !== this._url?.origin) {
      this._resumeToken = undefined;
    }
    this._url = url;
    if (asked) this.clientId = asked;
    await this._open();
  }

  async connectSolo() {
    await this.disconnect();
    this.soloMode = true;
    this.ws = undefined;
    this._tellConnectInfo('"Connected" in solo mode');
    this._updateDebugInfo();
    this.handleMessage(
      {
        type: MessageType.ServerAssignedData,
        clientId: this.clientId || uuid(),
        serverVersion: "no server - client is in solomode",
      },
      false,
    );
  }

  async disconnect() {
    this._stopReconnecting();
    this.cancelNextReconnectAttempt = true;
    this.leaveRoom();
    this._match = undefined;
    this._endReaders();
    if (this.soloMode) {
      this.soloMode = false;
    } else if (this.ws && this.ws.readyState !== this.ws.CLOSED) {
      const ws = this.ws;
      const closed = new Promise((resolve) => (this._onDisconnected = resolve));
      ws.close();
      this._updateDebugInfo();
      // A network that is gone would have us wait for the peer's part of the closing.
      await inTime(closed, this.operationTimeoutMs, "disconnect").catch(() => this._lost(ws));
    }
    this._updateDebugInfo();
  }

  _open() {
    if (!globalThis.WebSocket) {
      throw new Error("There is no WebSocket here; Node has one from version 22 on");
    }
    const url = new URL(this._url);
    if (this.clientId) url.searchParams.set("clientId", this.clientId);
    if (this._resumeToken) url.searchParams.set("resumeToken", this._resumeToken);
    const ws = new WebSocket(url.href);
    this.ws = ws;
    this._updateDebugInfo();
    const opened = new Promise((resolve, reject) => {
      ws.onopen = () => {
        if (this.ws !== ws) return;
        this._opened();
        resolve();
      };
      ws.onmessage = (event) => {
        if (this.ws === ws) this._received(event.data);
      };
      ws.onerror = () => reject(new Error(`Could not connect to ${this._shownUrl()}`));
      ws.onclose = ({ code, reason }) => {
        if (this.ws === ws) this._closed(code, reason);
        ws.onerror(); // if nothing has yet
      };
    });
    return inTime(opened, this.operationTimeoutMs, "connect").catch((error) => {
      if (this.ws === ws && ws.readyState === ws.CONNECTING) this._lost(ws);
      throw error;
    });
  }

  _opened() {
    this._wasOpen = true;
    this._heardAt = Date.now();
    this._updateDebugInfo();
    this.reconnectAttempts = 0;
    // Before the app is told, which may have something to say to the room.
    if (this.currentRoomInfo) this._rejoin();
    else if (this._match) this._queueAgain();
    this._tellConnectInfo(`Opened connection to ${this._shownUrl()}`);
    this._probeSoon();
  }

  // Treats a connection as closed that will not say so, or not in time.
  _lost(ws) {
    ws.onopen = ws.onmessage = ws.onerror = ws.onclose = null;
    ws.close();
    if (this.ws === ws) this._closed(1006, "no answer");
  }

  _closed(code, reason) {
    const wasOpen = this._wasOpen;
    const askers = [...Object.values(this.promiseCBs), ...this._roomsAskers];
    this._forgetConnection();
    this._isBack = false;
    this.promiseCBs = {};
    const error = new Error("The connection closed before the hub had answered");
    for (const asker of askers) asker?.reject(error);
    this.onClose();
    this._onDisconnected?.();
    this._onDisconnected = undefined;
    if (!wasOpen || this.cancelNextReconnectAttempt) return;
    if (FINAL.has(code)) {
      this._giveUp(`The hub closed the connection for good: ${code} ${reason}`);
      this._forgetPosition(); // what was said last may be why
    } else {
      this.tryReconnect(LATER.has(code) ? LATER_MS : 0);
    }
  }

  _forgetConnection() {
    clearTimeout(this.heartbeatTimeout);
    clearTimeout(this._probeTimeout);
    clearTimeout(this._flushTimeout);
    this._flushTimeout = undefined;
    this._wasOpen = false;
    this._joins = []; // asked for and not answered, the oldest first
    this._roomsAskers = []; // the same for getRooms
  }

  _tellConnectInfo(msg) {
    this.onConnectInfo?.({ type: MessageType.ConnectInfo, connected: this.isConnected(), msg });
  }

  // Without the token: whoever reads a log is not to have the id.
  _shownUrl() {
    if (!this._url) return undefined;
    const url = new URL(this._url);
    if (this.clientId) url.searchParams.set("clientId", this.clientId);
    return url.href;
  }

  // ---- Coming back

  _planReconnect(leastMs) {
    this._stopReconnecting();
    if (this.reconnectAttempts >= this.maxReconnectAttempts) {
      this._giveUp(`Max reconnect attempts (${this.maxReconnectAttempts}) reached`);
      return;
    }
    const longest = Math.min(10000, 100 + this.reconnectAttempts ** 2 * 50);
    // Those whom one hub has lost at once are not to come back at once.
    const wait = Math.max(leastMs, longest / 2) + (Math.random() * longest) / 2;
    this.reconnectAttempts++;
    log(`Reconnect attempt ${this.reconnectAttempts} in ${Math.round(wait)} milliseconds.`);
    const due = Date.now() + wait;
    const tick = () => {
      const seconds = Math.max(0, due - Date.now()) / 1000;
      this._show(`Reattempting connection in ${seconds.toFixed(1)} seconds...`);
    };
    tick();
    if (this.statusElement) this._countdown = setInterval(tick, 100);
    this._isWaitingToReconnect = true;
    this.reconnectTimeoutId = setTimeout(() => this._reconnect(), wait);
  }

  _stopReconnecting() {
    clearTimeout(this.reconnectTimeoutId);
    clearInterval(this._countdown);
    this._isWaitingToReconnect = false;
  }

  async _reconnect() {
    this._stopReconnecting();
    try {
      await this._open();
    } catch (error) {
      log(error.message);
      if (!this.cancelNextReconnectAttempt) this.tryReconnect();
    }
  }

  _giveUp(message) {
    this._updateDebugInfo();
    this._endReaders(new Error(message));
    this.onError?.({ message });
  }

  _rejoin() {
    const { ws } = this;
    this._join(this.currentRoomInfo, true, this._position).catch((error) => {
      if (this.ws !== ws || !isOpen(ws)) return; // the next connection tries again
      this.onError?.({ message: `Could not rejoin the room: ${error.message ?? error}` });
      if (!error.isLate) this._forgetPosition(); // else the hub may let us in yet
    });
  }

  _queueAgain() {
    const { ws, _match: match } = this;
    this.enterMatchmaking(match.app, match.version, match.matchSize, match.rating).catch((error) => {
      if (this.ws === ws && isOpen(ws)) {
        this.onError?.({ message: `Could not enter matchmaking again: ${error.message ?? error}` });
      } else if (!this.cancelNextReconnectAttempt) {
        this._match ??= match; // the next connection tries again
      }
    });
  }

  // A network can go without a word, to us as to the browser. Who has heard nothing for long asks
  // for something, and hears nothing again only if the connection is dead.
  _probeSoon() {
    clearTimeout(this._probeTimeout);
    if (!this.probeIntervalMs) return;
    const silent = Date.now() - this._heardAt;
    const wait = this.probeIntervalMs - silent;
    this._probeTimeout = setTimeout(() => {
      if (Date.now() - this._heardAt < this.probeIntervalMs) this._probeSoon();
      else this._probe();
    }, Math.max(wait, 100));
  }

  _probe() {
    // Other hubs may not know what we ask; piehub's have given us a token.
    if (!this._resumeToken || !isOpen(this.ws)) return;
    const ws = this.ws;
    const askedAt = Date.now();
    if (this._match) {
      this._roomsAskers.push({ isProbe: true, resolve() {}, reject() {} });
      this._send({ type: MessageType.GetRooms, roomInfo: { app: "a probe", name: "of pie.js" } });
    } else {
      this._send({ type: MessageType.LeaveMatchmaking });
    }
    clearTimeout(this._probeTimeout);
    const wait = Math.min(this.probeIntervalMs || Infinity, ECHO_MS);
    this._probeTimeout = setTimeout(() => {
      if (this.ws !== ws) return;
      if (this._heardAt >= askedAt) this._probeSoon();
      else if (Date.now() - askedAt > wait + ECHO_MS) this._probe(); // we slept; ask again
      else this._lost(ws);
    }, wait);
  }

  // ---- Rooms

  // Both reject; remember to catch it.
  makeRoom(roomInfo) {
    return this.joinRoom(roomInfo, true);
  }

  joinRoom(roomInfo, makeRoomIfNonExistant = false) {
    return this._join(roomInfo, makeRoomIfNonExistant);
  }

  _join(roomInfo, makeRoomIfNonExistant, recover) {
    const func = MessageType.JoinRoom;
    if (!this.isConnected()) return notConnected(`${func} failed`);
    if (this.soloMode) {
      this.handleMessage(
        {
          type: MessageType.ClientPresenceChanged,
          clients: [this.clientId],
          time: Date.now(),
          present: true,
        },
        false,
      );
      this.currentRoomInfo = { ...roomInfo, name: roomInfo.name ?? "default" };
      return Promise.resolve();
    }
    const message = { type: func, roomInfo, makeRoomIfNonExistant };
    if (recover) message.recover = recover;
    return this._ask(message, "joinRoom", (asker) =>
      this._joins.push({ roomInfo, recover, asker, isLeft: false }),
    );
  }

  leaveRoom() {
    const isUnsent = ({ ws }) => ws !== this.ws || !isOpen(ws);
    const unsent = [...this._unconfirmed.values()].filter(isUnsent).length;
    if (unsent) this.onError?.({ message: `${unsent} messages were not sent before leaving` });
    this._forgetRoom();
    for (const join of this._joins) join.isLeft = true;
    if (this.soloMode) this.clientId = "";
    if (isOpen(this.ws)) this._send({ type: MessageType.LeaveRoom });
  }

  _forgetRoom() {
    this.currentRoomInfo = undefined;
    this._position = undefined; // { epoch, seq } of the last Data heard, where there is a history
    this._recoversUntil = 0; // the last seq that is not new
    this._isBack = false; // whether what was missed has come
    this._unconfirmed = new Map(); // by messageId: what was sent and has not come back as an echo
    this._hasOverflowed = false;
  }

  getRooms(roomInfo) {
    if (!this.isConnected() || !this.ws) {
      const message = "Cannot get rooms, not currently connected to web socket server";
      this.onError?.({ message });
      return caught(Promise.reject(new Error(message)));
    }
    const answer = new Promise((resolve, reject) => this._roomsAskers.push({ resolve, reject }));
    this._send({ type: MessageType.GetRooms, roomInfo });
    return caught(inTime(answer, this.operationTimeoutMs, "getRooms"));
  }

  enterMatchmaking(app, version, matchSize, rating) {
    const func = MessageType.EnterMatchmaking;
    if (!this.isConnected() || !this.ws) return notConnected("Cannot enter matchmaking");
    const message = { type: func, app, version, matchSize, rating };
    this._match = message;
    return this._ask(message, "enterMatchmaking").catch((error) => {
      if (this._match === message) this._match = undefined;
      throw error;
    });
  }

  leaveMatchmaking() {
    if (!this.isConnected() || !this.ws) return notConnected("Cannot leave matchmaking");
    this._match = undefined;
    return this._ask({ type: MessageType.LeaveMatchmaking }, "leaveMatchmaking");
  }

  // Sends what is answered by a promise.
  _ask(message, label, note) {
    const func = message.type;
    this.promiseCBs[func]?.reject(new Error(`Cancelled due to newer ${func} request`));
    const answer = new Promise((resolve, reject) => {
      const asker = { resolve, reject };
      this.promiseCBs[func] = asker;
      note?.(asker);
      this._send(message);
    });
    return inTime(answer, this.operationTimeoutMs, label);
  }

  _answered({ type, func, data, err }) {
    const isYes = type === MessageType.ResolvePromise;
    const join = func === MessageType.JoinRoom ? this._joins.shift() : undefined;
    if (join && isYes && !join.isLeft) this._joined(data, join);
    const newest = this.promiseCBs[func];
    // The answer to an older join is no answer to the newest, unless they are for the same room.
    if (join && join.asker !== newest && !(isYes && isSameRoom(data, this._joins.at(-1)))) return;
    if (!newest) return;
    delete this.promiseCBs[func];
    if (isYes) newest.resolve(join ? undefined : data);
    else newest.reject(err);
  }

  _joined(room, { roomInfo, recover }) {
    this._match = undefined;
    this.currentRoomInfo = room;
    if (roomInfo.password && !room.password) this.currentRoomInfo.password = roomInfo.password;
    const { history, epoch, seq, recovered = false } = room;
    if (history === undefined) {
      this._forgetPosition();
    } else {
      this._position = { epoch, seq: recovered ? recover.seq : seq };
      this._recoversUntil = seq;
      this._isBack = false;
      this._catchUp();
    }
    if (!recover) return;
    if (this.onRecovery) this.onRecovery({ recovered, roomInfo: room });
    else if (!recovered) log("The hub no longer has all that was missed: there is a gap.");
  }

  // ---- Data

  sendData(payload, extras) {
    if (!this.isConnected()) {
      const message = "Cannot send data to room, not currently connected to web socket server";
      this.onError?.({ message });
      return;
    }
    const message = { type: MessageType.Data, payload, ...extras };
    if (this.soloMode) {
      this.handleMessage({ fromClient: this.clientId, time: Date.now(), ...message }, false);
    } else if (this._position && message.subType !== DataSubType.Whisper) {
      this._sendConfirmed(message);
    } else {
      this._send(message);
    }
    // Whispers may not come back, and those of a together group come late.
    if (message.subType === undefined) this.heartbeat();
  }

  whisper(payload, clientIds) {
    const whisperClientIds = [clientIds].flat();
    this.sendData(payload, { subType: DataSubType.Whisper, whisperClientIds });
  }

  together(payload, togetherId) {
    this.sendData(payload, { subType: DataSubType.Together, togetherId });
  }

  // Reports that a message's echo is late, unless our next echo is here before that.
  heartbeat() {
    if (this.soloMode) return;
    clearTimeout(this.heartbeatTimeout);
    this.heartbeatTimeout = setTimeout(() => {
      const message =
        "Latency for own message echoed back from server exceeded threshold of " +
        `${ECHO_MS} milliseconds.`;
      this.onError?.({ message });
      this._probe();
    }, ECHO_MS);
  }

  messages({ limit = 10000 } = {}) {
    const reader = { waiting: [], limit };
    this._readers.add(reader);
    return this._read(reader);
  }

  async *_read(reader) {
    try {
      while (true) {
        if (reader.waiting.length) yield reader.waiting.shift();
        else if (reader.error) throw reader.error;
        else if (reader.isDone) return;
        else await new Promise((resolve) => (reader.wake = resolve));
      }
    } finally {
      this._readers.delete(reader);
    }
  }

  _endReaders(error) {
    for (const reader of this._readers) {
      reader.error = error;
      reader.isDone = true;
      reader.wake?.();
    }
    this._readers.clear();
  }

  _tellData(message) {
    this.onData?.(message);
    for (const reader of this._readers) {
      if (reader.waiting.length < reader.limit) {
        reader.waiting.push(message);
      } else {
        reader.error = new Error(`More than ${reader.limit} messages wait to be read`);
        this._readers.delete(reader);
      }
      reader.wake?.();
    }
  }

  // Where the room has a history: what is sent is kept until its echo, and sent again if the
  // connection breaks before that. The hub knows by messageId what it has had already.
  _sendConfirmed(message) {
    message.messageId ??= uuid();
    if (message.subType === DataSubType.Together) this._replaceTogether(message);
    this._unconfirmed.set(message.messageId, { message, ws: undefined });
    if (this._unconfirmed.size > MOST_UNCONFIRMED) {
      this._unconfirmed.delete(this._unconfirmed.keys().next().value);
      const text = `Over ${MOST_UNCONFIRMED} messages wait for their echo; the oldest may be lost`;
      if (!this._hasOverflowed) this.onError?.({ message: text });
      this._hasOverflowed = true;
    }
    if (!this._flushTimeout) this._flush();
  }

  // In its group, it takes the place of the one before, of which no echo will come.
  _replaceTogether({ togetherId }) {
    for (const [id, { message }] of this._unconfirmed) {
      const isTogether = message.subType === DataSubType.Together;
      if (isTogether && String(message.togetherId) === String(togetherId)) {
        this._unconfirmed.delete(id);
      }
    }
  }

  _flush() {
    this._flushTimeout = undefined;
    if (!this._isBack || !isOpen(this.ws)) return;
    let more = RESENT_AT_ONCE;
    for (const entry of this._unconfirmed.values()) {
      if (entry.ws === this.ws) continue;
      if (more-- === 0) {
        this._flushTimeout = setTimeout(() => this._flush(), 1000);
        return;
      }
      entry.ws = this.ws;
      this._send(entry.message);
    }
  }

  // Whether an echo is the first of one of ours. What was sent before it and has no echo by now
  // has been taken out by the hub's own code, a host app's or a hook's.
  _confirms({ messageId, subType }) {
    if (!this._unconfirmed.has(messageId)) return false;
    if (subType !== DataSubType.Together) {
      for (const [id, { message }] of this._unconfirmed) {
        if (id === messageId) break;
        if (message.subType !== DataSubType.Together) this._unconfirmed.delete(id);
      }
    }
    this._hasOverflowed = false;
    return this._unconfirmed.delete(messageId);
  }

  // Whether the app has yet to see this Data. Notes how far we have come.
  _isNews(message) {
    const isConfirmed = this._confirms(message);
    if (message.seq === undefined || !this._position) return true;
    if (message.seq <= this._position.seq) return isConfirmed;
    this._position.seq = message.seq;
    return true;
  }

  _catchUp() {
    if (this._isBack || !this._position || this._position.seq < this._recoversUntil) return;
    this._isBack = true;
    this._flush();
  }

  _forgetPosition() {
    this._position = undefined;
    const lost = this._unconfirmed.size;
    this._unconfirmed.clear();
    if (lost) this.onError?.({ message: `${lost} messages may be lost: nobody echoed them` });
  }

  // ---- Messages

  _send(message) {
    this.ws.send(JSON.stringify(message));
  }

  _received(text) {
    this._heardAt = Date.now();
    try {
      const message = JSON.parse(text);
      this.handleMessage(message, this.useStats);
      if (message.fromClient == this.clientId) clearTimeout(this.heartbeatTimeout);
    } catch (error) {
      // That of a callback, too.
      logError(error);
      this.onError?.(error);
    }
  }

  handleMessage(message, useStats) {
    // What was missed says nothing of how fast messages come now.
    if (useStats && message.time && !(message.seq <= this._recoversUntil)) this._measure(message);
    switch (message.type) {
      case MessageType.Data:
        if (this._isNews(message)) {
          try {
            this._tellData(message);
          } finally {
            this._catchUp();
          }
        }
        break;
      case MessageType.ResolvePromise:
      case MessageType.RejectPromise:
        this._answered(message);
        break;
      case MessageType.ServerAssignedData:
        this.clientId = message.clientId;
        this._resumeToken = message.resumeToken;
        this.onServerAssignedData?.(message);
        break;
      case MessageType.ClientPresenceChanged:
        this._updateDebugInfo(message);
        this.onClientPresenceChanged?.(message);
        break;
      case MessageType.MatchFound:
        this._match = undefined;
        this._forgetRoom();
        this.currentRoomInfo = message.roomInfo;
        this.onMatchFound?.(message);
        break;
      case MessageType.Rooms: {
        const asker = this._roomsAskers.shift();
        asker?.resolve(message.rooms);
        if (!asker?.isProbe) this.onRooms?.(message);
        break;
      }
      case MessageType.Err:
        // An Err names no question; that it is the oldest getRooms is to be seen by its text.
        if (/^(roomInfo\.|GetRooms )/.test(message.message)) {
          this._roomsAskers.shift()?.reject(new Error(message.message));
        } else if (message.message === ROOM_CLOSED) {
          this._forgetRoom();
        }
        this.onError?.(message);
        break;
      default:
        logError(`A message of type ${message.type} is not known to this client`, message);
    }
  }

  _measure(message) {
    const { latency } = this.stats;
    const ms = Date.now() - message.time;
    latency.max = Math.max(latency.max, ms);
    latency.min = Math.min(latency.min, ms);
    latency.averageDataPoints.push(ms);
    if (latency.averageDataPoints.length <= LATENCIES) return;
    latency.averageDataPoints.shift();
    latency.average = latency.averageDataPoints.reduce((sum, one) => sum + one, 0) / LATENCIES;
    this.onLatency?.(latency);
  }

  // ---- The status element

  _updateDebugInfo(message) {
    if (!this.statusElement) return;
    const { ws } = this;
    if (this.soloMode) this._show("Connected in solo mode");
    else if (ws?.readyState === 0) this._show("Connecting...");
    else if (this.isConnected()) {
      const users = message?.clients?.length || 1;
      this._show(`${users} ${users === 1 ? "User" : "Users"} Connected`);
    } else if (ws?.readyState === 2) this._show("Disconnecting...");
    else if (ws?.readyState === 3) this._show("Disconnected");
    else this._show("Not Connected");
  }

  _show(text) {
    if (!this.statusElement) return;
    this.statusElement.textContent = `⬤ ${text}`;
    const isWell = this.soloMode || isOpen(this.ws);
    const isOpening = this.ws?.readyState === 0;
    this.statusElement.style.color = isWell ? "green" : isOpening ? "rgb(255,108,0)" : "red";
  }
}

export { PieClient };

const isOpen = (ws) => ws !== undefined && ws.readyState === ws.OPEN;

function isSameRoom(room, join) {
  if (!join) return false;
  const { app, name = "default", version } = join.roomInfo;
  return room.app === app && room.name === name && room.version === version;
}

function inTime(promise, ms, label) {
  let timer;
  const late = new Promise((resolve, reject) => {
    const error = Object.assign(new Error(`${label} timed out after ${ms}ms`), { isLate: true });
    timer = setTimeout(() => reject(error), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function notConnected(what) {
  return Promise.reject(new Error(`${what}, not currently connected to web socket server`));
}

// For promises that who comes from the original does not know of, and so does not catch.
function caught(promise) {
  promise.catch(() => {});
  return promise;
}

// crypto.randomUUID is there on https and on localhost only.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function log(...args) {
  console.log("websocket🥧:", ...args);
}

function logError(...args) {
  console.error("websocket🥧:", ...args);
}
