/** The links to other directors as aligned text. */
import type { SyncStatus } from "../../core/sync-settings.js";
import { printable } from "./printable.js";
import { renderTable } from "./table.js";
import { formatAge } from "./units.js";

const HEAD = ["Peer", "At", "Direction", "State", "For", "Templates", "Last failure"];
const RIGHT = new Set([4, 5]);

/** The links for people: what comes from whom, what goes to whom. @param nowMs wall clock, for ages */
export function renderSync(status: SyncStatus, nowMs: number): string {
  const { node, listen, listenFailure, tls, sources, receivers, counters } = status;
  const age = (since: string): string => formatAge(nowMs - Date.parse(since));
  const rows = [
    ...sources.map(({ node: peer = "-", address, state, since, received, lastFailure }) => [
      ...[peer, address, "from", state, age(since), String(received)],
      state === "connected" ? "" : (lastFailure ?? ""),
    ]),
    ...receivers.map(({ node: peer, address, since, sent, isCurrent }) => [
      ...[peer, address, "to", isCurrent ? "current" : "behind", age(since), String(sent), ""],
    ]),
  ];
  const { refusedKeys, refusedTls, refusedMessages, slowPeers, silentPeers } = counters;
  const lines = [
    `sync: this director is ${node}, listens on ${listen}${listenFailure === undefined ? "" : ` (not now: ${listenFailure})`}`,
    tls === undefined
      ? "not encrypted (ha.sync.tls)"
      : `TLS: this director shows ${printable(tls.subject)}, valid until ${tls.expires}`,
    `refused: ${refusedKeys} keys, ${refusedTls} for TLS, ${refusedMessages} messages; given up: ${slowPeers} slow, ${silentPeers} silent peers`,
  ];
  return `${renderTable([HEAD, ...rows], RIGHT)}\n\n${lines.join("\n")}`;
}
