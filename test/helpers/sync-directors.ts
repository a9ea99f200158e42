/** Two directors on loopback that share what they know, with real forwarders and realservers. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loopbackAddress } from "./tcp.js";
import { Uvsd } from "./uvsd.js";
import { waitFor } from "./wait-for.js";

/** Addresses that ask. */
export const CLIENTS = Array.from({ length: 12 }, (_, i) => `127.67.0.${i + 1}`);
/** What the realservers are called. */
export const NAMES = ["one", "two", "three"];
const PORT = 28080;
/** Where the directors listen for one another. */
export const SYNC_PORT = 28694;
/** The key of both. */
export const KEY = "the key that both directors have in these tests";

/** Two directors that can be started. */
export interface Pair {
  readonly vips: readonly [string, string];
  readonly addresses: readonly [string, string];
  readonly realservers: readonly { readonly address: string; readonly port: number }[];
  /** Starts one of both, with a key of its own if that is given. @param more further keys of `ha.sync`, in flow style */
  start(which: 0 | 1, key?: string, more?: string): Promise<Uvsd>;
}

/** Realservers that greet with their name; under a mark they are asked at the port that the client asked at. */
async function startServers(t: TestContext): Promise<string[]> {
  const addresses: string[] = [];
  for (const name of NAMES) {
    const address = loopbackAddress();
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("end", () => socket.end()).resume();
      socket.write(name);
    });
    server.listen(PORT, address);
    await once(server, "listening");
    t.after(() => server.close());
    addresses.push(address);
  }
  return addresses;
}

/** Both have the same service; each test asks the directors one by one, as if the floating address were there. */
export async function pair(t: TestContext): Promise<Pair> {
  const servers = await startServers(t);
  const folder = await mkdtemp(join(tmpdir(), "uvs-key-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  // The service is the same on both by its mark: the address can be on one of them only.
  const vips = [loopbackAddress(), loopbackAddress()] as const;
  const addresses = [loopbackAddress(), loopbackAddress()] as const;
  return {
    vips,
    addresses,
    realservers: servers.map((address) => ({ address, port: 0 })),
    async start(which, key = KEY, more = "") {
      const keyFile = join(folder, `key-${which}-${key.length}`);
      await writeFile(keyFile, key, { mode: 0o600 });
      return Uvsd.start(t, {
        config: `threads: 1
services:
  - listen: tcp://${vips[which]}:${PORT}
    mark: 7
    scheduler: rr
    persistence: { timeout: 300s }
    realservers: [ ${servers.map((address) => `"${address}:0"`).join(", ")} ]
ha:
  sync:
    node: director-${which}
    listen: "${addresses[which]}:${SYNC_PORT}"
    peers: [ "${addresses[1 - which]}:${SYNC_PORT}" ]
    key-file: ${keyFile}
    ${more}
`,
      });
    },
  };
}

/** The name of the realserver that a director sends a client to. */
async function ask(vip: string, client: string): Promise<string> {
  const socket = connect({ host: vip, port: PORT, localAddress: client });
  socket.on("error", () => {});
  const name = await new Promise<string>((resolve, reject) => {
    socket.once("data", (data) => resolve(data.toString()));
    socket.once("close", () => reject(new Error(`${client} was refused by ${vip}`)));
  });
  socket.end();
  await once(socket, "close");
  return name;
}

/** The names of the realservers that a director sends clients to, in their order. */
export async function askAll(vip: string, clients = CLIENTS): Promise<string[]> {
  const names: string[] = [];
  for (const client of clients) names.push(await ask(vip, client));
  return names;
}

/** Waits until a director knows so many templates. */
export const knows = (uvsd: Uvsd, count: number) =>
  waitFor(`${count} templates are known: ${uvsd.output}`, async () => {
    return (await uvsd.client.templates({})).length === count;
  });

/** Waits until both learn from one another. */
export const connected = (...directors: readonly Uvsd[]) =>
  waitFor("the directors are connected both ways", async () => {
    const all = await Promise.all(directors.map(({ client }) => client.haStatus()));
    return all.every(({ sync }) => sync?.receivers.length === 1 && sync.sources[0].state === "connected");
  });
