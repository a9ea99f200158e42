/** Edits as a random script makes them, and the two ways of asking for one: ipvsadm's words and the API's change. */
import type { Change } from "../../../src/control/operations.js";
import {
  DEFAULT_SETTINGS,
  type ForwardingMethod,
  SCHEDULER_FLAG_BITS,
  type SchedulerFlag,
  type ServiceId,
  type ServiceSettings,
} from "../../../src/core/model.js";

/** The port of every service and realserver. */
export const PORT = 8080;
/** What a service of all ports listens on. */
export const ALL_PORTS = [PORT, PORT + 1];

/** Where a service stands; port 0 is a service of all ports. */
export interface Place {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

/** What `-A` and `-E` say. */
export interface ServiceEdit {
  readonly scheduler: string;
  readonly flags: readonly SchedulerFlag[];
  readonly persistence?: { readonly timeoutSec: number; readonly netmask: string };
}

/** What `-a` and `-e` say. */
export interface ServerEdit {
  readonly address: string;
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  readonly upper: number;
  readonly lower: number;
}

/** One command line. */
export type Edit =
  | { readonly op: "A" | "E"; readonly at: Place; readonly service: ServiceEdit }
  | { readonly op: "D"; readonly at: Place }
  | { readonly op: "a" | "e"; readonly at: Place; readonly server: ServerEdit }
  | { readonly op: "d"; readonly at: Place; readonly server: { readonly address: string } }
  | { readonly op: "C" };

const METHOD_OPTIONS = { masq: "-m", route: "-g", tunnel: "-i" } as const;

/** `-a -t 127.64.0.1:8080 -r 127.64.0.9:8080 -m -w 3` as words. */
export function wordsOf(edit: Edit): string[] {
  if (edit.op === "C") return ["-C"];
  const { op, at } = edit;
  const words = [`-${op}`, at.protocol === "tcp" ? "-t" : "-u", `${at.address}:${at.port}`];
  if (op === "A" || op === "E") {
    const { scheduler, flags, persistence } = edit.service;
    words.push("-s", scheduler);
    if (flags.length > 0) words.push("-b", flags.join(","));
    if (persistence) words.push("-p", `${persistence.timeoutSec}`, "-M", persistence.netmask);
    if (op === "A" && at.port === 0) words.push("--ports", ALL_PORTS.join(","));
  }
  if (op === "a" || op === "e" || op === "d") {
    const port = at.port === 0 ? "" : `:${at.port}`;
    words.push("-r", `${edit.server.address}${port}`);
  }
  if (op === "a" || op === "e") {
    const { weight, forwarding, upper, lower } = edit.server;
    words.push(METHOD_OPTIONS[forwarding], "-w", `${weight}`);
    if (upper > 0) words.push("-x", `${upper}`);
    if (lower > 0) words.push("-y", `${lower}`);
  }
  return words;
}

/** The same as a change of the API; the port list of a service is not in the words of `-E`, but is here. */
export function changeFor(edit: Edit): Change {
  switch (edit.op) {
    case "C":
      return { operation: "clear" };
    case "A":
      return {
        operation: "addService",
        service: { id: idOf(edit.at), settings: settingsFor(edit.at, edit.service), realservers: [] },
      };
    case "E":
      return {
        operation: "editService",
        id: idOf(edit.at),
        settings: settingsFor(edit.at, edit.service),
      };
    case "D":
      return { operation: "deleteService", id: idOf(edit.at) };
    case "a":
    case "e":
      return {
        operation: edit.op === "a" ? "addRealserver" : "editRealserver",
        id: idOf(edit.at),
        server: realserverFor(edit.at, edit.server),
      };
    case "d":
      return {
        operation: "deleteRealserver",
        id: idOf(edit.at),
        server: { address: edit.server.address, port: edit.at.port },
      };
  }
}

export function idOf({ protocol, address, port }: Place): ServiceId {
  return { protocol, address, port };
}

/** What the director should have a service set to. */
export function settingsFor(at: Place, { scheduler, flags, persistence }: ServiceEdit): ServiceSettings {
  return {
    ...DEFAULT_SETTINGS,
    scheduler,
    schedulerFlags: flags.reduce((bits, flag) => bits | SCHEDULER_FLAG_BITS[flag], 0),
    ...(persistence && { persistence }),
    ...(at.port === 0 && { listenOn: ALL_PORTS.map((port) => ({ address: at.address, port })) }),
  };
}

/** What the director should have a realserver set to. */
export function realserverFor(at: Place, { address, weight, forwarding, upper, lower }: ServerEdit) {
  return { address, port: at.port, weight, forwarding, upperThreshold: upper, lowerThreshold: lower };
}
