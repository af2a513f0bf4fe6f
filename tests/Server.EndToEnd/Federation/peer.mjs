// A small server of the federation, written from docs/protocol.md alone, for the tests: it links, gossips and computes the ring.
// Like older servers it believes what others say of members, and answers every state_sync with its own.
//
//   node peer.mjs PORT SEED [URL...]     SEED: first byte of its key's seed, 32 bytes that count up from there
//
// Each line on stdin is a command in JSON, answered by a line on stdout: {"get":"members"}, {"get":"owners","text":"ABCDEF"},
// {"get":"counts"}, {"do":"leave"}, {"do":"gossip","subtype":...,"payload":{...},"piggyback":[...]} (sent to all links, signed),
// {"do":"raw","text":...}.
import crypto from "node:crypto";
import http from "node:http";
import readline from "node:readline";

const [port, seed, ...urls] = process.argv.slice(2);
const seedBytes = Buffer.from(Array.from({ length: 32 }, (_, i) => (Number(seed) + i) % 256));
const key = crypto.createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seedBytes]), format: "der", type: "pkcs8" });
const publicKey = crypto.createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
const idOf = raw => "ed25519:" + raw.toString("base64url");
const rawOf = id => Buffer.from(id.slice(8), "base64url");
const nodeIdOf = raw => crypto.createHash("sha256").update(raw).digest().subarray(0, 20).toString("hex");
const self = {
  serverId: idOf(publicKey), nodeId: nodeIdOf(publicKey), endpoint: `ws://127.0.0.1:${port}`,
  publicKey: publicKey.toString("base64"), metadata: { region: "test" } };

const members = new Map([[self.serverId, { ...self, status: "alive", incarnation: 0, lastSeen: Date.now() }]]);
const links = new Map();
const counts = { received: {}, bytesReceived: 0, bytesSent: 0, badSignatures: 0 };
let sequence = 0;

const sign = fields => crypto.sign(null, Buffer.from(JSON.stringify(fields)), key).toString("base64");
const isSigned = (message, id) => {
  const { type, signature, ...rest } = message;
  const fields = type === "gossip" ? { type, ...rest } : rest;
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), rawOf(id)]);
  return crypto.verify(null, Buffer.from(JSON.stringify(reorder(message, fields))),
    crypto.createPublicKey({ key: spki, format: "der", type: "spki" }), Buffer.from(signature, "base64"));
};
// In the order in which they came.
const reorder = (message, fields) => Object.fromEntries(Object.keys(message).filter(name => name in fields).map(name => [name, message[name]]));

const handshake = type => {
  const fields = { ...self, timestamp: Date.now() };
  return { type, ...fields, signature: sign(fields) };
};

const gossip = (subtype, payload, piggyback) => {
  const fields = {
    type: "gossip", subtype, senderId: self.serverId, sequenceNumber: ++sequence, timestamp: Date.now(), payload,
    piggyback: piggyback ?? [...members.values()].sort((a, b) => b.lastSeen - a.lastSeen).slice(0, 5)
      .map(({ serverId, status, incarnation, endpoint, nodeId }) => ({ serverId, status, incarnation, endpoint, nodeId })) };
  return { ...fields, signature: sign(fields) };
};

// --- WebSocket frames (RFC 6455), text only.
class Link {
  constructor(socket, masks) {
    this.socket = socket;
    this.masks = masks;
    this.buffer = Buffer.alloc(0);
    socket.on("data", data => { this.buffer = Buffer.concat([this.buffer, data]); this.read(); });
    socket.on("close", () => this.closed());
    socket.on("error", () => socket.destroy());
  }
  send(message) { this.write(1, Buffer.from(typeof message === "string" ? message : JSON.stringify(message))); }
  write(opcode, payload) {
    const head = payload.length < 126 ? [payload.length]
      : payload.length < 65536 ? [126, payload.length >> 8, payload.length & 255]
        : [127, 0, 0, 0, 0, payload.length >>> 24, (payload.length >> 16) & 255, (payload.length >> 8) & 255, payload.length & 255];
    const parts = [Buffer.from([0x80 | opcode, head[0] | (this.masks ? 128 : 0), ...head.slice(1)])];
    if (this.masks) {
      const mask = crypto.randomBytes(4);
      payload = Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]));
      parts.push(mask);
    }
    counts.bytesSent += payload.length;
    this.socket.write(Buffer.concat([...parts, payload]));
  }
  read() {
    for (;;) {
      const buffer = this.buffer;
      if (buffer.length < 2) return;
      const masked = (buffer[1] & 128) !== 0;
      let length = buffer[1] & 127, offset = 2;
      if (length === 126) { if (buffer.length < 4) return; length = buffer.readUInt16BE(2); offset = 4; }
      else if (length === 127) { if (buffer.length < 10) return; length = Number(buffer.readBigUInt64BE(2)); offset = 10; }
      const mask = masked ? buffer.subarray(offset, offset += 4) : null;
      if (buffer.length < offset + length) return;
      let payload = buffer.subarray(offset, offset + length);
      if (mask) payload = Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]));
      this.buffer = buffer.subarray(offset + length);
      const opcode = buffer[0] & 15;
      if (opcode === 8) { this.write(8, payload); this.socket.end(); return; }
      if (opcode === 9) this.write(10, payload);
      if (opcode === 1) { counts.bytesReceived += payload.length; this.message(JSON.parse(payload.toString())); }
    }
  }
  message(message) {
    if (!this.id) return this.authenticate(message);
    if (message.type !== "gossip") return;
    if (message.senderId !== this.id || !isSigned(message, this.id)) { counts.badSignatures++; return; }
    counts.received[message.subtype] = (counts.received[message.subtype] ?? 0) + 1;
    const sender = members.get(this.id);
    if (sender) sender.lastSeen = Date.now();
    for (const said of message.piggyback) merge(said, false);
    handle(this, message);
  }
  authenticate(message) {
    const expected = this.masks ? "handshake_ack" : "handshake";
    if (message.type !== expected || !isSigned(message, message.serverId)) { counts.badSignatures++; this.socket.destroy(); return; }
    this.id = message.serverId;
    if (!this.masks && links.has(this.id) && self.serverId < this.id) {
      this.write(8, Buffer.concat([Buffer.from([0x0f, 0xa3]), Buffer.from("Duplicate connection")]));
      return;
    }
    const old = links.get(this.id);
    links.set(this.id, this);
    if (old) old.write(8, Buffer.concat([Buffer.from([0x0f, 0xa3]), Buffer.from("Duplicate connection")]));
    if (!this.masks) this.send(handshake("handshake_ack"));
    merge({ serverId: message.serverId, nodeId: message.nodeId, endpoint: message.endpoint, publicKey: message.publicKey, status: "alive", incarnation: 0, metadata: message.metadata }, true);
    this.send(gossip("join", self));
  }
  closed() { if (links.get(this.id) === this) links.delete(this.id); }
}

// --- Membership, as simply as the protocol allows.
const rank = { alive: 3, suspect: 2, failed: 1, left: 0, unknown: 0 };
function merge(said, create) {
  if (said.serverId === self.serverId) {
    const own = members.get(self.serverId);
    if (said.status !== "alive" && said.incarnation >= own.incarnation) own.incarnation = said.incarnation + 1;
    return;
  }
  const known = members.get(said.serverId);
  if (!known) { if (create) members.set(said.serverId, { ...said, lastSeen: Date.now() }); return; }
  if (said.incarnation > known.incarnation || (said.incarnation === known.incarnation && rank[said.status] > rank[known.status])) {
    Object.assign(known, { status: said.status, incarnation: said.incarnation });
  }
}
function handle(link, { subtype, payload }) {
  switch (subtype) {
    case "ping": link.send(gossip("ping_ack", { incarnation: members.get(self.serverId).incarnation })); break;
    case "ping_ack": {
      const sender = members.get(link.id);
      pending.delete(link.id);
      if (sender && payload.incarnation >= sender.incarnation) Object.assign(sender, { status: "alive", incarnation: payload.incarnation });
      break;
    }
    case "ping_req": links.get(payload.targetServerId)?.send(gossip("ping", {})); break;
    case "join": merge({ ...payload, status: "alive", incarnation: 0 }, true); link.send(gossip("state_sync", { members: [...members.values()] })); break;
    case "leave": members.delete(payload.serverId); break;
    case "suspect": merge({ serverId: payload.serverId, status: "suspect", incarnation: payload.incarnation }, false); break;
    case "confirm": if (members.has(payload.serverId) && payload.serverId !== self.serverId) members.get(payload.serverId).status = "failed"; break;
    case "state_sync":
      for (const said of payload.members) merge(said, true);
      link.send(gossip("state_sync", { members: [...members.values()] }));
      break;
  }
}
const pending = new Map();
setInterval(() => {
  for (const [id, since] of pending) {
    const member = members.get(id);
    if (member?.status === "alive" && Date.now() - since > 1000) {
      member.status = "suspect";
      for (const link of links.values()) link.send(gossip("suspect", { serverId: id, incarnation: member.incarnation }));
    } else if (member?.status === "suspect" && Date.now() - since > 3000) {
      member.status = "failed";
      pending.delete(id);
      for (const link of links.values()) link.send(gossip("confirm", { serverId: id }));
    }
  }
  const alive = [...members.values()].filter(member => member.serverId !== self.serverId && member.status === "alive");
  if (alive.length === 0) return;
  const target = alive[crypto.randomInt(alive.length)];
  if (!pending.has(target.serverId)) pending.set(target.serverId, Date.now());
  links.get(target.serverId)?.send(gossip("ping", {}));
}, 1000);

// --- The ring.
const position = text => BigInt("0x" + crypto.createHash("sha256").update(text).digest().subarray(0, 20).toString("hex"));
function owners(text, count = 3) {
  const points = [...members.values()].filter(member => member.status === "alive")
    .flatMap(({ serverId, nodeId }) => [nodeId, ...Array.from({ length: 150 }, (_, i) => `${serverId}:${i}`)].map(at => [position(at), serverId]))
    .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const at = points.findIndex(point => point[0] >= position(text));
  return [...new Set([...points.slice(Math.max(at, 0)), ...points.slice(0, Math.max(at, 0))].map(point => point[1]))].slice(0, count);
}

// --- Sockets.
const server = http.createServer((_, response) => response.writeHead(404).end());
server.on("upgrade", (request, socket) => {
  const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  new Link(socket, false);
});
function dial(url) {
  const target = new URL(url);
  const request = http.request({
    host: target.hostname, port: target.port, path: "/federation",
    headers: { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": crypto.randomBytes(16).toString("base64") } });
  const again = () => setTimeout(() => dial(url), 1000);
  request.on("upgrade", (_, socket) => {
    const link = new Link(socket, true);
    socket.on("close", again);
    link.send(handshake("handshake"));
  });
  request.on("response", again);
  request.on("error", again);
  request.end();
}
server.listen(Number(port), "127.0.0.1", () => { console.log(JSON.stringify({ listening: self.serverId })); urls.forEach(dial); });

readline.createInterface({ input: process.stdin }).on("line", line => {
  const command = JSON.parse(line);
  const all = message => { for (const link of links.values()) link.send(message); };
  switch (command.get ?? command.do) {
    case "members": console.log(JSON.stringify([...members.values()])); break;
    case "links": console.log(JSON.stringify([...links.keys()])); break;
    case "owners": console.log(JSON.stringify(owners(command.text))); break;
    case "counts": console.log(JSON.stringify(counts)); break;
    case "leave": all(gossip("leave", { serverId: self.serverId })); console.log("{}"); break;
    case "gossip": all(gossip(command.subtype, command.payload, command.piggyback)); console.log("{}"); break;
    case "raw": all(command.text); console.log("{}"); break;
  }
}).on("close", () => process.exit());
