// A page's code in TypeScript, written for @websocketpie/client; it must compile with either.
import PieClient from "the-client";
import type {
  ClientPresenceChangedArgs,
  ConnectInfo,
  Latency,
  MatchFoundArgs,
  OnDataArgs,
  OnRoomsArgs,
  Room,
  ServerAssignedData,
} from "the-client";

const pie: PieClient = new PieClient();
const room: Room = { app: "chat", name: "lobby", version: "1", maxClients: 2, hidden: true };

pie.onData = ({ fromClient, payload, subType, time }: OnDataArgs) => {
  const late: number = Date.now() - time;
  console.log(fromClient.length, subType, payload.text, late);
};
pie.onError = ({ message }) => console.log(message.length);
pie.onServerAssignedData = (data: ServerAssignedData) => console.log(data.clientId, data.hostAppVersion);
pie.onClientPresenceChanged = ({ clients }: ClientPresenceChangedArgs) => console.log(clients.join());
pie.onRooms = ({ rooms }: OnRoomsArgs) => console.log(rooms.map(({ name }) => name));
pie.onMatchFound = ({ roomInfo }: MatchFoundArgs) => console.log(roomInfo.name);
pie.onConnectInfo = ({ connected, msg }: ConnectInfo) => console.log(connected, msg.length);
pie.onLatency = ({ average, averageDataPoints }: Latency) => console.log(average, averageDataPoints[0]);

export async function main(): Promise<void> {
  await pie.quickConnect("ws://localhost:8080");
  await pie.connect("ws://localhost:8080", true);
  await pie.makeRoom(room);
  await pie.joinRoom(room, false);
  pie.sendData({ text: "hello" }, { subType: "Whisper", whisperClientIds: ["a"] });
  pie.getRooms({ app: "chat" });
  const match: any = await pie.enterMatchmaking("game", "1", 2, 1200);
  await pie.leaveMatchmaking();
  pie.leaveRoom();
  const current: Room | undefined = pie.currentRoomInfo;
  const element: HTMLElement | null = pie.statusElement;
  pie.maxReconnectAttempts = 5;
  pie.operationTimeoutMs = 1000;
  console.log(match, current?.name, element?.id, pie.stats.latency.min, pie.isConnected());
  await pie.disconnect();
  await pie.connectSolo();
}
