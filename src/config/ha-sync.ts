/** The keys under `ha.sync`: the link between directors; to settings and back. */

import { z } from "zod";
import type { Endpoint } from "../core/address.js";
import { formatEndpoint } from "../core/address.js";
import type { SyncSettings } from "../core/sync-settings.js";
import { parseAddress, parsePort, requireText, splitHostPort } from "./endpoint.js";
import { field, section } from "./fields.js";
import { syncTlsSchema } from "./ha-sync-tls.js";
import { path } from "./ha-values.js";
import { refusal, refuse } from "./refuse.js";

/** Where directors listen, if nothing else is said. */
export const SYNC_PORT = 5694;
const NODE = /^[A-Za-z0-9_.-]{1,64}$/;
const MAX_PEERS = 15;

const endpoint = field(
  (input): Endpoint => {
    const accepted = "ADDRESS:PORT such as 192.168.0.10:5694";
    const source = { text: requireText(input, accepted), accepted };
    const { host, port } = splitHostPort(source.text);
    const address = parseAddress(host, source);
    return {
      address,
      port: port === undefined ? SYNC_PORT : parsePort(port, "tcp", () => undefined, source),
    };
  },
  { type: "string" },
);

const node = field(
  (input) =>
    typeof input === "string" && NODE.test(input)
      ? input
      : refuse(input, "a name of 1 to 64 letters, digits, dots, dashes and underscores"),
  { type: "string", pattern: NODE.source },
);

/** The section, values read. */
export type SyncEntry = z.output<typeof syncSchema>;

/** The section `ha.sync`. */
export const syncSchema = section({
  node: node.optional().describe("What this director is called among its peers; the name of the host."),
  listen: endpoint.describe(`Where its peers connect to; the port is ${SYNC_PORT} where none is given.`),
  peers: z
    .array(endpoint, "found something else, accepted is a list of ADDRESS:PORT")
    .min(1, "found none, accepted is at least one")
    .max(MAX_PEERS, `found more, accepted are at most ${MAX_PEERS}`)
    .describe("Where the other directors listen."),
  "key-file": path.describe("The key that all of them share: at least 16 bytes, mode 0600."),
  tls: syncTlsSchema.optional().describe("Encrypts the link; both ends show and check certificates."),
});

/** What must hold between its values. @param report is told where and what */
export function checkSync(
  entry: SyncEntry,
  report: (path: readonly (string | number)[], message: string) => void,
): void {
  const seen = new Set<string>();
  const own = entry.listen?.address === undefined ? "" : formatEndpoint(entry.listen);
  for (const [i, peer] of (Array.isArray(entry.peers) ? entry.peers : []).entries()) {
    if (peer?.address === undefined) continue;
    const key = formatEndpoint(peer);
    if (key === own) report(["peers", i], refusal(key, "another director, not this one itself"));
    else if (seen.has(key)) report(["peers", i], refusal(key, "each peer once"));
    seen.add(key);
  }
}

/** The settings that a section without errors comes to. */
export function toSync({ "key-file": keyFile, node: name, listen, peers, tls }: SyncEntry): SyncSettings {
  return { ...(name !== undefined && { node: name }), listen, peers, keyFile, ...(tls && { tls }) };
}

/** The section that means these settings. */
export function syncEntry({
  node: name,
  listen,
  peers,
  keyFile,
  tls,
}: SyncSettings): Readonly<Record<string, unknown>> {
  return {
    ...(name !== undefined && { node: name }),
    listen: formatEndpoint(listen),
    peers: peers.map(formatEndpoint),
    "key-file": keyFile,
    ...(tls && { tls }),
  };
}
