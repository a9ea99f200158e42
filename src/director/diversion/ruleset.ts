/**
 * What the director has in the kernel, as text: its table of nftables rules, its routing rules and its route. Names and
 * numbers are made of the director's identity, so that two directors on a host do not meet.
 *
 * A packet that is meant for a transparent socket (Documentation/networking/tproxy.rst) is marked in the table; the routing
 * rule sends what is marked to a table of its own, where everything is local.
 */
import { createHash } from "node:crypto";
import { type Family, familyOf } from "../../core/address.js";
import { type DivertedTraffic, familyOfTraffic } from "../listening-plan.js";

/** Connections and the port of the transparent socket on the loopback address that takes them. */
export interface DiversionRule {
  readonly traffic: DivertedTraffic;
  readonly port: number;
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
  /** The routing table in which everything is local. */
  readonly routes: number;

  /** @param identity what tells this director from others on the host: its control socket's path */
  constructor(identity: string) {
    const digest = createHash("sha256").update(identity).digest();
    this.table = `uvs_${digest.toString("hex", 0, 4)}`;
    this.mark = 0x75760000 + digest.readUInt16BE(4);
    this.routes = 100_000 + digest.readUInt16BE(6);
  }

  /** An nftables script after which the table has these rules and no others; without rules it is gone. */
  script(rules: readonly DiversionRule[]): string {
    const clear = `add table inet ${this.table}\ndelete table inet ${this.table}\n`;
    if (rules.length === 0) return clear;
    return [
      `${clear}table inet ${this.table} {`,
      "  chain divert {",
      `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
      ...rules.map((rule) => `    ${this.#take(rule)}`),
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
}

/** The families that rules are of. */
export function familiesOf(rules: readonly DiversionRule[]): ReadonlySet<Family> {
  return new Set(rules.map(({ traffic }) => familyOfTraffic(traffic)));
}

function selector(traffic: DivertedTraffic): string {
  if ("mark" in traffic) {
    return `meta nfproto ipv${traffic.family} meta l4proto tcp meta mark ${traffic.mark}`;
  }
  const { address, exceptPorts } = traffic;
  const ports = exceptPorts.length === 0 ? "" : ` tcp dport != { ${exceptPorts.join(", ")} }`;
  return `ip${familyOf(address) === 6 ? "6" : ""} daddr ${address} meta l4proto tcp${ports}`;
}
