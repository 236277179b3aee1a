"""WebsocketPie's messages: what clients may say, what the hub says, and the texts they match on."""
