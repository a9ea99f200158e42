/**
 * A network namespace with every address of the recordings on its `lo`, and an agent in it that plays clients and
 * realservers. A director is started in it with `prefix`; its control socket can be reached from outside.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { parseRealserverKey } from "../../src/core/service-key.js";
import { ADDRESSES, DIRECTOR_ADDRESS, REALSERVER_ENDPOINTS } from "./golden-addresses.js";
import type { CloseStep, ConnectStep, FwmarkStep, SendStep, UdpStep } from "./recordings.js";

/** What the agent is asked. */
export type Request =
  | { readonly op: "serve"; readonly tcp: readonly string[]; readonly udp: readonly string[] }
  | {
      readonly op: "ask";
      readonly id: string;
      readonly from: string;
      readonly sport: number;
      readonly to: string;
      readonly bytes: number;
      readonly waitMs: number;
    }
  | { readonly op: "connect"; readonly id: string; from: string; sport: number; to: string }
  | { readonly op: "send"; readonly id: string; readonly bytes: number }
  | { readonly op: "close"; readonly id: string; readonly how?: "rst" | "server" };

export type SendResult = SendStep["got"];
/** `none`: there is no such connection. */
export type CloseResult = "closed" | "timeout" | "none";

type Answer = { readonly value: unknown } | { readonly error: string };

/** Far above what an answer takes; and how long is listened where none is to come. */
const ANSWER_MS = 10_000;
const SILENCE_MS = 1000;

const PREFIX = "uvs-golden";
const AGENT = fileURLToPath(new URL("./golden-agent.js", import.meta.url));
let count = 0;

/** Why no namespace can be made here, or undefined. */
export function namespaceObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const name = uniqueName();
  const { error, status, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (error !== undefined) return `ip cannot be run (package iproute2): ${error.message}`;
  if (status !== 0) return `no network namespace can be made: ${stderr.trim()}`;
  ip("netns", "delete", name);
  return undefined;
}

/** Deletes what runs that were killed have left behind. */
export function deleteAbandonedNamespaces(): void {
  const { stdout } = spawnSync("ip", ["netns", "list"], { encoding: "utf8" });
  for (const [name, pid] of stdout.matchAll(new RegExp(`^${PREFIX}-(\\d+)-\\d+`, "gm"))) {
    if (!existsSync(`/proc/${pid}`)) spawnSync("ip", ["netns", "delete", name]);
  }
}

/** See the file's head. */
export class GoldenNamespace {
  /** Runs a command inside. */
  readonly prefix: readonly string[];
  readonly #agent: ChildProcess;

  private constructor(name: string) {
    this.prefix = ["ip", "netns", "exec", name];
    const [command, ...args] = [...this.prefix, process.execPath, AGENT];
    this.#agent = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  /** Makes a namespace; it goes with the test. */
  static async make(t: TestContext): Promise<GoldenNamespace> {
    const name = uniqueName();
    ip("netns", "add", name);
    t.after(() => ip("netns", "delete", name));
    populate(name);
    const namespace = new GoldenNamespace(name);
    t.after(() => namespace.#stop());
    await namespace.#ask({ op: "serve", ...REALSERVER_ENDPOINTS });
    return namespace;
  }

  /** @returns the realserver that greeted, or `refused`, `reset`, `closed`, `unreachable`, `timeout` */
  connect({ connect: id, from, sport, to }: ConnectStep): Promise<string> {
    return this.#ask({ op: "connect", id, from, sport, to });
  }

  /**
   * Sends one datagram. @returns the realserver that answered, ` from ` and an address where that was not the one spoken to;
   * or `timeout`
   */
  ask({ udp: id, from, sport, to, bytes, chosen }: UdpStep): Promise<string> {
    const waitMs = chosen.includes(":") ? ANSWER_MS : SILENCE_MS;
    return this.#ask({ op: "ask", id, from, sport, to, bytes, waitMs });
  }

  send({ send: id, bytes }: SendStep): Promise<SendResult> {
    return this.#ask({ op: "send", id, bytes });
  }

  close({ close: id, how }: CloseStep): Promise<CloseResult> {
    return this.#ask({ op: "close", id, how });
  }

  /** Lets the kernel mark packets from now on, as an operator would. */
  mark({ fwmark, proto, to }: FwmarkStep): void {
    const rules = to.map((endpoint) => {
      const { address, port } = parseRealserverKey(endpoint);
      const family = address.includes(":") ? "ip6" : "ip";
      return `add rule inet marks marks ${family} daddr ${address} ${proto} dport ${port} meta mark set ${fwmark}`;
    });
    const chain = "add chain inet marks marks { type filter hook prerouting priority mangle; }";
    const input = ["add table inet marks", chain, ...rules, ""].join("\n");
    const [command, ...args] = [...this.prefix, "nft", "-f", "-"];
    const { status, stderr } = spawnSync(command, args, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(`nft: ${stderr}`);
  }

  /** One question at a time: the answer is the next message. */
  async #ask<Value>(request: Request): Promise<Value> {
    const agent = this.#agent;
    if (agent.exitCode !== null) throw new Error(`the agent has ended with exit code ${agent.exitCode}`);
    agent.send(request);
    const answered = new AbortController();
    const { signal } = answered;
    const [answer] = (await Promise.race([
      once(agent, "message", { signal }),
      once(agent, "exit", { signal }).then(([code]) => {
        throw new Error(`the agent ended with exit code ${code}`);
      }),
    ]).finally(() => answered.abort())) as [Answer];
    if ("error" in answer) throw new Error(`agent: ${answer.error}`);
    return answer.value as Value;
  }

  async #stop(): Promise<void> {
    if (this.#agent.exitCode !== null || this.#agent.signalCode !== null) return;
    this.#agent.kill("SIGKILL");
    await once(this.#agent, "exit");
  }
}

function uniqueName(): string {
  return `${PREFIX}-${process.pid}-${count++}`;
}

function populate(name: string): void {
  const lines = [
    "link set lo up",
    // An interface eth0 is all that the sync daemons of the recordings ask for.
    "link add eth0 type veth peer name eth1",
    "link set eth0 up",
    "link set eth1 up",
    `addr add ${DIRECTOR_ADDRESS}/32 dev eth0`,
    ...ADDRESSES.map((address) => `addr add ${address} dev lo${address.includes(":") ? " nodad" : ""}`),
  ];
  const { status, stderr } = spawnSync("ip", ["-n", name, "-batch", "-"], {
    input: lines.join("\n"),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`addresses of ${name}: ${stderr}`);
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
