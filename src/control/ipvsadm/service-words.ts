/** How the settings of services and servers are written, in listings and in saved commands. */
import type {
  ForwardingMethod,
  Persistence,
  Realserver,
  ServiceSettings,
  TunnelSettings,
} from "../../core/model.js";
import { DEFAULT_TUNNEL } from "../../core/model.js";
import { schedulerFlagNames } from "./values.js";

/** The forwarding methods in the column "Forward" and as options. */
export const FORWARDING_WORDS: Readonly<Record<ForwardingMethod, { column: string; option: string }>> = {
  masq: { column: "Masq", option: "-m" },
  route: { column: "Route", option: "-g" },
  tunnel: { column: "Tunnel", option: "-i" },
};

const CHECKSUM_WORDS: Readonly<Record<TunnelSettings["checksum"], { column: string; option: string }>> = {
  none: { column: "-c", option: "--tun-nocsum" },
  csum: { column: "+c", option: "--tun-csum" },
  remcsum: { column: "r+c", option: "--tun-remcsum" },
};

/** `wlc (flag-1) persistent 300 mask 255.255.255.0 pe sip ops`; an engine shows only with persistence. */
export function settingsColumn(settings: ServiceSettings): string {
  const { scheduler, persistence, persistenceEngine, onePacket } = settings;
  const words = [scheduler];
  const flags = schedulerFlagNames(settings.schedulerFlags, scheduler);
  if (flags.length > 0) words.push(`(${flags.join(",")})`);
  if (persistence !== undefined) {
    words.push(`persistent ${persistence.timeoutSec}`);
    if (!isHostMask(persistence)) words.push(`mask ${persistence.netmask}`);
    if (persistenceEngine !== undefined) words.push(`pe ${persistenceEngine}`);
  }
  if (onePacket) words.push("ops");
  return words.join(" ");
}

/** `-s wlc -p 300 -M 255.255.255.0 --pe sip -o -b flag-1`. */
export function settingsOptions(settings: ServiceSettings): string {
  const { scheduler, persistence, persistenceEngine, onePacket } = settings;
  const words = [`-s ${scheduler}`];
  if (persistence !== undefined) {
    words.push(`-p ${persistence.timeoutSec}`);
    if (!isHostMask(persistence)) words.push(`-M ${persistence.netmask}`);
  }
  if (persistenceEngine !== undefined) words.push(`--pe ${persistenceEngine}`);
  if (onePacket) words.push("-o");
  const flags = schedulerFlagNames(settings.schedulerFlags, scheduler);
  if (flags.length > 0) words.push(`-b ${flags.join(",")}`);
  return words.join(" ");
}

/** `n/a`, `ipip`, `gre:-c`, `gue:6080:+c`. */
export function tunnelColumn(server: Realserver): string {
  if (server.forwarding !== "tunnel") return "n/a";
  const { type, port, checksum } = server.tunnel ?? DEFAULT_TUNNEL;
  if (type === "ipip") return type;
  const column = CHECKSUM_WORDS[checksum].column;
  return type === "gue" ? `gue:${port ?? 0}:${column}` : `gre:${column}`;
}

/** ` --tun-type gue --tun-port 6080 --tun-csum`, or nothing where the server is no tunnel. */
export function tunnelOptions(server: Realserver): string {
  if (server.forwarding !== "tunnel") return "";
  const { type, port, checksum } = server.tunnel ?? DEFAULT_TUNNEL;
  if (type === "ipip") return " --tun-type ipip";
  const portOption = type === "gue" ? ` --tun-port ${port ?? 0}` : "";
  return ` --tun-type ${type}${portOption} ${CHECKSUM_WORDS[checksum].option}`;
}

/** Each client by itself: the default, never printed. */
function isHostMask({ netmask }: Persistence): boolean {
  return netmask === "255.255.255.255" || netmask === 128;
}
