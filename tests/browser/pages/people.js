// What pages do in test_pie.py: `person` is a client whose Data is kept in `heard`.

globalThis.until = async (isSo, what = isSo) => {
  const deadline = Date.now() + 20000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

globalThis.person = async (url, roomInfo, settings = {}) => {
  const pie = new PieClient();
  Object.assign(pie, { heard: [], errors: [], links: [], recoveries: [], matches: [] }, settings);
  pie.onData = ({ payload }) => pie.heard.push(payload);
  pie.onError = ({ message }) => pie.errors.push(message);
  pie.onConnectInfo = ({ connected, msg }) => pie.links.push([connected, msg]);
  pie.onRecovery = ({ recovered }) => pie.recoveries.push(recovered);
  pie.onClientPresenceChanged = ({ clients }) => (pie.present = clients.length);
  pie.onMatchFound = ({ clients }) => pie.matches.push(clients);
  await pie.connect(url);
  if (roomInfo) await pie.makeRoom(roomInfo);
  return pie;
};
