// A CSMS made of npm's ocpp-rpc, strict in both directions. Tells what it sees on stdout and takes commands on stdin,
// one JSON object per line. It pings every PING_EVERY_MS and drops whoever has not answered the ping before.
import { createInterface } from "node:readline";
import ocppRpc from "ocpp-rpc";

const PROTOCOL = "ocpp1.6";
const NOW = "2026-03-01T12:00:00Z";

const ANSWERS = {
  Authorize: { idTagInfo: { status: "Accepted", parentIdTag: "FLEET" } },
  BootNotification: { status: "Accepted", currentTime: NOW, interval: 300 },
  DataTransfer: { status: "Accepted", data: "größer" },
  Heartbeat: { currentTime: NOW },
  MeterValues: {},
  StartTransaction: { transactionId: 7001, idTagInfo: { status: "Accepted" } },
  StatusNotification: {},
  StopTransaction: { idTagInfo: { status: "Accepted" } },
};

const tell = (event, more) => console.log(JSON.stringify({ event, ...more }));
const newest = new Map();
let links = 0;

const pingIntervalMs = Number(process.env.PING_EVERY_MS);
const server = new ocppRpc.RPCServer({ protocols: [PROTOCOL], strictMode: true, pingIntervalMs });

server.auth((accept, reject, { identity }) => {
  const [, status] = /^REFUSED-(\d+)$/.exec(identity) ?? [];
  if (status) reject(Number(status), "not on the list");
  else accept();
});

server.on("client", (client) => {
  const link = ++links;
  newest.set(client.identity, client);
  const { endpoint, password } = client.handshake;
  tell("connected", {
    link,
    identity: client.identity,
    protocol: client.protocol ?? null,
    endpoint,
    password: password?.toString() ?? null,
  });
  client.on("message", ({ message, outbound }) => {
    tell("text", { link, way: outbound ? "sent" : "received", text: message.toString() });
  });
  client.on("strictValidationFailure", ({ method, outbound }) => tell("invalid", { link, method, outbound }));
  client.on("badMessage", ({ buffer }) => tell("bad", { link, text: buffer.toString() }));
  client.on("ping", () => tell("ping", { link }));
  client.on("close", ({ code, reason }) => tell("closed", { link, code, reason: reason.toString() }));
  for (const [action, answer] of Object.entries(ANSWERS)) client.handle(action, () => answer);
});

async function obey({ number, identity, action, params, timeout_ms }) {
  const options = timeout_ms ? { callTimeoutMs: timeout_ms } : {};
  try {
    const result = await newest.get(identity).call(action, params, options);
    tell("answer", { number, result });
  } catch ({ constructor, rpcErrorCode, message, details }) {
    tell("answer", { number, error: { code: rpcErrorCode ?? constructor.name, message, details } });
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => server.close());

const { port } = (await server.listen(0, "127.0.0.1")).address();
tell("listening", { port });
