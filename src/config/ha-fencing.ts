/** Fence commands, of a cluster's nodes and of the masters of virtual routers; and the keys under `ha.fencing`. */
import { z } from "zod";
import type { HaFenceSettings, HeartbeatFenceSettings } from "../core/ha-settings.js";
import { choice, duration, section } from "./fields.js";
import { checkUnique, type Report } from "./ha-check-parts.js";
import { commandEntry, given, type Mapping, time, unless } from "./ha-group-dump.js";
import { command, ipAddress, nodeName } from "./ha-values.js";

/** How one director is fenced, values read. */
export type FenceEntry = z.output<typeof fenceSchema>;

/** A director of `ha.fencing`, values read. */
export type HaFenceEntry = z.output<typeof haFenceSchema>;

const MAX_ADDRESSES = 16;

const keys = {
  node: nodeName.describe("Node that it fences."),
  command: command.describe(
    "Run with the action and the node behind its arguments; exit status 0: it is done.",
  ),
  action: choice(["reset", "off"]).prefault("reset").describe("What it is to do."),
  timeout: duration("1s", "1h").prefault("60s").describe("Of one attempt."),
  retry: duration("100ms", "1h").prefault("5s").describe("From a failure to the next attempt."),
  delay: duration("0s", "1h")
    .prefault("0s")
    .describe("Before the first attempt: of two directors that fence each other, the one without survives."),
};

/** An entry of `ha.heartbeat.fencing`. */
export const fenceSchema = section(keys);

/** An entry of `ha.fencing`. */
export const haFenceSchema = section({
  ...keys,
  node: nodeName.describe("Director that it fences, as the command calls it."),
  addresses: z
    .array(ipAddress, "found something else, accepted is a list of addresses")
    .min(1, "found none, accepted is at least one address")
    .max(MAX_ADDRESSES, `found more, accepted are at most ${MAX_ADDRESSES} addresses`)
    .describe("All addresses that it advertises from."),
});

/** Each director once. */
export function checkFencing(entries: readonly HaFenceEntry[], report: Report): void {
  checkUnique(
    entries.map(({ node }) => node),
    "node",
    (i, message) => report([i, "node"], message),
  );
  const places = entries.flatMap(({ addresses }, i) =>
    (Array.isArray(addresses) ? addresses : []).map((address, j) => ({ address, path: [i, "addresses", j] })),
  );
  checkUnique(
    places.map(({ address }) => address),
    "address",
    (at, message) => report(places[at].path, message),
  );
}

/** The settings of an entry without errors. */
export function toFence({ timeout, retry, delay, ...fence }: FenceEntry): HeartbeatFenceSettings {
  return { ...fence, timeoutMs: timeout, retryMs: retry, delayMs: delay };
}

/** The settings of an entry of `ha.fencing` without errors. */
export function toHaFence({ addresses, ...fence }: HaFenceEntry): HaFenceSettings {
  return { ...toFence(fence), addresses };
}

/** The entry that means these settings. */
export function fenceEntry(
  settings: HeartbeatFenceSettings & { readonly addresses?: readonly string[] },
): Mapping {
  const { node, addresses, command: program, action, timeoutMs, retryMs, delayMs } = settings;
  return given({
    node,
    addresses,
    command: commandEntry(program),
    action: unless(action, "reset"),
    timeout: time(timeoutMs, 60_000),
    retry: time(retryMs, 5000),
    delay: time(delayMs, 0),
  });
}
