/**
 * Network namespaces on one machine: directors and a client on a bridge. Everything is removed by `destroy`, which must be
 * called in a `finally`. Needs root.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HaInstanceStatus } from "../../src/core/ha-status.js";
import type { VrrpSettings } from "../../src/ha/vrrp/peer-settings.js";
import type { InstanceEvent } from "../../src/ha/vrrp/status.js";
import { AddressWatch } from "./address-watch.js";
import { waitFor } from "./wait-for.js";

const HOST_PROGRAM = fileURLToPath(new URL("./vrrp-host.js", import.meta.url));
let labs = 0;

/** Why these tests cannot run here; undefined: they can. */
export function labMissing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const probe = `uvs${process.pid}-probe`;
  try {
    ip("netns", "add", probe);
    ip("netns", "del", probe);
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error)}`;
  }
}

/** A director or client: a namespace with `eth0` on the bridge. */
export interface LabHost {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

/** A lab. */
export class VrrpLab {
  readonly folder = mkdtempSync(join(tmpdir(), "uvs-lab-"));
  readonly #prefix = `uvs${process.pid}x${labs++}`;
  readonly #switch = `${this.#prefix}-sw`;
  readonly #hosts: LabHost[] = [];
  readonly #namesById = new Map<number, string>();
  readonly #children = new Set<ChildProcess>();

  constructor() {
    ip("netns", "add", this.#switch);
    ip("-n", this.#switch, "link", "add", "br0", "type", "bridge");
    ip("-n", this.#switch, "link", "set", "br0", "up");
  }

  /** Adds a host with 10.79.0.`number`/24 and a link-local IPv6 address. */
  addHost(name: string, number: number): LabHost {
    const namespace = `${this.#prefix}-${name}`;
    ip("netns", "add", namespace);
    const host = { name, namespace, address: `10.79.0.${number}` };
    this.#hosts.push(host);
    // By this id a watch in the switch's namespace hears of this one.
    ip("-n", this.#switch, "netns", "set", namespace, String(number));
    this.#namesById.set(number, name);
    ip("-n", namespace, "link", "set", "lo", "up");
    this.addInterface(host);
    return host;
  }

  /** Deletes a host's `eth0`, as when its card is pulled. */
  removeInterface({ namespace }: LabHost): void {
    ip("-n", namespace, "link", "del", "eth0");
  }

  /** Makes a host's `eth0` with its address. */
  addInterface({ name, namespace, address }: LabHost): void {
    const port = `p${name}`;
    ip("-n", this.#switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    // Duplicate address detection would keep the link-local address unusable for a second or two.
    inNamespace(
      namespace,
      "sysctl",
      "-qw",
      "net.ipv6.conf.all.accept_dad=0",
      "net.ipv6.conf.eth0.accept_dad=0",
    );
    ip("-n", this.#switch, "link", "set", port, "master", "br0", "up");
    ip("-n", namespace, "addr", "add", `${address}/24`, "brd", "+", "dev", "eth0");
    ip("-n", namespace, "link", "set", "eth0", "up");
  }

  /** Where the bridge is; the port of a host is called `p` and its name. */
  get switch(): LabHost {
    return { name: "switch", namespace: this.#switch, address: "" };
  }

  /** Gives hosts a second network, `eth1` with 10.80.0.x/24, that the first one's failures do not touch. */
  addSecondLink(...hosts: readonly LabHost[]): void {
    ip("-n", this.#switch, "link", "add", "br1", "type", "bridge");
    ip("-n", this.#switch, "link", "set", "br1", "up");
    for (const { name, namespace, address } of hosts) {
      const port = `q${name}`;
      ip("-n", this.#switch, "link", "add", port, "type", "veth", "peer", "name", "eth1", "netns", namespace);
      ip("-n", this.#switch, "link", "set", port, "master", "br1", "up");
      ip(
        "-n",
        namespace,
        "addr",
        "add",
        `${address.replace("10.79.", "10.80.")}/24`,
        "brd",
        "+",
        "dev",
        "eth1",
      );
      ip("-n", namespace, "link", "set", "eth1", "up");
    }
  }

  /** Pulls or plugs a host's cable at the switch; the host's own interface stays as it is but for its carrier. */
  unplug(host: LabHost, device: "eth0" | "eth1", isUnplugged = true): void {
    const port = `${device === "eth0" ? "p" : "q"}${host.name}`;
    ip("-n", this.#switch, "link", "set", port, isUnplugged ? "down" : "up");
  }

  /** Directors with isolated ports cannot hear each other, while everybody else hears both. */
  partition(hosts: readonly LabHost[], isCut: boolean): void {
    for (const { name } of hosts) {
      const value = isCut ? "on" : "off";
      inNamespace(this.#switch, "bridge", "link", "set", "dev", `p${name}`, "isolated", value);
    }
  }

  /** Starts a director of ours. */
  async startDirector(host: LabHost, settings: VrrpSettings): Promise<Director> {
    const file = join(this.folder, `${host.name}.json`);
    writeFileSync(file, JSON.stringify(settings));
    const note = join(this.folder, `${host.name}.held`);
    const child = this.spawn(host, process.execPath, [HOST_PROGRAM, file, note]);
    const director = new Director(child);
    await waitFor(`${host.name} has started: ${director.log}`, () => director.isStarted);
    return director;
  }

  /** Starts keepalived with a `vrrp_instance`, and what else is given. */
  startKeepalived(host: LabHost, configuration: string): Foreign {
    const file = join(this.folder, `${host.name}.conf`);
    writeFileSync(file, configuration);
    const pid = (kind: string): string => join(this.folder, `${host.name}-${kind}.pid`);
    const child = this.spawn(host, "keepalived", [
      "--dont-fork",
      "--log-console",
      "--vrrp",
      "--use-file",
      file,
      "--pid",
      pid("main"),
      "--vrrp_pid",
      pid("vrrp"),
    ]);
    return new Foreign(child);
  }

  /** Watches the addresses of all hosts; settles when whatever happens from now on will be seen. */
  async watchAddresses(): Promise<AddressWatch> {
    const monitor = this.spawn(this.switch, "ip", ["-oneline", "monitor", "address", "all-nsid"]);
    const watch = new AddressWatch(monitor, this.#namesById);
    const probe = "127.79.0.1";
    await waitFor("the watch sees", () => {
      const isThere = this.run(this.switch, "ip", "-o", "addr", "show", "dev", "lo").includes(` ${probe}/`);
      this.run(this.switch, "ip", "addr", isThere ? "del" : "add", `${probe}/32`, "dev", "lo");
      return watch.holders(probe).length > 0;
    });
    return watch;
  }

  /** Whether an address is on the host's interface. */
  has(host: LabHost, address: string): boolean {
    return inNamespace(host.namespace, "ip", "-o", "addr", "show", "dev", "eth0").includes(` ${address}/`);
  }

  /** Hardware address of a host's interface. */
  hardware(host: LabHost): string {
    return (
      /link\/ether (\S+)/.exec(inNamespace(host.namespace, "ip", "link", "show", "dev", "eth0"))?.[1] ?? ""
    );
  }

  /** Who a host believes to have an address, by hardware address; empty: it does not know. */
  neighbour(host: LabHost, address: string): string {
    return /lladdr (\S+)/.exec(inNamespace(host.namespace, "ip", "neigh", "show", address))?.[1] ?? "";
  }

  /** Makes a host learn who has an address. */
  ping(host: LabHost, address: string): void {
    inNamespace(host.namespace, "ping", "-c", "1", "-W", "2", address);
  }

  /** Runs a program in a host's namespace. @returns its output */
  run(host: LabHost, ...command: string[]): string {
    return inNamespace(host.namespace, ...command);
  }

  /** Processes of a host. */
  pids({ namespace }: LabHost): number[] {
    return pidsOf(namespace);
  }

  /** Ends all processes of a host at once, without a word. */
  killAll({ namespace }: LabHost): void {
    endAll(namespace);
  }

  /** Kills whatever runs on the hosts. */
  endPrograms(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const { namespace } of this.#hosts) endAll(namespace);
  }

  /** Ends all that was started and removes the namespaces. */
  destroy(): void {
    this.endPrograms();
    for (const namespace of [...this.#hosts.map((host) => host.namespace), this.#switch]) {
      ip("netns", "del", namespace);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts a program in a host's namespace; it is killed by `destroy` at the latest. */
  spawn(host: LabHost, program: string, args: readonly string[]): ChildProcess {
    // `ip netns exec` replaces itself by the program, so that signals reach it.
    const child = spawn("ip", ["netns", "exec", host.namespace, program, ...args], { stdio: "pipe" });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }
}

/** A foreign director. */
export class Foreign {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  log = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.log += text;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it politely. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    await this.#ended;
  }

  /** Kills it. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }
}

/** A director of ours. */
export class Director extends Foreign {
  readonly #stdin: ChildProcess["stdin"];
  readonly events: InstanceEvent[] = [];
  readonly #statuses: HaInstanceStatus[][] = [];
  isStarted = false;

  constructor(child: ChildProcess) {
    super(child);
    this.#stdin = child.stdin;
    let partial = "";
    child.stdout?.on("data", (text: string) => {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) this.#line(JSON.parse(line));
    });
  }

  /** State of a router by the events so far. */
  state(name = "vi"): string {
    const last = this.events.findLast((event) => event.kind === "transition" && event.instance === name) as
      | Extract<InstanceEvent, { kind: "transition" }>
      | undefined;
    return last?.to ?? "INIT";
  }

  command(line: string): void {
    this.#stdin?.write(`${line}\n`);
  }

  async status(): Promise<HaInstanceStatus> {
    const before = this.#statuses.length;
    this.command("status");
    await waitFor("a status", () => this.#statuses.length > before);
    return this.#statuses[before][0];
  }

  #line(line: InstanceEvent | { kind: "started" } | { kind: "status"; routers: HaInstanceStatus[] }): void {
    if (line.kind === "started") this.isStarted = true;
    else if (line.kind === "status") this.#statuses.push(line.routers);
    else this.events.push(line);
  }
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 10_000 });
}

function inNamespace(namespace: string, ...command: string[]): string {
  return ip("netns", "exec", namespace, ...command);
}

function pidsOf(namespace: string): number[] {
  return ip("netns", "pids", namespace)
    .split(/\s+/)
    .filter((pid) => pid !== "")
    .map(Number);
}

/** What was left behind in a namespace keeps it alive. */
/** Stopped first, so that none has the time to say that another has died. */
function endAll(namespace: string): void {
  const pids = pidsOf(namespace);
  for (const signal of ["SIGSTOP", "SIGKILL"]) {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** Reads a file that may not be there yet. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
