// What is marked "piehub" is not in @websocketpie/client; the rest is as it is there.

export interface ConnectInfo {
  type: string;
  connected: boolean;
  msg: string;
}

export interface ServerAssignedData {
  type: string;
  clientId: string;
  serverVersion: string;
  hostAppVersion: string;
  /** piehub: shows that the id is ours; the client sends it by itself when it comes back. */
  resumeToken?: string;
}

export interface OnDataArgs {
  type: string;
  subType: string;
  fromClient: string;
  payload: any;
  /** Milliseconds since the Unix epoch, by the hub's clock. */
  time: number;
  /** piehub: the message's number in a room that keeps a history. */
  seq?: number;
  /** piehub: by which the hub knows a message that is sent again. */
  messageId?: string;
}

export interface ClientPresenceChangedArgs {
  type: string;
  clients: string[];
  time: number;
  /** piehub: true where somebody joined, false where somebody left. */
  present?: boolean;
}

export interface Room {
  app: string;
  name: string;
  version: string;
  maxClients?: number;
  togetherTimeoutMs?: number;
  hidden?: boolean;
  password?: string;
  /** piehub: how many messages (1 to 1000) the room keeps for those who come back. */
  history?: number;
}

export interface OnRoomsArgs {
  type: string;
  rooms: Room[];
}

export interface MatchFoundArgs {
  type: string;
  roomInfo: Room;
  clients: string[];
}

export interface Latency {
  min: number;
  max: number;
  averageDataPoints: number[];
  average: number;
}

/** piehub */
export interface RecoveryArgs {
  /** Whether all that was missed follows now. If not, there is a gap. */
  recovered: boolean;
  roomInfo: Room;
}

export default class PieClient {
  onData?: (x: OnDataArgs) => void;
  onError?: (x: { message: string }) => void;
  onServerAssignedData?: (x: ServerAssignedData) => void;
  onClientPresenceChanged?: (c: ClientPresenceChangedArgs) => void;
  onRooms?: (x: OnRoomsArgs) => void;
  onMatchFound?: (x: MatchFoundArgs) => void;
  onConnectInfo?: (c: ConnectInfo) => void;
  onLatency?: (l: Latency) => void;
  /** piehub: called when the client is back in a room that keeps a history. */
  onRecovery?: (x: RecoveryArgs) => void;

  useStats: boolean;
  soloMode: boolean;
  promiseCBs: {
    [func: string]: { resolve: (x: any) => void; reject: (x: any) => void } | undefined;
  };
  currentRoomInfo?: Room;
  statusElement: HTMLElement | null;
  ws?: WebSocket;
  stats: { latency: Latency };
  clientId: string;
  reconnectTimeoutId?: ReturnType<typeof setTimeout>;
  heartbeatTimeout?: ReturnType<typeof setTimeout>;
  reconnectAttempts: number;
  cancelNextReconnectAttempt: boolean;
  maxReconnectAttempts: number;
  /** Milliseconds after which a promise that nothing has settled is rejected. */
  operationTimeoutMs: number;
  /** piehub: milliseconds of silence after which it asks whether the hub is there; 0 is never. */
  probeIntervalMs: number;

  constructor();
  isConnected(): boolean;
  heartbeat(): void;
  /** Connects and joins a room that all who call this share. */
  quickConnect(wsUrl: string): Promise<void>;
  /** piehub: the address may be relative to the page's, and keeps its path and query. */
  connect(wsUrl: string, useStats?: boolean): Promise<void>;
  connectSolo(): Promise<void>;
  onClose: () => void;
  tryReconnect: () => void;
  disconnect(): Promise<void>;
  handleMessage(message: any, useStats: boolean): void;
  makeRoom(roomInfo: Room): Promise<void>;
  joinRoom(roomInfo: Room, makeRoomIfNonExistant?: boolean): Promise<void>;
  leaveRoom(): void;
  /** piehub: the rooms come by a promise, too. */
  getRooms(roomInfo?: any): Promise<Room[]>;
  sendData(payload: any, extras?: any): void;
  /** piehub: sends to those clients of the room only. */
  whisper(payload: any, clientIds: string | string[]): void;
  /** piehub: sends when everyone in the room has sent one with this id. */
  together(payload: any, togetherId?: string | number | boolean): void;
  enterMatchmaking(app: string, version: string, matchSize: number, rating?: number): Promise<any>;
  leaveMatchmaking(): Promise<any>;
  /**
   * piehub: the room's Data from now on, until disconnect(). Throws where the client has given up
   * coming back, or more than `limit` (10,000) messages wait to be read.
   */
  messages(options?: { limit?: number }): AsyncGenerator<OnDataArgs, void, undefined>;
}

export { PieClient };

export declare const MessageType: { [name: string]: string };
export declare const DataSubType: { Together: string; Whisper: string };
