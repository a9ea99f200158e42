/** Real directors, `uvsd`, in the namespaces of a lab: two that share an address, a client, a realserver behind them. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ControlClient } from "../../src/control/client.js";
import type { HaInstanceStatus } from "../../src/core/ha-status.js";
import type { AddressWatch } from "./address-watch.js";
import { Foreign, type LabHost, VrrpLab } from "./vrrp-lab.js";
import { waitFor } from "./wait-for.js";

/** The entry that was compiled with this file. */
export const UVSD = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
const START_DEADLINE_MS = 60_000;

/** The address that moves. */
export const VIP = "10.79.0.100";
/** Answers every HTTP request with its name. */
const REALSERVER_PROGRAM = `require("node:http")
  .createServer((request, response) => response.setHeader("connection", "close").end("realserver"))
  .listen(8080)`;

/** A running `uvsd`. */
export class LabUvsd extends Foreign {
  readonly client: ControlClient;
  readonly configFile: string;
  readonly child: ChildProcess;

  /** Path of the control socket. */
  readonly socket: string;

  constructor(child: ChildProcess, configFile: string, socket: string) {
    super(child);
    this.socket = socket;
    this.child = child;
    this.configFile = configFile;
    this.client = new ControlClient(socket);
  }

  /** An instance as it is now. */
  async instance(name = "VI_51"): Promise<HaInstanceStatus> {
    const { instances } = await this.client.haStatus();
    const found = instances.find((instance) => instance.name === name);
    if (found === undefined) throw new Error(`there is no instance ${name}`);
    return found;
  }

  async guardianPid(): Promise<number> {
    return (await this.client.haStatus()).guardian?.pid ?? 0;
  }

  /** Waits until an instance is in a state. */
  async becomes(state: string, name = "VI_51"): Promise<void> {
    await waitFor(
      `${name} is ${state}\n${this.log}`,
      async () => (await this.instance(name)).state === state,
    );
  }

  rewrite(config: string): void {
    writeFileSync(this.configFile, config);
  }
}

/** A lab with two directors' hosts or more, a client's, a realserver's, and a watch on who has which address. */
export class HaLab {
  readonly net = new VrrpLab();
  readonly directors: readonly LabHost[];
  readonly client = this.net.addHost("client", 9);
  readonly realserver = this.net.addHost("real", 20);
  #watch: AddressWatch | undefined;
  #realserver: ChildProcess | undefined;

  constructor(names: readonly string[]) {
    this.directors = names.map((name, i) => this.net.addHost(name, i + 1));
  }

  /** The first director's host. */
  get a(): LabHost {
    return this.directors[0];
  }

  /** The second director's host. */
  get b(): LabHost {
    return this.directors[1];
  }

  get watch(): AddressWatch {
    if (this.#watch === undefined) throw new Error("the lab is not made yet");
    return this.#watch;
  }

  /** Makes a lab, uses it and removes it. */
  static async with(
    use: (lab: HaLab) => Promise<void>,
    names: readonly string[] = ["a", "b"],
  ): Promise<void> {
    const lab = new HaLab(names);
    try {
      lab.#watch = await lab.net.watchAddresses();
      lab.startRealserver();
      await use(lab);
    } finally {
      lab.net.destroy();
    }
  }

  startRealserver(): void {
    this.#realserver = this.net.spawn(this.realserver, process.execPath, ["-e", REALSERVER_PROGRAM]);
  }

  stopRealserver(): void {
    this.#realserver?.kill("SIGKILL");
  }

  /**
   * Starts a director with this configuration and waits until it serves.
   * @param command what runs it, such as `env NAME=VALUE`
   */
  async start(host: LabHost, config: string, command: readonly string[] = []): Promise<LabUvsd> {
    const file = join(this.net.folder, `${host.name}.yaml`);
    const socket = join(this.net.folder, `${host.name}.sock`);
    writeFileSync(file, config);
    const [program, ...args] = [...command, process.execPath, UVSD, "-c", file, "--socket", socket];
    const child = this.net.spawn(host, program, args);
    const director = new LabUvsd(child, file, socket);
    const serves = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${host.name} ended with exit status ${child.exitCode}`);
      try {
        return (await director.client.haStatus()).isConfigured;
      } catch {
        return false;
      }
    };
    await waitFor(`${host.name} serves`, serves, START_DEADLINE_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${director.log}`);
    });
    return director;
  }

  /** Both directors, A master and B backup. */
  async pair(first = haConfig(150), second = haConfig(100)): Promise<{ first: LabUvsd; second: LabUvsd }> {
    const one = await this.start(this.a, first);
    await one.becomes("MASTER");
    const two = await this.start(this.b, second);
    await two.becomes("BACKUP");
    await this.holds(this.a);
    await this.hasNot(this.b);
    return { first: one, second: two };
  }

  /** Waits until this host alone has an address, and the client follows it there if it knows it. */
  async heldBy(host: LabHost, address = VIP): Promise<void> {
    const holders = (): string => this.watch.holders(address).join(" and ");
    const isHeld = waitFor(`${host.name} alone has ${address}`, () => holders() === host.name, 30_000);
    await isHeld.catch((error: Error) => {
      throw new Error(`${error.message}, now on ${holders() || "no host"}`);
    });
    const hardware = this.net.hardware(host);
    await waitFor("the client follows", () =>
      ["", hardware].includes(this.net.neighbour(this.client, address)),
    );
  }

  async heldByNobody(address = VIP): Promise<void> {
    await waitFor(`nobody has ${address}`, () => this.watch.holders(address).length === 0, 30_000);
  }

  async holds(host: LabHost, address = VIP): Promise<void> {
    await waitFor(`${host.name} has ${address}`, () => this.net.has(host, address));
  }

  async hasNot(host: LabHost, address = VIP): Promise<void> {
    await waitFor(`${host.name} does not have ${address}`, () => !this.net.has(host, address));
  }

  /** What a client gets from the service at an address; empty: nothing. */
  fetch(address = VIP): string {
    const host = address.includes(":") ? `[${address}]` : address;
    try {
      return this.net.run(this.client, "curl", "-gs", "--max-time", "2", `http://${host}/`);
    } catch {
      return "";
    }
  }

  /** Waits until the client is served through the address. */
  async serves(address = VIP): Promise<void> {
    await waitFor(`the client is served at ${address}`, () => this.fetch(address) === "realserver", 15_000);
  }
}

/** A director's configuration. @param vrrp further keys of the virtual router, @param rest further sections of `ha` */
export function haConfig(priority: number, vrrp = "", rest = "", service = ""): string {
  return `
services:
  - listen: tcp://${VIP}:80
    realservers: [ "10.79.0.20:8080" ]
    ${service}
threads: 1
shutdown: { grace: 1s }
ha:
  floating: [ { address: ${VIP}/24, interface: eth0 } ]
  vrrp:
    - { id: 51, interface: eth0, version: 3, priority: ${priority}, advertise: 100ms, floating: [ ${VIP} ] ${vrrp && `, ${vrrp}`} }
  ${rest}
`;
}

/** Whether a process is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Pids of a process's children. */
export function childrenOf(pid: number, command: string): number[] {
  const lines = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(pid)], { encoding: "utf8" });
  return lines
    .split("\n")
    .filter((line) => line.includes(command))
    .map((line) => Number.parseInt(line, 10));
}
