// As little as a hub can do, on what Bun has for it: nothing is checked, and what comes is published
// as it came. Nobody hears who joined.
let clients = 0;

const server = Bun.serve({
  port: Number(process.env.PORT),
  fetch(request, server) {
    return server.upgrade(request, { data: { room: "" } }) ? undefined : new Response("", { status: 426 });
  },
  websocket: {
    open(client) {
      client.send(`{"type":"ServerAssignedData","clientId":"${++clients}"}`);
    },
    message(client, text) {
      if (client.data.room) {
        server.publish(client.data.room, text);
        return;
      }
      const { app, name, version } = JSON.parse(text).roomInfo;
      client.data.room = `${app};${name};${version}`;
      client.subscribe(client.data.room);
      client.send('{"type":"ResolvePromise","func":"JoinRoom"}');
    },
  },
});
