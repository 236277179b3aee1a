// The published WebsocketPie server on Node; it has no rate limit.
import server from "@websocketpie/server";

server.startServer({ port: Number(process.env.PORT) });
