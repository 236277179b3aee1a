"""What the hub says over HTTP: the upgrade to a WebSocket, and the stand-alone hub's pages."""
