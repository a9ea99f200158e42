/**
 * Diverts connections that no listening socket of the director is addressed by: those that the kernel has marked
 * (`nft ... meta mark set 8`), and those to any port of an address. A table of its own in nftables gives them to a
 * transparent socket (TPROXY, Documentation/networking/tproxy.rst), whose accepted sockets keep the address and port that
 * the client spoke to; a routing rule of its own lets the host take packets that are addressed to somebody else. Nobody
 * else's rules are touched, and all of it is taken away at the end.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { type Family, familyOf } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import { type DivertedTraffic, familyOfTraffic } from "./listening-plan.js";

/** Connections and the port of the transparent socket on the loopback address that takes them. */
export interface DiversionRule {
  readonly traffic: DivertedTraffic;
  readonly port: number;
}

/** Runs a program. @returns what it wrote to standard error, or undefined where it ended well @throws where it cannot be run */
export type RunProgram = (
  program: string,
  args: readonly string[],
  input: string,
) => Promise<string | undefined>;

/** Before routing, after whatever marks packets. */
const PRIORITY = 50;
/** Routing rules are asked before the main table's (32766), which would send the packets on. */
const RULE_PRIORITY = 30_000;

/** The director's table in nftables and its routing rule. */
export class Diversion {
  readonly #run: RunProgram;
  readonly #table: string;
  readonly #mark: number;
  readonly #routes: number;
  #script = "";
  readonly #routed = new Set<Family>();

  /** @param identity what tells this director from others on the host: its control socket's path */
  constructor(identity: string, run: RunProgram = runProgram) {
    const digest = createHash("sha256").update(identity).digest();
    this.#run = run;
    this.#table = `uvs_${digest.toString("hex", 0, 4)}`;
    this.#mark = 0x75760000 + digest.readUInt16BE(4);
    this.#routes = 100_000 + digest.readUInt16BE(6);
  }

  /**
   * Diverts by these rules from now on, and by no others; all change at once.
   * @throws UvsError PERMISSION naming the right that is missing, UNSUPPORTED where the host cannot do it
   */
  async set(rules: readonly DiversionRule[]): Promise<void> {
    const script = rules.length === 0 ? "" : this.#describe(rules);
    if (script === this.#script) return;
    const begin = `add table inet ${this.#table}\ndelete table inet ${this.#table}\n`;
    await this.#must("nft", ["-f", "-"], begin + script);
    this.#script = script;
    for (const family of [4, 6] as const) {
      await this.#route(
        family,
        rules.some(({ traffic }) => familyOfTraffic(traffic) === family),
      );
    }
  }

  /** Takes everything away. */
  async stop(): Promise<void> {
    await this.set([]);
  }

  #describe(rules: readonly DiversionRule[]): string {
    const lines = rules.map((rule) => `    ${this.#rule(rule)}`);
    return [
      `table inet ${this.#table} {`,
      "  chain divert {",
      `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
      ...lines,
      "  }",
      "}",
      "",
    ].join("\n");
  }

  #rule({ traffic, port }: DiversionRule): string {
    const is4 = familyOfTraffic(traffic) === 4;
    const target = is4 ? `ip to 127.0.0.1:${port}` : `ip6 to [::1]:${port}`;
    return `${selector(traffic)} tproxy ${target} meta mark set ${this.#mark} accept`;
  }

  /** Lets the host take diverted packets of a family, or not any longer. */
  async #route(family: Family, isWanted: boolean): Promise<void> {
    if (this.#routed.has(family) === isWanted) return;
    const verb = isWanted ? "add" : "delete";
    const mark = `fwmark ${this.#mark}`;
    const commands = [
      `rule ${verb} ${mark} lookup ${this.#routes} priority ${RULE_PRIORITY}`,
      // What this host itself sends with the mark (net.ipv4.tcp_fwmark_accept passes it on) goes its usual way.
      `rule ${verb} iif lo ${mark} lookup main priority ${RULE_PRIORITY - 1}`,
      `route ${verb} local default dev lo table ${this.#routes}`,
    ];
    for (const command of commands) {
      const complaint = await this.#try("ip", [`-${family}`, ...command.split(" ")], "");
      // Left behind by a director that was killed, or gone already.
      const isDone = complaint === undefined || /File exists|No such (file|process)/i.test(complaint);
      if (!isDone) throw refusal("ip", complaint);
    }
    if (isWanted) this.#routed.add(family);
    else this.#routed.delete(family);
  }

  async #must(program: string, args: readonly string[], input: string): Promise<void> {
    const complaint = await this.#try(program, args, input);
    if (complaint !== undefined) throw refusal(program, complaint);
  }

  async #try(program: string, args: readonly string[], input: string): Promise<string | undefined> {
    try {
      return await this.#run(program, args, input);
    } catch (error) {
      const reason = (error as Error).message;
      throw new UvsError(
        "UNSUPPORTED",
        `connections cannot be diverted: ${program} cannot be run (${reason})`,
        {
          side: "system",
        },
      );
    }
  }
}

function selector(traffic: DivertedTraffic): string {
  if ("mark" in traffic) {
    return `meta nfproto ipv${traffic.family} meta l4proto tcp meta mark ${traffic.mark}`;
  }
  const { address, exceptPorts } = traffic;
  const ports = exceptPorts.length === 0 ? "" : ` tcp dport != { ${exceptPorts.join(", ")} }`;
  return `ip${familyOf(address) === 6 ? "6" : ""} daddr ${address} meta l4proto tcp${ports}`;
}

function refusal(program: string, complaint: string): UvsError {
  const text = complaint.trim().split("\n")[0];
  if (/not permitted|permission denied/i.test(complaint)) {
    return new UvsError(
      "PERMISSION",
      `connections cannot be diverted: ${program} says "${text}"; the right CAP_NET_ADMIN is missing: run as root, or give it with AmbientCapabilities=CAP_NET_ADMIN`,
      { side: "system", details: { right: "CAP_NET_ADMIN" } },
    );
  }
  return new UvsError("UNSUPPORTED", `connections cannot be diverted: ${program} says "${text}"`, {
    side: "system",
  });
}

const runProgram: RunProgram = (program, args, input) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0 ? undefined : complaint || `exit code ${code}`));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
