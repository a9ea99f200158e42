/** Real directors, `uvsd`, that share addresses by heartbeat on two networks, and the drills that are done with them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HeartbeatStatus } from "../../src/core/ha-status.js";
import { HaLab, type LabUvsd, VIP } from "./ha-lab.js";
import type { LabHost } from "./vrrp-lab.js";
import { waitFor } from "./wait-for.js";

/** Keys of a section of the configuration. */
export type Section = Readonly<Record<string, unknown>>;

/** What is configured besides what all of these directors have. */
export interface HeartbeatChanges {
  readonly names?: readonly string[];
  /** Further floating addresses. */
  readonly floating?: readonly string[];
  /** Keys of `ha.heartbeat`. */
  readonly heartbeat?: Section;
  /** What runs a director, such as `env NAME=VALUE`. */
  readonly command?: (lab: HaLab, name: string) => readonly string[];
}

/** See the file's head. */
export class HeartbeatDirectors {
  readonly lab: HaLab;
  readonly #changes: HeartbeatChanges;
  readonly #running = new Map<string, LabUvsd>();

  private constructor(lab: HaLab, changes: HeartbeatChanges) {
    this.lab = lab;
    this.#changes = changes;
  }

  /** Starts directors; the first one has the address, and the client is served. */
  static async with(
    changes: HeartbeatChanges,
    use: (directors: HeartbeatDirectors) => Promise<void>,
  ): Promise<void> {
    const { names = ["a", "b"] } = changes;
    await HaLab.with(async (lab) => {
      const all = new HeartbeatDirectors(lab, changes);
      writeFileSync(all.keyFile, "auth 1\n1 sha256 secret\n", { mode: 0o600 });
      lab.net.addSecondLink(...lab.directors);
      await Promise.all(names.map((name) => all.start(name)));
      await all.heldBy(names[0]);
      await lab.serves();
      await use(all);
    }, names);
  }

  get keyFile(): string {
    return join(this.lab.net.folder, "authkeys");
  }

  /** The configuration of one. @param heartbeat further keys of `ha.heartbeat` */
  config(node: string, heartbeat: Section = {}): string {
    const { floating = [], heartbeat: common = {} } = this.#changes;
    const peers = this.lab.directors.map(({ address }) => address.replace("10.79.", "10.80."));
    return JSON.stringify({
      services: [{ listen: `tcp://${VIP}:80`, realservers: ["10.79.0.20:8080"] }],
      threads: 1,
      shutdown: { grace: "1s" },
      ha: {
        floating: [VIP, ...floating].map((address) => ({ address: `${address}/24`, interface: "eth0" })),
        heartbeat: {
          node,
          nodes: this.lab.directors.map(({ name }) => name),
          links: [{ bcast: "eth0" }, { ucast: "eth1", peers }],
          auth: this.keyFile,
          state: join(this.lab.net.folder, `${node}.generation`),
          keepalive: "200ms",
          deadtime: "3s",
          groups: [{ name: "web", preferred: "a" }],
          ...common,
          ...heartbeat,
        },
      },
    });
  }

  /** Starts one, again or for the first time. */
  async start(name: string, heartbeat: Section = {}): Promise<LabUvsd> {
    const command = this.#changes.command?.(this.lab, name);
    const director = await this.lab.start(this.host(name), this.config(name, heartbeat), command);
    this.#running.set(name, director);
    return director;
  }

  /** The director that was started last on a host. */
  of(name: string): LabUvsd {
    const director = this.#running.get(name);
    if (director === undefined) throw new Error(`${name} was never started`);
    return director;
  }

  host(name: string): LabHost {
    const host = this.lab.directors.find((one) => one.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** Pulls or plugs both of a host's cables. */
  isolate(name: string, isCut: boolean): void {
    for (const device of ["eth0", "eth1"] as const) this.lab.net.unplug(this.host(name), device, isCut);
  }

  /** What a director knows of the cluster. */
  async cluster(name: string): Promise<HeartbeatStatus> {
    const { heartbeat } = await this.of(name).client.haStatus();
    if (heartbeat === undefined) throw new Error(`${name} has no heartbeat`);
    return heartbeat;
  }

  /** Waits for something that a director knows of the cluster. */
  async sees(name: string, what: string, condition: (cluster: HeartbeatStatus) => boolean): Promise<void> {
    await waitFor(`${name} sees that ${what}`, async () => condition(await this.cluster(name)), 15_000);
  }

  /** Waits until this director alone has the address, and the client follows. */
  heldBy(name: string, address = VIP): Promise<void> {
    return this.lab.heldBy(this.host(name), address);
  }

  /** That no address was ever on two hosts, and the kernels agree with the directors on who has it. */
  async neverHeldTwice(): Promise<void> {
    const { lab } = this;
    assert.deepEqual(lab.watch.heldTwice, []);
    const holders = lab.directors.filter((host) => lab.net.has(host, VIP)).map(({ name }) => name);
    assert.deepEqual(holders, lab.watch.holders(VIP));
  }
}
