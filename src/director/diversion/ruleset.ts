/**
 * What the director has in the kernel, as text: its table of nftables rules, its routing rules and its route. Names and
 * numbers are made of the director's identity, so that two directors on a host do not meet.
 *
 * A packet that is meant for a transparent socket (Documentation/networking/tproxy.rst) is marked in the table; the routing
 * rule sends what is marked to a table of its own, where everything is local.
 */
import { createHash } from "node:crypto";
import { type Family, familyOf } from "../../core/address.js";
import { type ServiceId, serviceKey } from "../../core/model.js";
import { type DivertedTraffic, familyOfTraffic, type PassingTraffic } from "../listening-plan.js";
import type { Command } from "./programs.js";

/** Connections and the port of the transparent socket on the loopback address that takes them. */
export interface DiversionRule {
  readonly serviceId: ServiceId;
  readonly traffic: DivertedTraffic;
  readonly port: number;
}

/** A rule with what it is for. */
export interface ExplainedRule {
  readonly text: string;
  readonly meaning: string;
}

/** A rule or route that `ip` adds and deletes. */
export interface RoutingCommand {
  readonly object: "rule" | "route";
  /** All after `ip rule add`. */
  readonly words: string;
  readonly meaning: string;
}

/** All that the kernel is told. */
export interface KernelRules {
  readonly diversions: readonly DiversionRule[];
  /** Families in which connections to realservers have their clients' addresses: the answers are for this host. */
  readonly returns: readonly Family[];
  /** Addresses that clients speak to: what is for them is no answer, and the lookup of its socket is saved. */
  readonly spokenTo: readonly string[];
}

/** Before routing, after whatever marks packets. */
const PRIORITY = 50;
/** Routing rules are asked before the main table's (32766), which would send the packets on. */
const RULE_PRIORITY = 30_000;

/** The names and numbers of one director. */
export class Ruleset {
  readonly table: string;
  /** Packets with it are local, whatever they are addressed to. */
  readonly mark: number;
  /** SO_MARK of the director's transparent sockets, by which the table tells them from others'. */
  readonly socketMark: number;
  /** The routing table in which everything is local. */
  readonly routes: number;

  /** @param identity what tells this director from others on the host: its control socket's path */
  constructor(identity: string) {
    const digest = createHash("sha256").update(identity).digest();
    this.table = `uvs_${digest.toString("hex", 0, 4)}`;
    this.mark = 0x75760000 + digest.readUInt16BE(4);
    this.socketMark = 0x75730000 + digest.readUInt16BE(4);
    this.routes = 100_000 + digest.readUInt16BE(6);
  }

  /** An nftables script after which the table has these rules and no others; without rules it is gone. */
  script(rules: KernelRules): string {
    const clear = `add table inet ${this.table}\ndelete table inet ${this.table}\n`;
    if (familiesOf(rules).length === 0) return clear;
    return [
      `${clear}table inet ${this.table} {`,
      "  chain divert {",
      `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
      ...this.lines(rules).map(({ text }) => `    ${text}`),
      "  }",
      "}",
      "",
    ].join("\n");
  }

  /** The rules of the table, in order. */
  lines(rules: KernelRules): readonly ExplainedRule[] {
    return [
      ...familiesOf(rules).map((family) => ({
        text: this.#answers(family, rules.spokenTo),
        meaning: ANSWERS,
      })),
      ...rules.diversions.map((rule) => ({ text: this.#take(rule), meaning: explain(rule) })),
    ];
  }

  /** What shows the table. */
  get listing(): Command {
    return { program: "nft", args: ["list", "table", "inet", this.table], input: "" };
  }

  /** Words after `ip rule add` and `ip route add`, or `delete`. */
  get routing(): readonly RoutingCommand[] {
    const mark = `fwmark ${hex(this.mark)}`;
    return [
      {
        object: "rule",
        words: `${mark} lookup ${this.routes} priority ${RULE_PRIORITY}`,
        meaning: "what the table has marked is routed by a table of the director's own",
      },
      {
        object: "rule",
        words: `iif lo ${mark} lookup main priority ${RULE_PRIORITY - 1}`,
        meaning: "what this host sends with the mark itself (net.ipv4.tcp_fwmark_accept) goes its usual way",
      },
      {
        object: "route",
        words: `local default dev lo table ${this.routes}`,
        meaning: "in that table everything is for this host, whoever's address it has",
      },
    ];
  }

  #take({ traffic, port }: DiversionRule): string {
    const target = familyOfTraffic(traffic) === 4 ? `ip to 127.0.0.1:${port}` : `ip6 to [::1]:${port}`;
    return `${selector(traffic)} tproxy ${target} meta mark set ${hex(this.mark)} accept`;
  }

  /** What is for a connection of ours, whoever's address it has; also one whose diversion has ended meanwhile. */
  #answers(family: Family, spokenTo: readonly string[]): string {
    const others = spokenTo.filter((address) => familyOf(address) === family);
    const packets =
      others.length === 0
        ? `meta nfproto ipv${family}`
        : `ip${family === 6 ? "6" : ""} daddr != { ${others.join(", ")} }`;
    // Nothing but transparent sockets has the mark: `socket transparent` would be another lookup for each packet of the host.
    // What is neither TCP nor UDP has no socket, but for the ICMP errors that such a packet has caused.
    return `${packets} socket mark ${hex(this.socketMark)} meta mark set ${hex(this.mark)} accept`;
  }
}

/** As the kernel's tools print marks. */
export function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

const ANSWERS =
  "packets for connections of the director that have somebody else's address: answers to transparent ones, and what clients of diverted ones send";

function explain({ serviceId, port }: DiversionRule): string {
  return `connections of ${serviceKey(serviceId)} go to the director's socket at port ${port}, which takes them whatever they are addressed to`;
}

/** The families that rules are of. */
export function familiesOf({ diversions, returns }: KernelRules): readonly Family[] {
  const all = new Set([...returns, ...diversions.map(({ traffic }) => familyOfTraffic(traffic))]);
  return ([4, 6] as const).filter((family) => all.has(family));
}

function selector(traffic: DivertedTraffic): string {
  if ("mark" in traffic) {
    return `meta nfproto ipv${traffic.family} meta l4proto ${traffic.transport} meta mark ${traffic.mark}`;
  }
  if ("port" in traffic) return passing(traffic);
  const { address, exceptPorts, transport } = traffic;
  const ports = exceptPorts.length === 0 ? "" : ` ${transport} dport != { ${exceptPorts.join(", ")} }`;
  return `ip${familyOf(address) === 6 ? "6" : ""} daddr ${address} meta l4proto ${transport}${ports}`;
}

/** What is for this host is never taken: its own services, and the way in to it. */
function passing({ family, port, exceptFrom }: PassingTraffic): string {
  const others =
    exceptFrom.length === 0 ? "" : ` ip${family === 6 ? "6" : ""} saddr != { ${exceptFrom.join(", ")} }`;
  const ports = port === 0 ? "meta l4proto tcp" : `tcp dport ${port}`;
  return `meta nfproto ipv${family} ${ports}${others} fib daddr type != local`;
}
