// The published WebsocketPie server on Bun, its rate limit lifted so that it does not cut in.
import { startServer } from "@websocketpie/server-bun";

startServer({ port: Number(process.env.PORT), rateLimitMax: Number.MAX_SAFE_INTEGER });
