/**
 * What the director has in the kernel, as text: its table of nftables rules, its routing rules and its route. Names and
 * numbers are made of the director's identity, so that two directors on a host do not meet.
 *
 * A packet that is meant for a transparent socket (Documentation/networking/tproxy.rst) is marked in the table; the routing
 * rule sends what is marked to a table of its own, where everything is local.
 */
import { createHash } from "node:crypto";
import { type Family, familyOf } from "../../core/address.js";
import { type DivertedTraffic, familyOfTraffic, type PassingTraffic } from "../listening-plan.js";

/** Connections and the port of the transparent socket on the loopback address that takes them. */
export interface DiversionRule {
  readonly traffic: DivertedTraffic;
  readonly port: number;
}

/** All that the kernel is told. */
export interface KernelRules {
  readonly diversions: readonly DiversionRule[];
  /** Families in which connections to realservers have their clients' addresses: the answers are for this host. */
  readonly returns: readonly Family[];
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
  script({ diversions, returns }: KernelRules): string {
    const clear = `add table inet ${this.table}\ndelete table inet ${this.table}\n`;
    if (diversions.length + returns.length === 0) return clear;
    const families = familiesOf({ diversions, returns });
    return [
      `${clear}table inet ${this.table} {`,
      "  chain divert {",
      `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
      ...families.map((family) => `    ${this.#answers(family)}`),
      ...diversions.map((rule) => `    ${this.#take(rule)}`),
      "  }",
      "}",
      "",
    ].join("\n");
  }

  /** Words after `ip rule add` and `ip route add`, or `delete`. */
  get routing(): readonly { readonly object: "rule" | "route"; readonly words: string }[] {
    const mark = `fwmark ${this.mark}`;
    return [
      { object: "rule", words: `${mark} lookup ${this.routes} priority ${RULE_PRIORITY}` },
      // What this host itself sends with the mark (net.ipv4.tcp_fwmark_accept passes it on) goes its usual way.
      { object: "rule", words: `iif lo ${mark} lookup main priority ${RULE_PRIORITY - 1}` },
      { object: "route", words: `local default dev lo table ${this.routes}` },
    ];
  }

  #take({ traffic, port }: DiversionRule): string {
    const target = familyOfTraffic(traffic) === 4 ? `ip to 127.0.0.1:${port}` : `ip6 to [::1]:${port}`;
    return `${selector(traffic)} tproxy ${target} meta mark set ${this.mark} accept`;
  }

  /** What is for a connection of ours, whoever's address it has; also one whose diversion has ended meanwhile. */
  #answers(family: Family): string {
    const socket = `socket transparent 1 socket mark ${this.socketMark}`;
    return `meta nfproto ipv${family} meta l4proto tcp ${socket} meta mark set ${this.mark} accept`;
  }
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
