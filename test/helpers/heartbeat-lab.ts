/** Directors with heartbeat in network namespaces, and a watch that sees whether two ever have the address. */
import type { ChildProcess } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HaProtocolStatus } from "../../src/core/ha-status.js";
import type { HeartbeatSettings } from "../../src/ha/heartbeat/settings.js";
import type { HaEvent } from "../../src/ha/protocol.js";
import { Foreign, type LabHost, VrrpLab } from "./vrrp-lab.js";
import { waitFor } from "./wait-for.js";

const HOST_PROGRAM = fileURLToPath(new URL("./heartbeat-host.js", import.meta.url));

/** The floating address. */
export const VIP = "10.79.0.100";

/** A lab for clusters. */
export class HeartbeatLab extends VrrpLab {
  readonly keyFile = join(this.folder, "authkeys");

  constructor() {
    super();
    writeFileSync(this.keyFile, "auth 1\n1 sha256 secret\n");
    chmodSync(this.keyFile, 0o600);
  }

  /** Starts a director of a cluster. */
  async startNode(
    host: LabHost,
    settings: Omit<HeartbeatSettings, "node" | "keyFile" | "generationFile">,
  ): Promise<HeartbeatDirector> {
    const file = join(this.folder, `${host.name}.json`);
    const own: HeartbeatSettings = {
      ...settings,
      node: host.name,
      keyFile: this.keyFile,
      generationFile: join(this.folder, `${host.name}.generation`),
    };
    writeFileSync(file, JSON.stringify(own));
    const note = join(this.folder, `${host.name}.held`);
    const director = new HeartbeatDirector(this.spawn(host, process.execPath, [HOST_PROGRAM, file, note]));
    await waitFor(`${host.name} has started`, () => director.isStarted);
    return director;
  }

  /** Watches who has the address on this machine's namespaces, with one `ip monitor` each. */
  watchHolders(hosts: readonly LabHost[]): HolderWatch {
    return new HolderWatch(
      hosts.map((host) => [host.name, this.spawn(host, "ip", ["-oneline", "-ts", "monitor", "address"])]),
    );
  }
}

/** When which host had the address, by the kernel's own notifications. */
export class HolderWatch {
  readonly #changes: { readonly at: number; readonly host: string; readonly isThere: boolean }[] = [];

  constructor(monitors: readonly (readonly [string, ChildProcess])[]) {
    for (const [host, child] of monitors) {
      let partial = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (partial + text).split("\n");
        partial = lines.pop() ?? "";
        for (const line of lines) this.#line(host, line);
      });
    }
  }

  /** Changes seen so far. */
  get changes(): number {
    return this.#changes.length;
  }

  /** Moments at which two hosts had the address, in words; empty: never. */
  overlaps(): string[] {
    const holders = new Set<string>();
    const found: string[] = [];
    for (const { at, host, isThere } of [...this.#changes].sort((a, b) => a.at - b.at)) {
      if (isThere) holders.add(host);
      else holders.delete(host);
      if (holders.size > 1) found.push(`${new Date(at / 1000).toISOString()}: ${[...holders].join(" and ")}`);
    }
    return found;
  }

  /** `[2026-11-21T07:00:00.123456] Deleted 2: eth0 inet 10.79.0.100/24 ...` */
  #line(host: string, line: string): void {
    const [, stamp, deleted] = /^\[([^\]]+)\] (Deleted )?.*\binet 10\.79\.0\.100\//.exec(line) ?? [];
    if (stamp === undefined) return;
    const [seconds, micros = "0"] = stamp.split(".");
    const at = Date.parse(`${seconds}Z`) * 1000 + Number(micros.padEnd(6, "0"));
    this.#changes.push({ at, host, isThere: deleted === undefined });
  }
}

/** A director of a cluster. */
export class HeartbeatDirector extends Foreign {
  readonly #stdin: ChildProcess["stdin"];
  readonly events: HaEvent[] = [];
  readonly refusals: string[] = [];
  readonly #statuses: HaProtocolStatus[] = [];
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

  command(line: string): void {
    this.#stdin?.write(`${line}\n`);
  }

  async status(): Promise<HaProtocolStatus> {
    const before = this.#statuses.length;
    this.command("status");
    await waitFor("a status", () => this.#statuses.length > before);
    return this.#statuses[before];
  }

  #line(line: { kind: string; status?: HaProtocolStatus; reason?: string }): void {
    if (line.kind === "started") this.isStarted = true;
    else if (line.kind === "status" && line.status !== undefined) this.#statuses.push(line.status);
    else if (line.kind === "refused") this.refusals.push(line.reason ?? "");
    else this.events.push(line as HaEvent);
  }
}
