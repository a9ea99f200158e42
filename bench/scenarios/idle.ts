/**
 * Memory of a connection that is established and does nothing: growth of the balancer's process tree from the moment it
 * has carried a few connections until thousands are open, each of which has carried one byte each way. What the kernel
 * keeps for the sockets is not in it; it is the same for every peer that opens the same sockets.
 */
import { fileURLToPath } from "node:url";
import { settledMemory } from "../measure/memory.js";
import { none } from "../peers/none.js";
import { type Address, text } from "../system/loopback.js";
import type { Processes, Running } from "../system/processes.js";
import type { Scenario } from "./scenario.js";

const CONNECTIONS = 5000;
const WARM_UP_CONNECTIONS = 64;
const OPEN_MS = 60_000;

export const idle: Scenario = {
  name: "idle",
  title: `Memory of idle connections: ${CONNECTIONS.toLocaleString("en")} open, one byte carried each way`,
  realservers: "idle",
  without: [none.name],
  metrics: [
    { key: "pssKiB", title: "KiB/connection (PSS)", digits: 2, target: { atMost: 0.6 } },
    { key: "rssKiB", title: "KiB/connection (RSS)", digits: 2 },
    { key: "baseMiB", title: "MiB before (PSS)", digits: 1, informative: true },
  ],
  async measure(peer, { processes }) {
    const root = peer.pid as number;
    await (await openConnections(processes, peer.entry, WARM_UP_CONNECTIONS)).stop();
    const before = await settledMemory(root);
    const client = await openConnections(processes, peer.entry, CONNECTIONS);
    try {
      const after = await settledMemory(root);
      return {
        pssKiB: (after.pssKiB - before.pssKiB) / CONNECTIONS,
        rssKiB: (after.rssKiB - before.rssKiB) / CONNECTIONS,
        baseMiB: before.pssKiB / 1024,
      };
    } finally {
      await client.stop();
    }
  },
};

/** Starts a client that holds connections open until it is stopped. @throws Error when not all of them open */
async function openConnections(processes: Processes, entry: Address, count: number): Promise<Running> {
  const program = fileURLToPath(new URL("../load/idle-client.js", import.meta.url));
  const command = [process.execPath, program, entry.host, String(entry.port), String(count)];
  const client = processes.start("load", command, true);
  const outcome = await firstWord(client);
  if (outcome === "open") return client;
  await client.stop();
  throw new Error(`opening ${count} connections to ${text(entry)}: ${outcome}`);
}

/** What the client says first, or why it says nothing. */
function firstWord(client: Running): Promise<string> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(`not done within ${OPEN_MS / 1000} s`), OPEN_MS);
    const settle = (word: string) => {
      clearTimeout(late);
      resolve(word);
    };
    client.child.once("message", (message) => settle(String(message)));
    client.child.once("exit", () => settle(client.output()));
  });
}
