// The least that a relay can be, on the native WebSocket server that Bun has: clients register a code and send to codes.
// What the real one promises (limits, rates, checks, order of addresses, statistics) is not here: it is what that costs.
const clients = new Map();
const greeting = [
  { type: "server_info", serverId: "ed25519:" + "A".repeat(43) + "=", endpoint: "ws://localhost", region: null },
  {
    type: "server_identity", public_key: "A".repeat(43) + "=", nonce: "B".repeat(43) + "=",
    signature: "C".repeat(86) + "==", timestamp: Date.now(), binding: "",
  },
].map((message) => JSON.stringify(message));

const handlers = {
  ping: (socket) => socket.send('{"type":"pong"}'),
  register: (socket, { pairingCode }) => {
    if (typeof pairingCode !== "string" || clients.has(pairingCode)) {
      socket.send('{"type":"code_collision"}');
      return;
    }
    clients.set((socket.data.code = pairingCode), socket);
    socket.send(JSON.stringify({ type: "registered", pairingCode }));
  },
  offer: forward,
  answer: forward,
  ice_candidate: forward,
};

function forward(socket, { type, target, payload }) {
  const to = clients.get(target);
  if (to) to.send(JSON.stringify({ type, from: socket.data.code, payload }));
  else socket.send(JSON.stringify({ type: "error", message: "Peer not found: " + target }));
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch: (request, server) => (server.upgrade(request, { data: { code: null } }) ? undefined : new Response("", { status: 426 })),
  websocket: {
    maxPayloadLength: 262144,
    open: (socket) => greeting.forEach((text) => socket.send(text)),
    message(socket, text) {
      let message;
      try {
        message = JSON.parse(text);
      } catch {
        socket.send('{"type":"error","message":"Invalid message format"}');
        return;
      }
      handlers[message?.type]?.(socket, message);
    },
    close(socket) {
      if (clients.get(socket.data.code) === socket) clients.delete(socket.data.code);
    },
  },
});
